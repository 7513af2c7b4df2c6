"""People in an open-line chat. Methods: imopenlines.crm.chat.user.add and its siblings.

What the portal tells of a dialog, ``bot/bitrix24/dialogs`` reads.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.acting.journal import Answered, Step
from bot.acting.requester import AFTER, LOOK, Changes, IsDone, Requester, nobody_knows
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import (
    MESSAGES,
    Dialog,
    Glance,
    dialog_call,
    is_dialog,
    members_call,
    of_item,
    queue_call,
    read_dialog,
    read_queue,
    read_said,
)
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused, Unanswered
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.retry import NOT_KNOWN

log = logging.getLogger(__name__)

ADD = "imopenlines.crm.chat.user.add"
DELETE = "imopenlines.crm.chat.user.delete"
# The messenger's own "+": by the chat, whatever its item and the state of its dialog.
CHAT_ADD = "im.chat.user.add"
CHAT_DELETE = "im.chat.user.delete"

ARRIVING = frozenset({ADD, CHAT_ADD})
LEAVING = frozenset({DELETE, CHAT_DELETE})

# The portal says yes to an external person and leaves them out.
NOT_DONE = Refused("WRONG_REQUEST", "added, and not seen in the chat", 200)

# Steps are counted within a command; those that mend something first have numbers of their own,
# and so have those that go by the chat itself.
MENDING = 1000
BY_CHAT = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """Whose people are meant: an item, and its chat where that is known.

    Without ``chat_id`` the portal takes the item's last chat; ``last_chat`` is what that seems
    to be. ``here``: it is the chat that the command was typed in. ``item`` is ``None`` where the
    chat is bound to nothing.
    """

    item: CrmItem | None
    chat_id: int = 0
    last_chat: int = 0
    here: bool = False

    @property
    def known_chat(self) -> int:
        """Give the chat, as far as it is known; else 0."""
        return self.chat_id or self.last_chat


@dataclass(frozen=True, slots=True)
class Membership:
    """What came of adding or removing one person.

    ``chat_id`` is 0 where the item has no chat; ``changed`` is ``None`` where nobody knows;
    ``unclear``: what the portal says and what it shows do not tell what came of it.
    """

    person: Person
    chat_id: int = 0
    changed: bool | None = None
    unclear: bool = False
    refused: Refused | None = None


@dataclass(eq=False, slots=True)
class OpenLines:
    """Open-line chats, as the requester may see and change them."""

    _requester: Requester

    async def dialog(self, chat_id: int) -> Dialog:
        """Look a dialog up: ``imopenlines.dialog.get``.

        Raises ``Refused``; ``Unanswered`` where the portal gives something else.
        """
        found = await self._requester.ask(dialog_call(chat_id))
        if not is_dialog(found, chat_id):
            raise Unanswered("imopenlines.dialog.get was answered without a dialog")
        return read_dialog(chat_id, found)

    async def known_dialog(self, chat_id: int) -> Dialog:
        """Look a dialog up; an empty one where the portal does not show it to the requester."""
        try:
            return await self.dialog(chat_id)
        except Refused:
            return read_dialog(chat_id, None)

    async def glance(self, chat_id: int) -> Glance:
        """Look at a dialog and at what was said in it, in one request.

        Nothing is seen there where the portal does not answer.
        """
        last = {"DIALOG_ID": f"chat{chat_id}", "LIMIT": MESSAGES}
        calls = {"dialog": dialog_call(chat_id), "said": Call("im.dialog.messages.get", last)}
        try:
            found = await self._requester.ask_all(calls)
        except NOT_KNOWN as error:
            log.warning("a chat cannot be looked at: %s", error)
            found = {}
        # What the requester may not see is not there; only members see what was said.
        return Glance(read_dialog(chat_id, found.get("dialog")), read_said(found.get("said")))

    async def last_chat(self, item: CrmItem) -> int:
        """Say which chat of an item the portal used last; 0 where it has none or does not say."""
        call = Call("imopenlines.crm.chat.getLastId", of_item(item))
        try:
            found = await self._requester.ask(call)
        except Refused:
            return 0
        return read_number(found) or 0

    async def members(self, chat_id: int) -> list[int]:
        """List who is in a chat; nobody where the requester may not see it."""
        try:
            return list(read_numbers(await self._requester.ask(members_call(chat_id))))
        except Refused:
            return []

    async def queue(self, line_id: int) -> list[int]:
        """List the operators of an open line: ``imopenlines.config.get``, open to everybody."""
        return list(read_queue(await self._requester.ask(queue_call(line_id))) or ())

    async def known_queue(self, line_id: int) -> tuple[int, ...] | None:
        """List them; ``None`` where there is no line (0), or the portal does not tell."""
        if not line_id:
            return None
        try:
            return read_queue(await self._requester.ask(queue_call(line_id)))
        except Bitrix24Error:
            return None

    async def add(self, target: Target, people: Sequence[Person]) -> list[Membership]:
        """Add people to a chat of an item, in one request, each with a result of their own.

        The portal looks at the history right once a request, for the first one whom it comes to:
        whoever may have been refused in another's stead is asked for once more, alone.
        """
        # In an order of their own, so that it does not matter in which they were typed.
        numbered = sorted(enumerate(people), key=lambda pair: pair[1].id)
        steps = {one: Step(n, ADD, _params(target, one), one.id) for n, one in numbered}
        changes = await self._change(steps.values(), target)
        came = {one: _came(one, target, step, changes) for one, step in steps.items()}
        lacking = [one for one in steps if lacks_history(came[one].refused)]
        for one in lacking[1 if changes.alone else 0 :]:
            await self._requester.forget_refusal(steps[one])
            changes = await self._change([steps[one]], target, alone=True)
            came[one] = _came(one, target, steps[one], changes)
        return [came[one] for one in people]

    async def add_by_chat(self, chat_id: int, people: Sequence[Person]) -> list[Membership]:
        """Add people by the chat itself, as its members may: ``im.chat.user.add``."""
        steps = {
            one: Step(BY_CHAT + n, CHAT_ADD, {"CHAT_ID": chat_id, "USERS": [one.id]}, one.id)
            for n, one in enumerate(people)
        }
        return await self._each(steps, Target(None, chat_id))

    async def remove(
        self, target: Target, people: Sequence[Person], by_chat: Collection[int] = ()
    ) -> list[Membership]:
        """Remove people from a chat, in one request, each with a result of their own.

        Those whose ids are in ``by_chat`` are removed by the chat itself, as its owner may.
        """
        steps = {one: _removing(n, target, one, one.id in by_chat) for n, one in enumerate(people)}
        return await self._each(steps, target)

    async def _each(self, steps: Mapping[Person, Step], target: Target) -> list[Membership]:
        changes = await self._change(steps.values(), target)
        return [_came(one, target, step, changes) for one, step in steps.items()]

    async def create_lead(self, chat_id: int) -> None:
        """Let a chat that is bound to nothing have a lead: ``imopenlines.crm.lead.create``.

        Raises as ``Requester.change_one``.
        """
        params = {"CHAT_ID": chat_id}
        await self._mend("imopenlines.crm.lead.create", params, chat_id, _has_item)

    async def start_session(self, chat_id: int) -> None:
        """Begin a dialog that is over anew: ``imopenlines.session.start``.

        Raises as ``create_lead``.
        """
        await self._mend("imopenlines.session.start", {"CHAT_ID": chat_id}, chat_id)

    async def hide(self, chat_id: int) -> None:
        """Switch a chat's hidden mode on: ``imopenlines.session.mode.silent``.

        Raises as ``create_lead``, and ``Unanswered`` where the portal says neither yes nor no.
        """
        params = {"CHAT_ID": chat_id, "ACTIVATE": "Y"}
        confirm(await self._mend("imopenlines.session.mode.silent", params, chat_id))

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        """Delete a message of the requester's own: ``im.message.delete``. Raises as ``hide``."""
        params = {"MESSAGE_ID": message_id}
        confirm(await self._mend("im.message.delete", params, chat_id))

    async def _mend(
        self, method: str, params: dict[str, Any], chat_id: int, is_done: IsDone = nobody_knows
    ) -> Answered:
        step = Step(MENDING, method, params, 0)
        return await self._requester.change_one(step, dialog_call(chat_id), is_done)

    async def _change(
        self, steps: Iterable[Step], target: Target, *, alone: bool = False
    ) -> Changes:
        look = members_call(target.known_chat)
        return await self._requester.change(list(steps), look, _is_done, {AFTER: look}, alone=alone)


def lacks_history(refused: Refused | None) -> bool:
    """Say whether somebody is refused because of the view of history in the caller's role."""
    if refused is None or refused.code != "ACCESS_DENIED":
        return False
    return "chat history" in refused.description.lower()


def confirm(answer: Answered) -> None:
    """See that an answer which is no refusal says yes. Raises ``Unanswered`` where it does not."""
    is_yes = answer.result is True or bool(read_number(answer.result))
    if answer.changed is None and not is_yes:
        raise Unanswered("the portal says neither yes nor no")


def _params(target: Target, person: Person) -> dict[str, Any]:
    item = of_item(target.item) if target.item else {}
    chat = {"CHAT_ID": target.chat_id} if target.chat_id else {}
    return {**item, "USER_ID": person.id, **chat}


def _removing(number: int, target: Target, person: Person, by_chat: bool) -> Step:
    if not by_chat:
        return Step(number, DELETE, _params(target, person), person.id)
    params = {"CHAT_ID": target.known_chat, "USER_ID": person.id}
    return Step(BY_CHAT + number, CHAT_DELETE, params, person.id)


def _has_item(found: Any, step: Step) -> bool | None:
    chat_id = step.params["CHAT_ID"]
    return bool(read_dialog(chat_id, found).items) if is_dialog(found, chat_id) else None


def _is_done(members: Any, step: Step) -> bool | None:
    # An empty list is what a stranger to the chat is shown: it proves nothing.
    numbers = read_numbers(members)
    return (step.person_id in numbers) == (step.method in ARRIVING) if numbers else None


def _came(person: Person, target: Target, step: Step, changes: Changes) -> Membership:
    answer, seen = changes.answers[step.number], changes.seen
    if refused := answer.refused:
        return Membership(person, refused=refused)
    # The messenger's own methods answer with true, and not with the chat.
    by_chat = step.method in (CHAT_ADD, CHAT_DELETE)
    chat_id = None if by_chat else read_number(answer.result)
    is_told = answer.result is True if by_chat else chat_id is not None
    if chat_id and target.chat_id and chat_id != target.chat_id:
        # It speaks of a chat that nobody has asked it about.
        chat_id, is_told = None, False
    if chat_id and not target.chat_id and chat_id != target.last_chat:
        # The portal has chosen another chat than the one that was looked at.
        return Membership(person, chat_id)
    after = _is_done(seen.get(AFTER), step)
    if chat_id is None:
        # It was begun before and has been found done; or the answer names no chat.
        chat_id = target.known_chat
    is_missing = bool(chat_id) and after is False and _is_done(seen.get(LOOK), step) is False
    is_unknown = not is_told and answer.changed is None and not after
    if is_missing and step.method in ARRIVING:
        return Membership(person, refused=NOT_DONE)
    return Membership(person, chat_id, answer.changed, unclear=is_missing or is_unknown)
