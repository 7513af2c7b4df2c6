"""How much may wait: for one requester, for one portal, for all."""

import asyncio
import math
import time
from enum import Enum

from cachetools import LRUCache
from sqlalchemy import Connection, text

from bot.bitrix24.events import CommandEvent
from bot.inbox.accepted import Accepted
from bot.store.database import Database

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


class Room(Enum):
    """Whether one more command fits in."""

    ENOUGH = "enough"
    TOO_MANY = "too many of this requester or portal"
    NONE = "none"


# Whose waiting commands are counted: all of them, a portal's, a requester's.
_Whose = tuple[()] | tuple[str] | tuple[str, int]


class Backlog:
    """Counts what comes in and waits. Others work it off unseen: a full count is a reason to look.

    A command is counted off once, and only where it was counted on here. Another process may have
    stored it; or it was set aside, counted off then, and is taken up again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # So many commands, of so many bytes.
        self._waiting: dict[_Whose, tuple[int, int]] = {}
        # The bytes of those that this process has stored since the last look, by their numbers.
        self._stored: LRUCache[int, int] = LRUCache(maxsize=20_000)
        self._looked_at = -math.inf
        self._looking = asyncio.Lock()

    async def room(self, event: CommandEvent) -> Room:
        """Say whether this command fits in. Raises ``StoreUnavailable``."""
        if (room := self._room(event)) is Room.ENOUGH:
            return room
        # Whoever comes while somebody looks waits for what is found.
        async with self._looking:
            if time.monotonic() - self._looked_at > 1.0:
                await self.look()
        return self._room(event)

    def added(self, command: Accepted) -> None:
        """Count a command that this process has stored."""
        event, size = command.event, command.event.size
        self._stored[command.id] = size
        self._count(event.member_id, event.user.id, 1, size)

    def done(self, command: Accepted) -> None:
        """Count a command off that this process has answered, if it was counted on."""
        size = self._stored.pop(command.id, None)
        if size is not None:
            self._count(command.event.member_id, command.event.user.id, -1, -size)

    async def look(self) -> None:
        """Count what the inbox really holds."""
        rows = await self._database.read(_waiting)
        self._looked_at = time.monotonic()
        self._waiting = {}
        self._stored.clear()
        for row in rows:
            self._count(*row)

    def _room(self, event: CommandEvent) -> Room:
        # The fuller it is, the less for one portal: something is left for whoever comes next.
        all_commands, all_bytes = self._waiting.get((), (0, 0))
        left = TOTAL_LIMIT - all_commands, TOTAL_SIZE - all_bytes
        room = Room.ENOUGH
        for whose, most_commands, most_bytes, above in (
            ((event.member_id,), *left, 1),
            ((event.member_id,), PORTAL_LIMIT, PORTAL_SIZE, _ABOVE_ALL),
            ((event.member_id, event.user.id), REQUESTER_LIMIT, REQUESTER_SIZE, _ABOVE_ALL),
        ):
            commands, size = self._waiting.get(whose, (0, 0))
            fullness = max(commands / max(1, most_commands), size / max(1, most_bytes))
            if fullness >= above:
                return Room.NONE
            if fullness >= 1:
                room = Room.TOO_MANY
        return room

    def _count(self, member_id: str, user_id: int, commands: int, size: int) -> None:
        for whose in ((), (member_id,), (member_id, user_id)):
            known = self._waiting.pop(whose, (0, 0))
            if known[0] + commands > 0:
                self._waiting[whose] = known[0] + commands, known[1] + size


def _waiting(connection: Connection) -> list[tuple[str, int, int, int]]:
    question = text(_WAITING.format(size=_IN_BYTES[connection.dialect.name]))
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(question)]
