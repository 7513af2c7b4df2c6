"""People taken out of a customer's chat, in the way that can work."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.acting.history import History
from bot.acting.open_lines import ARRIVING, CHAT_ADD, Membership, OpenLines, Target
from bot.bitrix24.dialogs import Dialog
from bot.bitrix24.entities import Offer, Person, Someone
from bot.commands.diagnosis import Diagnosis, denied_of
from bot.commands.errors import RemovesOperator
from bot.commands.missed import Missed
from bot.commands.past import chat_of
from bot.commands.targets import Aimed
from bot.errors import NobodyToRemove, NotHere, OnlyOwnerRemoves
from bot.inbox.accepted import Accepted

# What the portal says where an item's dialog is not active.
NO_DIALOG = "CHAT_NOT_IN_CRM"

# What the chat itself says to somebody who is not its owner; it is asked where that is said, too.
_NOT_OWNER = frozenset({"WRONG_REQUEST", "ACCESS_ERROR", "IM_ERROR_KICK", NO_DIALOG})


class Departure(NamedTuple):
    """Who is out now, who was not there, who is still in and why; ``chat_id`` is where."""

    gone: tuple[Person, ...]
    absent: tuple[Person, ...]
    missed: tuple[Missed, ...]
    chat_id: int


class Remove(Aimed):
    """What ``/remove`` takes."""

    people: tuple[Someone, ...]
    dry: bool = False
    reason: str = ""


@dataclass(eq=False, slots=True)
class Departures:
    """Takes people out of chats.

    By the chat's item whoever may read it can, while the dialog is active. By the chat itself
    its owner can, and everybody for themselves: so those go who came in so, and the others where
    the dialog waits.
    """

    _lines: OpenLines
    _history: History
    _diagnosis: Diagnosis
    _command: Accepted

    async def take_out(
        self, target: Target, people: Sequence[Person], *, follow: bool = False
    ) -> Departure:
        """Take people out, each in the way that can work.

        ``follow``: the chat is meant, whichever item it is bound to by now.
        """
        came = await self._came_by_chat(target, people)
        dialog = await self._lines.known_dialog(target.known_chat) if came else None
        by_chat = {
            one.id
            for one in people
            if target.item is None or (one.id in came and dialog and self._may(dialog, one))
        }
        memberships = {one.person: one for one in await self._lines.remove(target, people, by_chat)}
        closed = [
            one.person
            for one in memberships.values()
            if one.refused and one.refused.code == NO_DIALOG
        ]
        if closed and dialog is None:
            dialog = await self._lines.known_dialog(target.known_chat)
        if dialog is not None and dialog.is_over is False:
            moved = _moved(target, dialog) if follow else None
            again = [one for one in closed if moved or self._may(dialog, one)]
            by_chat |= {one.id for one in closed if not moved or self._may(dialog, one)}
            target = moved or target
            tried = await self._lines.remove(target, again, by_chat)
            memberships |= {one.person: one for one in tried}
        return await self._departure(target, list(memberships.values()), came | by_chat, dialog)

    async def take_out_but_operator(self, target: Target, people: Sequence[Person]) -> Departure:
        """Take people out of the chat that is meant, but not the dialog's operator.

        Without them nobody would answer the customer: about them the requester is asked first.
        """
        owner_id = (await self._lines.known_dialog(target.known_chat)).owner
        args = Remove(item=target.item, chat_id=0 if target.here else target.known_chat, people=())
        kept = tuple(Missed(one, ask_first(args, one)) for one in people if one.id == owner_id)
        wanted = [one for one in people if one.id != owner_id]
        if not wanted:
            return Departure((), (), kept, target.known_chat)
        departure = await self.take_out(target, wanted, follow=True)
        return departure._replace(missed=(*departure.missed, *kept))

    async def _came_by_chat(self, target: Target, people: Sequence[Person]) -> set[int]:
        """Give those whom the journal knows to have come in by the chat itself, the last time."""
        ids, member_id = [one.id for one in people], self._command.event.member_id
        deeds = await self._history.of_people(member_id, ids, ARRIVING)
        last = {
            deed.person_id: deed.method
            for deed in deeds
            if deed.changed is not False and chat_of(deed) == target.known_chat
        }
        return {person for person, method in last.items() if method == CHAT_ADD}

    def _may(self, dialog: Dialog, person: Person) -> bool:
        """Say whether the chat itself lets the requester take somebody out."""
        return self._command.event.user.id in (dialog.owner, person.id)

    async def _departure(
        self,
        target: Target,
        memberships: Sequence[Membership],
        by_chat: set[int],
        dialog: Dialog | None,
    ) -> Departure:
        missed = await self._missed(target, memberships, by_chat, dialog)
        there = [one for one in memberships if not one.refused and not one.unclear]
        missed += self._diagnosis.unclear(memberships)
        missed += [
            Missed(one.person, NobodyToRemove(target.item))
            for one in there
            if not one.chat_id and target.item
        ]
        told = [one for one in there if one.chat_id]
        absent = [one.person for one in missed if isinstance(one.why, NotHere)]
        return Departure(
            gone=tuple(one.person for one in told if one.changed is not False),
            absent=(*(one.person for one in told if one.changed is False), *absent),
            missed=tuple(one for one in missed if not isinstance(one.why, NotHere)),
            chat_id=next((one.chat_id for one in told), target.known_chat),
        )

    async def _missed(
        self,
        target: Target,
        memberships: Sequence[Membership],
        by_chat: set[int],
        dialog: Dialog | None,
    ) -> list[Missed]:
        denied = denied_of(memberships)
        of_chat = [
            one for one in denied if one.person.id in by_chat and one.refused.code in _NOT_OWNER
        ]
        others = [one for one in denied if one not in of_chat]
        if of_chat and dialog is None:
            dialog = await self._lines.known_dialog(target.known_chat)
        owner = Person(id=dialog.owner) if dialog and dialog.owner else None
        missed = [Missed(one.person, OnlyOwnerRemoves(one.person, owner)) for one in of_chat]
        if target.item is None:
            return missed + [Missed(one.person, self._diagnosis.of(one.refused)) for one in others]
        chat_id = target.known_chat
        return missed + await self._diagnosis.explain_removal(others, target.item, chat_id)


def ask_first(args: Remove, owner: Person) -> RemovesOperator:
    """Ask whether the dialog's operator is meant."""
    act = args.act("remove", people=(owner,), yes=True)
    return RemovesOperator(owner, (Offer(name="remove", act=act),))


def _moved(target: Target, dialog: Dialog) -> Target | None:
    """Give the chat by the item it is bound to now, if that is another one than it was."""
    now, item = [(one.type, one.id) for one in dialog.items], target.item
    if item is None or not now or (item.type, item.id) in now:
        return None
    return replace(target, item=dialog.bound_item)
