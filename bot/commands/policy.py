"""Whom an escalation calls: those who are named, else whom the portal's order gives."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from bot.acting.users import Users
from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import Account
from bot.inbox.escalations import Skipped, Why
from bot.portals.settings import PortalSettings, WorkingHours
from bot.portals.time_zones import time_zone

# How far up an escalation goes where heads are absent.
HEADS = 3

# How many are looked up who could still be asked, and how many of them are named.
MOST_ASKED, MOST_NAMED = 50, 5


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


@dataclass(eq=False, slots=True)
class Policy:
    """The order in which a portal looks for somebody: its own, or responsible, head, duty."""

    _users: Users
    _settings: PortalSettings

    def candidates(
        self, named: Sequence[Person], responsible_id: int, event: CommandEvent
    ) -> AsyncIterator[Candidate]:
        """Give those whom the requester has named, in that order; else those of the portal's."""
        return self._named(named, event) if named else self._by_roles(responsible_id, event)

    async def _by_roles(self, responsible_id: int, event: CommandEvent) -> AsyncIterator[Candidate]:
        """Give everybody in the portal's order, each once; nobody is looked up before their turn.

        Of several heads only the nearest who can come is one.
        """
        seen: set[int] = set()
        has_head = False
        async for who, role in self._in_order(responsible_id, event):
            if who.person.id in seen or (role == "head" and has_head):
                continue
            seen.add(who.person.id)
            one = Candidate(who, role, _obstacle(who, event))
            has_head = has_head or (role == "head" and one.obstacle is None)
            yield one

    async def _named(
        self, people: Sequence[Person], event: CommandEvent
    ) -> AsyncIterator[Candidate]:
        accounts = await self._users.accounts(one.id for one in people)
        for one in people:
            who = accounts.get(one.id) or Account(one)
            yield Candidate(who, "", _obstacle(who, event))

    async def unasked(
        self, asked: Collection[int], queue: Sequence[int], event: CommandEvent
    ) -> tuple[Person, ...]:
        """Give some who could still be asked: people on duty, then those of the line's queue."""
        left = [one for one in dict.fromkeys((*self._settings.duty, *queue)) if one not in asked]
        accounts = await self._users.accounts(left[:MOST_ASKED])
        found = [accounts[one] for one in left if one in accounts]
        return tuple(one.person for one in found if not _obstacle(one, event))[:MOST_NAMED]

    async def _in_order(
        self, responsible_id: int, event: CommandEvent
    ) -> AsyncIterator[tuple[Account, str]]:
        settings = self._settings
        accounts = await self._users.accounts(filter(None, (responsible_id, *settings.duty)))
        for role in order(settings, datetime.now(UTC)):
            if role == "responsible" and responsible_id in accounts:
                yield accounts[responsible_id], role
            elif role == "head" and responsible_id in accounts:
                async for head in self._heads(accounts[responsible_id], event):
                    yield head, role
            elif role == "duty":
                for number in settings.duty:
                    if number in accounts:
                        yield accounts[number], role

    async def _heads(self, who: Account, event: CommandEvent) -> AsyncIterator[Account]:
        passed = {event.user.id}
        for _ in range(HEADS):
            head = await self._users.head_of(who, passed)
            accounts = await self._users.accounts([head]) if head else {}
            if head not in accounts:
                return
            yield accounts[head]
            passed.add(head)


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


def _obstacle(who: Account, event: CommandEvent) -> Why | None:
    if who.person.id == event.user.id:
        return "self"
    if not who.active:
        return "dismissed"
    if who.is_external:
        # They may be in the chat already, but could take nothing, and are to read nothing of it.
        return "external"
    return "absent" if who.absent_until else None
