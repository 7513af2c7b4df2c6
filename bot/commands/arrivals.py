"""People brought into a customer's chat, and told what they are wanted for."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.bitrix24.crm import Crm
from bot.bitrix24.entities import Act, CrmItem, Entity, Offer, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import Membership, OpenLines, Target
from bot.diagnosis import Denied, Diagnosis
from bot.errors import NoChat, Refusal
from bot.outcomes import Outcome
from bot.store.accepted import Accepted
from bot.store.stays import Stay, Stays

# The portal says yes to an external person and leaves him out.
NOT_DONE = Refused("WRONG_REQUEST", "added, and not seen in the chat", 200)


class Missed(NamedTuple):
    """Somebody who was not added or removed, and why."""

    person: Person
    why: Refusal


class Arrival(NamedTuple):
    """Who is in the chat now, who has been there, who is not; ``chat_id`` is where."""

    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    chat_id: int

    @property
    def refusals(self) -> list[Refusal]:
        """What is to be told about those who are missing."""
        return [one.why for one in self.missed]


class Answer(Entity):
    """Who learns what somebody says to his call."""

    caller: Person


class Brief(Outcome):
    """Somebody has been brought into a chat and learns who wants him there, and what for."""

    to: Person
    who: Person
    item: CrmItem
    chat_id: int
    reason: str


class Arrivals:
    """Brings people into chats."""

    def __init__(
        self, lines: OpenLines, crm: Crm, diagnosis: Diagnosis, stays: Stays, command: Accepted
    ) -> None:
        self._lines = lines
        self._crm = crm
        self._diagnosis = diagnosis
        self._stays = stays
        self._command = command

    async def bring(self, target: Target, people: Sequence[Person], seconds: int = 0) -> Arrival:
        """Add people; with ``seconds``, only for so long."""
        memberships = await self._lines.add(target, people)
        inside = [one for one in memberships if _is_inside(one)]
        joined = tuple(one.person for one in inside if one.changed is not False)
        present = tuple(one.person for one in inside if one.changed is False)
        chat_id = next((one.chat_id for one in inside), target.chat_id)
        if joined and seconds:
            stay = Stay(item=target.item, chat_id=chat_id, people=joined)
            await self._stays.begin(self._command.id, self._command.event, stay, seconds)
        missed = await self._missed(memberships, target)
        return Arrival(joined, present, tuple(missed), chat_id)

    async def briefs(
        self, arrival: Arrival, item: CrmItem, reason: str, event: CommandEvent
    ) -> list[Brief]:
        """Make the private cards for those who have come."""
        who = event.user.person
        answer = Answer(caller=who).model_dump_json()
        guests = [person for person in arrival.joined if person.id != who.id]
        if guests and not item.title:
            item = await self._titled(item)
        return [
            Brief(
                to=person,
                who=who,
                item=item,
                chat_id=arrival.chat_id,
                reason=reason,
                offers=tuple(
                    Offer(name=name, act=Act(name=name, params=answer))
                    for name in ("on_it", "cannot")
                ),
            )
            for person in guests
        ]

    async def _titled(self, item: CrmItem) -> CrmItem:
        try:
            return (await self._crm.card(item)).item
        except Bitrix24Error:
            return item

    async def _missed(self, memberships: Sequence[Membership], target: Target) -> list[Missed]:
        denied = [Denied(one.person, one.refused) for one in memberships if one.refused]
        denied += [Denied(one.person, NOT_DONE) for one in memberships if one.ignored]
        refusals = await self._diagnosis.explain(denied, target.item, target.chat_id)
        missed = [Missed(one.person, why) for one, why in zip(denied, refusals, strict=True)]
        for one in memberships:
            if one.unclear:
                missed.append(Missed(one.person, self._diagnosis.unclear(one.person)))
            elif not one.refused and not one.chat_id:
                missed.append(Missed(one.person, NoChat(target.item, one.person)))
        return missed


def _is_inside(one: Membership) -> bool:
    return not one.refused and bool(one.chat_id) and not one.ignored and not one.unclear


def missing(refusals: Sequence[Refusal]) -> tuple[Missed, ...]:
    """Give the people among refusals, with why they are missing."""
    people = [(getattr(one, "person", None), one) for one in refusals]
    return tuple(Missed(person, why) for person, why in people if person is not None)
