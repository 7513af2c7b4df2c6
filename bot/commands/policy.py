"""Whom an escalation calls when nobody is named."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import Account, Users
from bot.portals.time_zones import time_zone
from bot.store.portal_settings import PortalSettings, PortalSettingsStore, WorkingHours

Why = Literal["absent", "self", "dismissed"]

# How far up an escalation goes where heads are absent.
HEADS = 3


class Called(NamedTuple):
    """Who is called, and as what: ``responsible``, ``head``, ``duty``."""

    person: Person
    role: str


class Skipped(NamedTuple):
    """Who was passed over, and why; ``until`` is a date, if he is absent."""

    person: Person
    role: str
    why: Why
    until: str = ""


class Policy:
    """The order in which a portal looks for somebody: its own, or responsible, head, duty."""

    def __init__(self, users: Users, settings: PortalSettingsStore) -> None:
        self._users = users
        self._settings = settings

    async def choose(
        self, responsible_id: int, event: CommandEvent
    ) -> tuple[Called | None, tuple[Skipped, ...]]:
        """Find the first who can come, and who was passed over."""
        skipped: list[Skipped] = []
        async for who, role in self._candidates(responsible_id, event):
            if any(one.person.id == who.person.id for one in skipped):
                continue
            if why := _obstacle(who, event):
                skipped.append(Skipped(who.person, role, why, who.absent_until))
            else:
                return Called(who.person, role), tuple(skipped)
        return None, tuple(skipped)

    async def _candidates(
        self, responsible_id: int, event: CommandEvent
    ) -> AsyncIterator[tuple[Account, str]]:
        settings = await self._settings.of(event.member_id)
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
    return "absent" if who.absent_until else None
