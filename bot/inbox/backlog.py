"""How much may wait: for one requester, for one portal, for all."""

import asyncio
import math
import time
from enum import Enum

from sqlalchemy import Connection, text

from bot.bitrix24.events import CommandEvent
from bot.store.database import Database

REQUESTER_LIMIT = 200
PORTAL_LIMIT = 5_000
TOTAL_LIMIT = 200_000

# The same in characters, for a command may have as many as a message.
REQUESTER_SIZE = 2 * 1024 * 1024
PORTAL_SIZE = 8 * 1024 * 1024
TOTAL_SIZE = 256 * 1024 * 1024

# Above its bound somebody is told so; what comes at twice the bound is not taken at all.
_ABOVE_ALL = 2

_WAITING = text(
    """
    SELECT member_id, requester_id, count(*), sum(length(event)) FROM inbox
    WHERE done_at IS NULL AND parked_until IS NULL GROUP BY member_id, requester_id
    """
)


class Room(Enum):
    """Whether one more command fits in."""

    ENOUGH = "enough"
    TOO_MANY = "too many of this requester or portal"
    NONE = "none"


# Whose waiting commands are counted: all of them, a portal's, a requester's.
_Whose = tuple[()] | tuple[str] | tuple[str, int]


class Backlog:
    """Counts what waits. Other processes work it off unseen: a full count is a reason to look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # So many commands, of so many characters.
        self._waiting: dict[_Whose, tuple[int, int]] = {}
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
        self._waiting = {}
        for row in rows:
            self._count(*row)

    def _room(self, event: CommandEvent) -> Room:
        room = Room.ENOUGH
        for whose, most_commands, most_characters, above in (
            ((), TOTAL_LIMIT, TOTAL_SIZE, 1),
            ((event.member_id,), PORTAL_LIMIT, PORTAL_SIZE, _ABOVE_ALL),
            ((event.member_id, event.user.id), REQUESTER_LIMIT, REQUESTER_SIZE, _ABOVE_ALL),
        ):
            commands, characters = self._waiting.get(whose, (0, 0))
            fullness = max(commands / most_commands, characters / most_characters)
            if fullness >= above:
                return Room.NONE
            if fullness >= 1:
                room = Room.TOO_MANY
        return room

    def _count(self, member_id: str, user_id: int, commands: int, characters: int) -> None:
        for whose in ((), (member_id,), (member_id, user_id)):
            known = self._waiting.pop(whose, (0, 0))
            if known[0] + commands > 0:
                self._waiting[whose] = known[0] + commands, known[1] + characters


def _waiting(connection: Connection) -> list[tuple[str, int, int, int]]:
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(_WAITING)]
