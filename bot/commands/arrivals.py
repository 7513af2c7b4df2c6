"""People brought into a customer's chat, and told what they are wanted for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.acting.crm import Crm
from bot.acting.open_lines import Membership, OpenLines, Target
from bot.acting.requester import Requester
from bot.bitrix24.entities import CrmItem, Offer, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.commands.diagnosis import Denied, Diagnosis, Missed, reasons
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments
from bot.errors import (
    DialogNotActive,
    NoChat,
    NotBound,
    NotByItem,
    PersonLacksItem,
    Refusal,
    RequesterLacksHistory,
)
from bot.inbox.accepted import Accepted
from bot.inbox.stays import Stay, Stays
from bot.portals.settings import PortalSettings

# The portal says yes to an external person and leaves them out.
NOT_DONE = Refused("WRONG_REQUEST", "added, and not seen in the chat", 200)

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
    _diagnosis: Diagnosis
    _stays: Stays
    _settings: PortalSettings
    _command: Accepted

    async def bring(self, target: Target, people: Sequence[Person], wish: Wish) -> Arrival:
        """Add people by the chat's item.

        Where that is closed, the chat itself is tried or offered, as the portal has decided.
        """
        if target.item is None:
            why = NotBound(tuple(people))
            missed = [Missed(one, why) for one in people]
            arrival = _arrival((), missed, target.chat_id)
        else:
            memberships = await self._lines.add(target, people)
            missed = await self._missed(memberships, target, target.item)
            arrival = _arrival(memberships, missed, target.chat_id)
        closed = [one for one in arrival.refusals if isinstance(one, NotByItem)]
        closed = [one for one in closed if _may_be_open(one, target)]
        decided = self._settings.by_chat
        if closed and decided == "always":
            arrival = await self._by_chat(target, closed, arrival)
        elif decided == "ask":
            for one in closed:
                _offer(one, target, wish)
        await self._keep(arrival, target.item, wish)
        return arrival

    def together(self, missed: Sequence[Missed], target: Target, wish: Wish) -> list[Missed]:
        """Tell alike of those whom the portal has refused one after the other.

        One of them is offered: the next is called only where that one does not take it.
        """
        reached = [one.why for one in missed if isinstance(one.why, RequesterLacksHistory)]
        for one in reached:
            # Who is refused although in the queue shows it of all.
            one.closed = one.closed or any(other.closed for other in reached)
        shared = _sharing(missed)
        for one in reached:
            if one.by_chat and len(one.people) > 1:
                one.offers = ()
                for person in one.people:
                    _offer(one, target, wish, person)
        return shared

    async def bring_by_chat(self, asked: ByChat) -> Arrival:
        """Add people by the chat itself."""
        arrival = await self._through(asked.chat_id, asked.people)
        await self._keep(arrival, asked.item, asked)
        return arrival

    async def _by_chat(
        self, target: Target, closed: Sequence[NotByItem], arrival: Arrival
    ) -> Arrival:
        """Add by the chat whom its item is closed to; who stays out is told of both."""
        people = [person for one in closed for person in one.people]
        more = await self._through(target.known_chat, people)
        inside = {*more.joined, *more.present}
        for one in closed:
            one.people = tuple(person for person in one.people if person not in inside)
        missed = [one for one in arrival.missed if one.person not in inside]
        return Arrival(
            (*arrival.joined, *more.joined),
            (*arrival.present, *more.present),
            (*missed, *more.missed),
            arrival.chat_id or more.chat_id,
            more.by_chat,
        )

    async def _through(self, chat_id: int, people: Sequence[Person]) -> Arrival:
        memberships = await self._lines.add_by_chat(chat_id, people)
        missed = await self._diagnosis.explain_by_chat(_denied(memberships))
        missed += self._diagnosis.unclear(memberships)
        arrival = _arrival(memberships, missed, chat_id)
        return arrival._replace(by_chat=arrival.joined)

    async def _keep(self, arrival: Arrival, item: CrmItem | None, wish: Wish) -> None:
        """Note when those who came are to be taken out again."""
        if arrival.joined and wish.lasting:
            stay = Stay(item=item, chat_id=arrival.chat_id, people=arrival.joined)
            await self._stays.begin(self._command.id, self._command.event, stay, wish.lasting)

    async def briefs(self, arrival: Arrival, item: CrmItem | None, wish: Wish) -> list[Brief]:
        """Make the private cards for those who have come, if they are to be told."""
        if not wish.briefed:
            return []
        who = self._requester.person
        answer = Answer(caller=who)
        offers = tuple(Offer(name=name, act=answer.act(name)) for name in ("on_it", "cannot"))
        guests = [person for person in arrival.joined if person.id != who.id]
        if guests and item:
            item = await self.titled(item)
        return [
            Brief(
                to=person,
                who=who,
                item=item,
                chat_id=arrival.chat_id,
                reason=wish.reason,
                offers=offers,
            )
            for person in guests
        ]

    async def titled(self, item: CrmItem) -> CrmItem:
        """Look the title of an item up, unless it is known, or the requester may not read it."""
        try:
            return item if item.title else (await self._crm.card(item)).item
        except Bitrix24Error:
            return item

    async def _missed(
        self, memberships: Sequence[Membership], target: Target, item: CrmItem
    ) -> list[Missed]:
        missed = self._diagnosis.unclear(memberships)
        missed += [
            Missed(one.person, NoChat((one.person,), item))
            for one in memberships
            if not one.refused and not one.chat_id and not one.unclear
        ]
        if denied := _denied(memberships):
            missed = [*await self._diagnosis.explain(denied, item, target.known_chat), *missed]
        return _sharing(missed)


def _arrival(memberships: Sequence[Membership], missed: Sequence[Missed], chat_id: int) -> Arrival:
    inside = [one for one in memberships if _is_inside(one)]
    return Arrival(
        tuple(one.person for one in inside if one.changed is not False),
        tuple(one.person for one in inside if one.changed is False),
        tuple(missed),
        next((one.chat_id for one in inside), chat_id),
    )


def _denied(memberships: Sequence[Membership]) -> list[Denied]:
    denied = [Denied(one.person, one.refused) for one in memberships if one.refused]
    return denied + [Denied(one.person, NOT_DONE) for one in memberships if one.ignored]


def _sharing(missed: Sequence[Missed]) -> list[Missed]:
    """Let those who miss for the same reason share its telling, and its button if it is one."""
    told: dict[object, NotByItem] = {}
    for one in missed:
        if isinstance(one.why, NotByItem):
            first = told.setdefault(_kind(one.why), one.why)
            if first is not one.why:
                first.people += one.why.people
    lacking = [one for one in missed if isinstance(one.why, PersonLacksItem)]
    if len(lacking) > 1:
        # The buttons of several are to be told apart.
        for one in lacking:
            label = {"label": one.person.name or f"id{one.person.id}"}
            one.why.offers = tuple(offer.model_copy(update=label) for offer in one.why.offers)
    return [
        Missed(one.person, told[_kind(one.why)]) if isinstance(one.why, NotByItem) else one
        for one in missed
    ]


def _kind(why: NotByItem) -> object:
    return type(why), why.closed if isinstance(why, RequesterLacksHistory) else None


def _may_be_open(why: NotByItem, target: Target) -> bool:
    """Say whether the chat itself may take people: it is known, and certainly the one meant."""
    is_meant = target.here or not isinstance(why, DialogNotActive) or why.waits
    return bool(target.known_chat) and is_meant


def _offer(why: NotByItem, target: Target, wish: Wish, alone: Person | None = None) -> None:
    """Offer to add people by the chat itself: all of them, or one of several."""
    people = (alone,) if alone else why.people
    asked = ByChat(**dict(wish), chat_id=target.known_chat, item=target.item, people=people)
    label = alone.name if alone else ""
    why.offers = (*why.offers, Offer(name=ADD_BY_CHAT, label=label, act=asked.act(ADD_BY_CHAT)))
    why.by_chat = True


def _is_inside(one: Membership) -> bool:
    return not one.refused and bool(one.chat_id) and not one.ignored and not one.unclear
