"""What is old is forgotten: answered commands, the journal, portals that have left, and more."""

import time
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, Table, and_, delete, exists, select

from bot.figures import Ending
from bot.inbox.escalations import KEPT
from bot.inbox.inbox import ASKED_FOR
from bot.portals.forgetting import erase_portal
from bot.portals.portals import Portals
from bot.store.database import Database
from bot.store.tables import (
    escalations,
    inbox,
    journal,
    marks,
    presses,
    stays,
    unproven_tokens,
    used_states,
)

DAY = 86_400.0
HOUR = 3_600.0
AT_ONCE = 1_000

# What nobody asks for any more so many seconds after the moment in this column.
_OVER = (
    (used_states.c.expires_at, 0.0),
    (presses.c.expires_at, DAY),
    (marks.c.made_at, 7 * DAY),
    (stays.c.ended_at, KEPT),
    (escalations.c.ended_at, KEPT),
)

# What a process of an older version has left, and needs no more.
_WAITING = exists().where(inbox.c.identity == unproven_tokens.c.identity, inbox.c.done_at.is_(None))
_UNUSED = delete(unproven_tokens).where(~_WAITING)


@dataclass(frozen=True, slots=True)
class Retention:
    """Deletes by age, a little at a time so that nobody waits for it."""

    _database: Database
    _portals: Portals
    _inbox_days: float
    _journal_days: float
    _left_days: float

    async def sweep(self) -> int:
        """Delete what is old and give how many rows that was. Raises ``StoreUnavailable``."""
        now = time.time()
        for member_id in await self._portals.left_before(now - self._left_days * DAY):
            await self._database.exchange(partial(erase_portal, member_id=member_id))
        over = [delete(moment.table).where(moment < now - kept) for moment, kept in _OVER]
        await self._database.write((_UNUSED, []), *((old, []) for old in over))
        answered = await self._delete(inbox, inbox.c.done_at < now - self._inbox_days * DAY)
        asked = and_(inbox.c.outcome == Ending.ASKED.value, inbox.c.done_at < now - ASKED_FOR)
        answered += await self._delete(inbox, asked)
        begun = journal.c.begun_at < now - self._journal_days * DAY
        return answered + await self._delete(journal, begun)

    async def _delete(self, table: Table, condition: ColumnElement[bool]) -> int:
        some = select(table.c.id).where(condition).limit(AT_ONCE)
        statement = delete(table).where(table.c.id.in_(some))
        total = 0
        while deleted := await self._database.exchange(lambda c: c.execute(statement).rowcount):
            total += deleted
        return total
