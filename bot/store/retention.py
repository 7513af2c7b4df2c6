"""What is old is forgotten: answered commands, the journal, tokens nobody proved."""

import asyncio
import logging
import time
from typing import Any

from sqlalchemy import delete, select

from bot.errors import StoreUnavailable
from bot.store.database import Database
from bot.store.tables import inbox, journal, unproven_tokens

log = logging.getLogger(__name__)

DAY = 86_400.0
HOUR = 3_600.0
AT_ONCE = 1_000


class Retention:
    """Deletes by age, a little at a time so that nobody waits for it."""

    def __init__(self, database: Database, inbox_days: float, journal_days: float) -> None:
        self._database = database
        self._inbox_seconds = inbox_days * DAY
        self._journal_seconds = journal_days * DAY

    async def run(self) -> None:
        """Delete what is old, now and every hour, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable:
                log.warning("old rows stay for now: the database does not answer")
            await asyncio.sleep(HOUR)

    async def sweep(self) -> int:
        """Delete what is old and give how many rows that was. Raises ``StoreUnavailable``."""
        now = time.time()
        answered = inbox.c.done_at < now - self._inbox_seconds
        waiting = select(inbox.c.identity).where(inbox.c.done_at.is_(None))
        return (
            await self._delete(inbox, inbox.c.id, answered)
            + await self._delete(
                journal, journal.c.id, journal.c.begun_at < now - self._journal_seconds
            )
            + await self._delete(
                unproven_tokens,
                unproven_tokens.c.identity,
                unproven_tokens.c.identity.not_in(waiting),
            )
        )

    async def _delete(self, table: Any, key: Any, condition: Any) -> int:
        some = select(key).where(condition).limit(AT_ONCE)
        statement = delete(table).where(key.in_(some))
        total = 0
        while deleted := await self._database.exchange(lambda c: c.execute(statement).rowcount):
            total += deleted
        return total
