"""What is old is forgotten: answered commands, the journal, portals that have left."""

import time
from functools import partial
from typing import Any

from sqlalchemy import delete, exists, select

from bot.portals.forgetting import erase_portal
from bot.portals.portals import Portals
from bot.store.database import Database
from bot.store.tables import inbox, journal, unproven_tokens

DAY = 86_400.0
HOUR = 3_600.0
AT_ONCE = 1_000

# What a process of an older version has left, and needs no more.
_WAITING = exists().where(inbox.c.identity == unproven_tokens.c.identity, inbox.c.done_at.is_(None))
_UNUSED = delete(unproven_tokens).where(~_WAITING)


class Retention:
    """Deletes by age, a little at a time so that nobody waits for it."""

    def __init__(
        self,
        database: Database,
        portals: Portals,
        inbox_days: float,
        journal_days: float,
        left_days: float,
    ) -> None:
        self._database = database
        self._portals = portals
        self._left_seconds = left_days * DAY
        self._inbox_seconds = inbox_days * DAY
        self._journal_seconds = journal_days * DAY

    async def sweep(self) -> int:
        """Delete what is old and give how many rows that was. Raises ``StoreUnavailable``."""
        now = time.time()
        for member_id in await self._portals.left_before(now - self._left_seconds):
            await self._database.exchange(partial(erase_portal, member_id=member_id))
        await self._database.exchange(lambda connection: connection.execute(_UNUSED))
        answered = inbox.c.done_at < now - self._inbox_seconds
        return await self._delete(inbox, inbox.c.id, answered) + await self._delete(
            journal, journal.c.id, journal.c.begun_at < now - self._journal_seconds
        )

    async def _delete(self, table: Any, key: Any, condition: Any) -> int:
        some = select(key).where(condition).limit(AT_ONCE)
        statement = delete(table).where(key.in_(some))
        total = 0
        while deleted := await self._database.exchange(lambda c: c.execute(statement).rowcount):
            total += deleted
        return total
