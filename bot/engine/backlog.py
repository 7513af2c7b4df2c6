"""How much may wait: for one requester, for one portal, for all."""

import asyncio
import math
import time
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from sqlalchemy import Connection, text

from bot.bitrix24.events import CommandEvent
from bot.store.database import Database

K = TypeVar("K")

REQUESTER_LIMIT = 200
PORTAL_LIMIT = 5_000
TOTAL_LIMIT = 200_000

# The same in bytes, for a command may be as long as a message.
REQUESTER_SIZE = 1024 * 1024
PORTAL_SIZE = 4 * 1024 * 1024
TOTAL_SIZE = 256 * 1024 * 1024

# Above its bound somebody is told so; what comes at twice the bound is not taken at all.
_ABOVE_ALL = 2

_WAITING = """
    SELECT member_id, requester_id, count(*), sum({size}) FROM inbox
    WHERE done_at IS NULL AND parked_until IS NULL GROUP BY member_id, requester_id
    """
_IN_BYTES = {"sqlite": "length(CAST(event AS BLOB))", "postgresql": "octet_length(event)"}


@dataclass(slots=True)
class _Waiting:
    """So many commands, of so many bytes."""

    count: int = 0
    size: int = 0

    def add(self, count: int, size: int) -> None:
        self.count += count
        self.size += size


class Room(Enum):
    """Whether one more command fits in."""

    ENOUGH = "enough"
    TOO_MANY = "too many of this requester or portal"
    NONE = "none"


_NOTHING = _Waiting()


class Backlog:
    """Counts what waits. Other processes work it off unseen: a full count is a reason to look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._requesters: dict[tuple[str, int], _Waiting] = {}
        self._portals: dict[str, _Waiting] = {}
        self._total = _Waiting()
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
        self._count(event.member_id, event.user.id, 1, event.size)

    def done(self, event: CommandEvent) -> None:
        """Count a command off that this process has answered."""
        self._count(event.member_id, event.user.id, -1, -event.size)

    async def look(self) -> None:
        """Count what the inbox really holds."""
        rows = await self._database.read(_waiting)
        self._looked_at = time.monotonic()
        self._requesters, self._portals, self._total = {}, {}, _Waiting()
        for row in rows:
            self._count(*row)

    def _room(self, event: CommandEvent) -> Room:
        requester = self._requesters.get((event.member_id, event.user.id), _NOTHING)
        portal = self._portals.get(event.member_id, _NOTHING)
        fullness = max(
            requester.count / REQUESTER_LIMIT,
            requester.size / REQUESTER_SIZE,
            portal.count / PORTAL_LIMIT,
            portal.size / PORTAL_SIZE,
        )
        # The fuller it is, the less for one portal: something is left for whoever comes next.
        is_full = (
            portal.count >= TOTAL_LIMIT - self._total.count
            or portal.size >= TOTAL_SIZE - self._total.size
        )
        if fullness >= _ABOVE_ALL or is_full:
            return Room.NONE
        return Room.TOO_MANY if fullness >= 1 else Room.ENOUGH

    def _count(self, member_id: str, user_id: int, count: int, size: int) -> None:
        _add(self._requesters, (member_id, user_id), count, size)
        _add(self._portals, member_id, count, size)
        self._total.add(count, size)


def _add(all_waiting: dict[K, _Waiting], key: K, count: int, size: int) -> None:
    waiting = all_waiting.setdefault(key, _Waiting())
    waiting.add(count, size)
    if waiting.count <= 0:
        del all_waiting[key]


def _waiting(connection: Connection) -> list[tuple[str, int, int, int]]:
    question = text(_WAITING.format(size=_IN_BYTES[connection.dialect.name]))
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(question)]
