"""How much may wait: for one requester, for one portal, for all."""

import asyncio
import math
import time
from collections import Counter
from enum import Enum
from typing import TypeVar

from sqlalchemy import Connection, text

from bot.bitrix24.events import CommandEvent
from bot.store.database import Database

K = TypeVar("K")

REQUESTER_LIMIT = 200
PORTAL_LIMIT = 5_000
TOTAL_LIMIT = 200_000

# Above its bound somebody is told so; what comes at twice the bound is not taken at all.
_ABOVE_ALL = 2

_WAITING = text(
    """
    SELECT member_id, requester_id, count(*) FROM inbox
    WHERE done_at IS NULL AND parked_until IS NULL GROUP BY member_id, requester_id
    """
)


class Room(Enum):
    """Whether one more command fits in."""

    ENOUGH = "enough"
    TOO_MANY = "too many of this requester or portal"
    NONE = "none"


class Backlog:
    """Counts what waits. Other processes work it off unseen: a full count is a reason to look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._requesters: Counter[tuple[str, int]] = Counter()
        self._portals: Counter[str] = Counter()
        self._total = 0
        self._looked_at = -math.inf
        self._looking = asyncio.Lock()

    async def room(self, event: CommandEvent) -> Room:
        """Say whether this command fits in. Raises ``StoreUnavailable``."""
        if self._room(event) is not Room.ENOUGH:
            # Whoever comes while somebody looks waits for what is found.
            async with self._looking:
                if time.monotonic() - self._looked_at > 1.0:
                    await self.look()
        return self._room(event)

    def added(self, event: CommandEvent) -> None:
        """Count a command that has been stored."""
        self._requesters[event.member_id, event.user.id] += 1
        self._portals[event.member_id] += 1
        self._total += 1

    def done(self, event: CommandEvent) -> None:
        """Count a command off that this process has answered."""
        _count_off(self._requesters, (event.member_id, event.user.id))
        _count_off(self._portals, event.member_id)
        self._total -= 1

    async def look(self) -> None:
        """Count what the inbox really holds."""
        rows = await self._database.read(_waiting)
        self._looked_at = time.monotonic()
        self._requesters = Counter({(member, user): count for member, user, count in rows})
        self._portals = Counter()
        for member, _user, count in rows:
            self._portals[member] += count
        self._total = self._portals.total()

    def _room(self, event: CommandEvent) -> Room:
        fullness = max(
            self._requesters[event.member_id, event.user.id] / REQUESTER_LIMIT,
            self._portals[event.member_id] / PORTAL_LIMIT,
        )
        if fullness >= _ABOVE_ALL or self._total >= TOTAL_LIMIT:
            return Room.NONE
        return Room.TOO_MANY if fullness >= 1 else Room.ENOUGH


def _count_off(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def _waiting(connection: Connection) -> list[tuple[str, int, int]]:
    return [(row[0], row[1], row[2]) for row in connection.execute(_WAITING)]
