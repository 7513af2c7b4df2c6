"""People brought into a customer's chat, and told what they are wanted for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

from bot.acting.crm import Crm
from bot.acting.open_lines import Membership, OpenLines, Target
from bot.acting.requester import Requester
from bot.acting.users import Users
from bot.bitrix24.entities import CrmItem, Offer, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.people import Account
from bot.commands.diagnosis import Diagnosis, denied_of, stranger_of
from bot.commands.missed import Missed, merged, of_chat, reasons, reworded
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments
from bot.errors import (
    DialogNotActive,
    NoChat,
    NotBound,
    NotByItem,
    PersonUnavailable,
    Refusal,
    RequesterLacksHistory,
)
from bot.inbox.accepted import Accepted
from bot.inbox.stays import Guests, Stays
from bot.portals.settings import PortalSettings

ADD_BY_CHAT = "add_by_chat"


class Arrival(NamedTuple):
    """Who is in the chat now, who has been there, who is not; ``chat_id`` is where.

    ``by_chat`` are those of the joined who came by the chat itself, perhaps without access to
    its item.
    """

    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    chat_id: int
    by_chat: tuple[Person, ...] = ()

    @property
    def refusals(self) -> list[Refusal]:
        """What is to be told about those who are missing, each once."""
        return reasons(self.missed)


class Wish(Arguments):
    """What people are brought in for, and for how long; ``briefed``: they are told of it."""

    lasting: int = 0
    reason: str = ""
    briefed: bool = False


class ByChat(Wish):
    """People to be brought in by the chat itself, and the item that it is about."""

    chat_id: int
    item: CrmItem | None
    people: tuple[Person, ...]


class Answer(Arguments):
    """Who learns what somebody says to their call."""

    caller: Person


class Brief(Outcome):
    """Somebody has been brought into a chat and learns who wants them there, and what for."""

    to: Person
    who: Person
    item: CrmItem | None
    chat_id: int
    reason: str


@dataclass(eq=False, slots=True)
class Arrivals:
    """Brings people into chats."""

    _requester: Requester
    _lines: OpenLines
    _crm: Crm
    _users: Users
    _diagnosis: Diagnosis
    _stays: Stays
    _settings: PortalSettings
    _command: Accepted

    async def bring(self, target: Target, people: Sequence[Person], wish: Wish) -> Arrival:
        """Add people by the chat's item.

        Where that is closed, the chat itself is tried or offered, as the portal has decided.
        """
        if target.item is None:
            why = of_chat(NotBound(tuple(people)), target.chat_id, self._command.event.chat.id)
            arrival = _arrival((), [Missed(one, why) for one in people], target.chat_id)
        else:
            memberships = await self._lines.add(target, people)
            missed = await self._missed(memberships, target, target.item)
            arrival = _arrival(memberships, missed, target.chat_id)
        if self._settings.by_chat == "always":
            arrival = await self._by_chat(target, arrival)
        elif self._settings.by_chat == "ask" and arrival.missed:
            told = reworded(arrival.missed, lambda why: _offering(why, target, wish))
            arrival = arrival._replace(missed=tuple(told))
        await self._keep(arrival, target.item, wish)
        return arrival

    def together(self, missed: Sequence[Missed], target: Target, wish: Wish) -> list[Missed]:
        """Tell alike of those whom the portal has refused one after the other.

        One of them is offered: the next is called only where that one does not take it.
        """
        is_closed = any(
            one.why.closed for one in missed if isinstance(one.why, RequesterLacksHistory)
        )
        if is_closed:
            # Who is refused although in the queue shows it of all.
            missed = reworded(missed, _closed)
        return reworded(merged(missed), lambda why: _one_by_one(why, target, wish))

    async def bring_by_chat(self, asked: ByChat) -> Arrival:
        """Add people by the chat itself."""
        arrival = await self._through(asked.chat_id, asked.people)
        await self._keep(arrival, asked.item, asked)
        return arrival

    async def _by_chat(self, target: Target, arrival: Arrival) -> Arrival:
        """Add by the chat whom its item is closed to; who stays out is told of both."""
        closed = [one for one in arrival.refusals if _may_be_open(one, target)]
        if not closed:
            return arrival
        people = [person for one in closed for person in one.people]
        more = await self._through(target.known_chat, people)
        inside = {*more.joined, *more.present}
        out = [one for one in arrival.missed if one.person not in inside]
        return Arrival(
            (*arrival.joined, *more.joined),
            (*arrival.present, *more.present),
            (*reworded(out, lambda why: _without(why, inside)), *more.missed),
            arrival.chat_id or more.chat_id,
            more.by_chat,
        )

    async def _through(self, chat_id: int, people: Sequence[Person]) -> Arrival:
        """Add the staff among these by the chat itself: it takes other customers, too, and bots.

        Everybody is kept out where the portal does not tell who they are.
        """
        try:
            accounts = await self._users.accounts(one.id for one in people)
        except Refused as refused:
            why = self._diagnosis.of(refused)
            return _arrival((), [Missed(one, why) for one in people], chat_id)
        told = {one: _kept_out(one, accounts.get(one.id)) for one in people}
        staff = [one for one, why in told.items() if why is None]
        memberships = await self._lines.add_by_chat(chat_id, staff)
        missed = await self._diagnosis.explain_by_chat(denied_of(memberships), accounts)
        missed += self._diagnosis.unclear(memberships)
        missed += [Missed(one, why) for one, why in told.items() if why]
        arrival = _arrival(memberships, missed, chat_id)
        return arrival._replace(by_chat=arrival.joined)

    async def _keep(self, arrival: Arrival, item: CrmItem | None, wish: Wish) -> None:
        """Note when those who came are to be taken out again."""
        if arrival.joined and wish.lasting:
            guests = Guests(item=item, chat_id=arrival.chat_id, people=arrival.joined)
            await self._stays.begin(self._command.id, self._command.event, guests, wish.lasting)

    async def briefs(self, arrival: Arrival, item: CrmItem | None, wish: Wish) -> list[Brief]:
        """Make the private cards for those who have come, if they are to be told."""
        if not wish.briefed:
            return []
        who = self._requester.person
        answer = Answer(caller=who)
        offers = tuple(Offer(name=name, act=answer.act(name)) for name in ("on_it", "cannot"))
        others = [person for person in arrival.joined if person.id != who.id]
        if others and item:
            item = await self._crm.titled(item)
        return [
            Brief(
                to=person,
                who=who,
                item=item,
                chat_id=arrival.chat_id,
                reason=wish.reason,
                offers=offers,
            )
            for person in others
        ]

    async def _missed(
        self, memberships: Sequence[Membership], target: Target, item: CrmItem
    ) -> list[Missed]:
        missed = self._diagnosis.unclear(memberships)
        missed += [
            Missed(one.person, NoChat((one.person,), item))
            for one in memberships
            if not one.refused and not one.chat_id and not one.unclear
        ]
        if denied := denied_of(memberships):
            missed = [*await self._diagnosis.explain(denied, item, target.known_chat), *missed]
        return merged(missed)


def _arrival(memberships: Sequence[Membership], missed: Sequence[Missed], chat_id: int) -> Arrival:
    inside = [one for one in memberships if one.chat_id and not one.refused and not one.unclear]
    return Arrival(
        tuple(one.person for one in inside if one.changed is not False),
        tuple(one.person for one in inside if one.changed is False),
        tuple(missed),
        next((one.chat_id for one in inside), chat_id),
    )


def _kept_out(person: Person, account: Account | None) -> Refusal | None:
    """Say why nobody tries to bring somebody in by the chat itself, if so."""
    return stranger_of(person, account) if account else PersonUnavailable(person)


def _closed(why: Refusal) -> Refusal:
    return why.changed(closed=True) if isinstance(why, RequesterLacksHistory) else why


def _without(why: Refusal, inside: Collection[Person]) -> Refusal:
    """Give a reason that tells of none who are in the chat by now."""
    if not isinstance(why, NotByItem):
        return why
    return why.changed(people=tuple(one for one in why.people if one not in inside))


def _may_be_open(why: Refusal, target: Target) -> TypeGuard[NotByItem]:
    """Say whether the chat itself may take people: it is known, and certainly the one meant."""
    if not isinstance(why, NotByItem) or not target.known_chat:
        return False
    return target.here or not isinstance(why, DialogNotActive) or why.waits


def _offering(why: Refusal, target: Target, wish: Wish) -> Refusal:
    """Offer to add people by the chat itself, if that may take them: all of them."""
    if not _may_be_open(why, target):
        return why
    offers = (*why.offers, _offer(target, wish, why.people))
    return why.changed(offers=offers, by_chat=True)


def _one_by_one(why: Refusal, target: Target, wish: Wish) -> Refusal:
    """Offer one of several, where they are offered."""
    if not isinstance(why, RequesterLacksHistory) or not why.by_chat or len(why.people) == 1:
        return why
    return why.changed(offers=tuple(_offer(target, wish, (one,), one.name) for one in why.people))


def _offer(target: Target, wish: Wish, people: tuple[Person, ...], label: str = "") -> Offer:
    asked = ByChat(**dict(wish), chat_id=target.known_chat, item=target.item, people=people)
    return Offer(name=ADD_BY_CHAT, label=label, act=asked.act(ADD_BY_CHAT))
