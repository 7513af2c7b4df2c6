"""Whom an escalation calls: those who are named, else whom the portal's order gives.

They are tried in that order until one is in the chat.
"""

import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from bot.acting.open_lines import Target
from bot.acting.users import Users
from bot.bitrix24.entities import Person
from bot.bitrix24.people import Account
from bot.commands.arrivals import Arrival, Arrivals, Wish
from bot.commands.missed import Missed, reasons
from bot.errors import (
    AccessUnclear,
    IsBot,
    IsCustomer,
    IsExtranet,
    NotAdded,
    NotByChat,
    OutcomeUnclear,
    PersonDismissed,
    PersonLacksItem,
    PersonUnavailable,
    Refusal,
    RequesterLacksHistory,
)
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Callee, Chain, Skipped, Why
from bot.portals.settings import PortalSettings, WorkingHours
from bot.portals.time_zones import time_zone

# How far up an escalation goes where heads are absent.
HEADS = 3

# How many are looked up who could still be asked, and how many of them are named.
MOST_ASKED, MOST_NAMED = 50, 5


# What stands in one person's way alone: another one may come.
PERSONAL = (
    AccessUnclear, IsBot, IsCustomer, IsExtranet, NotAdded, NotByChat, OutcomeUnclear,
    PersonDismissed, PersonLacksItem, PersonUnavailable, RequesterLacksHistory,
)  # fmt: skip


class Candidate(NamedTuple):
    """Somebody who may be called, as what, and why they cannot come, if they cannot."""

    account: Account
    role: str
    obstacle: Why | None

    @property
    def skipped(self) -> Skipped:
        """Tell of somebody who cannot come, or whom the portal does not let in."""
        who = self.account
        return Skipped(
            person=who.person,
            role=self.role,
            why=self.obstacle or "closed",
            until=who.absent_until if self.obstacle == "absent" else "",
        )


class Called(NamedTuple):
    """Who is called, and as what: ``responsible``, ``head``, ``duty``."""

    person: Person
    role: str


@dataclass
class Round:
    """Who was called, if anybody; who was passed over before them, and why."""

    callee: Callee | None = None
    arrival: Arrival | None = None
    skipped: list[Skipped] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)

    @property
    def refusals(self) -> list[Refusal]:
        """What is to be told about those who could not be added, each once."""
        return reasons(self.missed)


@dataclass(eq=False, slots=True)
class Policy:
    """The order in which a portal looks for somebody: its own, or responsible, head, duty."""

    _users: Users
    _settings: PortalSettings
    _arrivals: Arrivals
    _command: Accepted

    async def bring_first(
        self, chain: Chain, target: Target, responsible_id: int, newest: int, owner_id: int
    ) -> Round:
        """Bring in the first who can come, one after the other.

        ``newest`` is the last message of the chat so far, ``owner_id`` the dialog's operator.
        """
        found = Round()
        wish = Wish(lasting=chain.lasting, reason=chain.reason, briefed=True)
        async for one in self.candidates(chain.named, responsible_id):
            if one.account.person.id in chain.asked:
                continue
            if one.obstacle is None:
                arrival = await self._arrivals.bring(target, [one.account.person], wish)
                found.missed += arrival.missed
                if arrival.joined or arrival.present:
                    found.arrival = arrival
                    led = one.account.person.id == owner_id
                    found.callee = self._callee(one, arrival, newest, led)
                    break
                if not all(isinstance(why, PERSONAL) for why in arrival.refusals):
                    break
            found.skipped.append(one.skipped)
        found.missed = self._arrivals.together(found.missed, target, wish)
        return found

    def _callee(self, candidate: Candidate, arrival: Arrival, newest: int, led: bool) -> Callee:
        return Callee(
            person=candidate.account.person,
            role=candidate.role,
            at=time.time(),
            since=newest,
            command_id=self._command.id,
            joined=bool(arrival.joined),
            led=led,
        )

    def candidates(self, named: Sequence[Person], responsible_id: int) -> AsyncIterator[Candidate]:
        """Give those whom the requester has named, in that order; else those of the portal's."""
        return self._named(named) if named else self._by_roles(responsible_id)

    async def _by_roles(self, responsible_id: int) -> AsyncIterator[Candidate]:
        """Give everybody in the portal's order, each once; nobody is looked up before their turn.

        Of several heads only the nearest who can come is one.
        """
        seen: set[int] = set()
        has_head = False
        async for who, role in self._in_order(responsible_id):
            if who.person.id in seen or (role == "head" and has_head):
                continue
            seen.add(who.person.id)
            one = Candidate(who, role, self._obstacle(who))
            has_head = has_head or (role == "head" and one.obstacle is None)
            yield one

    async def _named(self, people: Sequence[Person]) -> AsyncIterator[Candidate]:
        accounts = await self._users.accounts(one.id for one in people)
        for one in people:
            who = accounts.get(one.id) or Account(one)
            yield Candidate(who, "", self._obstacle(who))

    async def unasked(self, asked: Collection[int], queue: Sequence[int]) -> tuple[Person, ...]:
        """Give some who could still be asked: people on duty, then those of the line's queue."""
        left = [one for one in dict.fromkeys((*self._settings.duty, *queue)) if one not in asked]
        accounts = await self._users.accounts(left[:MOST_ASKED])
        found = [accounts[one] for one in left if one in accounts]
        return tuple(one.person for one in found if not self._obstacle(one))[:MOST_NAMED]

    async def _in_order(self, responsible_id: int) -> AsyncIterator[tuple[Account, str]]:
        settings = self._settings
        accounts = await self._users.accounts(filter(None, (responsible_id, *settings.duty)))
        for role in order(settings, datetime.now(UTC)):
            if role == "responsible" and responsible_id in accounts:
                yield accounts[responsible_id], role
            elif role == "head" and responsible_id in accounts:
                async for head in self._heads(accounts[responsible_id]):
                    yield head, role
            elif role == "duty":
                for number in settings.duty:
                    if number in accounts:
                        yield accounts[number], role

    async def _heads(self, who: Account) -> AsyncIterator[Account]:
        passed = {self._command.event.user.id}
        for _ in range(HEADS):
            head = await self._users.head_of(who, passed)
            accounts = await self._users.accounts([head]) if head else {}
            if head not in accounts:
                return
            yield accounts[head]
            passed.add(head)

    def _obstacle(self, who: Account) -> Why | None:
        if who.person.id == self._command.event.user.id:
            return "self"
        if not who.active:
            return "dismissed"
        if who.is_external:
            # In the chat already, perhaps, they could take nothing, and are to read nothing of it.
            return "external"
        return "absent" if who.absent_until else None


def order(settings: PortalSettings, at: datetime) -> tuple[str, ...]:
    """Give the roles that an escalation looks for: outside working hours, duty comes first."""
    if not settings.duty or settings.hours is None or is_working(settings.hours, at):
        return settings.escalation
    return ("duty", *(role for role in settings.escalation if role != "duty"))


def is_working(hours: WorkingHours, at: datetime) -> bool:
    """Say whether a moment is in a portal's working hours."""
    local = at.astimezone(time_zone(hours.zone) or UTC)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    has_begun = today in hours.days and minute >= hours.begin
    if hours.begin < hours.end:
        return has_begun and minute < hours.end
    return has_begun or ((today - 1) % 7 in hours.days and minute < hours.end)
