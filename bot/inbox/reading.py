"""What waits in chats, read for many of them in one question.

Whoever asks while a question is under way is answered by the next one. Where the database is
another process, a question costs more than what is read with it.
"""

import asyncio
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Connection,
    Integer,
    Row,
    Text,
    and_,
    bindparam,
    column,
    exists,
    func,
    select,
    true,
)

from bot.store.database import Database
from bot.store.tables import inbox, journal

# What may run: neither answered nor waiting for a person.
WAITS = and_(inbox.c.done_at.is_(None), inbox.c.parked_until.is_(None))

# Whether an earlier run has got as far as a changing call.
BEGUN = exists().where(journal.c.command_id == inbox.c.id).label("begun")

# Chats that one question is about at most.
MOST = 64

_IN_ONE = (
    select(inbox, BEGUN)
    .where(inbox.c.lane == bindparam("lane"), WAITS)
    .order_by(inbox.c.message_id, inbox.c.line, inbox.c.id)
    .limit(bindparam("most"))
)

_WANTED = func.unnest(
    bindparam("lanes", type_=ARRAY(Text)), bindparam("counts", type_=ARRAY(Integer))
).table_valued(column("chat", Text), column("most", Integer), name="wanted")
_WANTED = _WANTED.render_derived()
_EACH = (
    select(inbox, BEGUN)
    .where(inbox.c.lane == _WANTED.c.chat, WAITS)
    .order_by(inbox.c.message_id, inbox.c.line, inbox.c.id)
    .limit(_WANTED.c.most)
    .lateral()
)
_IN_MANY = select(_EACH).select_from(_WANTED.join(_EACH, true()))


class _Asked(NamedTuple):
    lane: str
    most: int
    rows: "asyncio.Future[list[Row[Any]]]"


class Reading:
    """Asks what waits, one question at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: list[_Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def waiting(self, lane: str, most: int) -> list[Row[Any]]:
        """Give what waits in a chat, in the order of its messages and lines.

        Raises ``StoreUnavailable``.
        """
        asked = _Asked(lane, most, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="reading")
        return await asked.rows

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked[:MOST], self._asked[MOST:]
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: list[_Asked]) -> None:
        wanted: dict[str, int] = {}
        for one in asked:
            wanted[one.lane] = max(one.most, wanted.get(one.lane, 0))
        try:
            found = await self._database.ask(lambda connection: _read(connection, wanted))
        except Exception as error:
            for one in asked:
                if not one.rows.done():
                    one.rows.set_exception(error)
            return
        for one in asked:
            if not one.rows.done():
                one.rows.set_result(found[one.lane][: one.most])


def _read(connection: Connection, wanted: dict[str, int]) -> dict[str, list[Row[Any]]]:
    """Read so many of each chat."""
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    if connection.dialect.name == "postgresql" and len(wanted) > 1:
        rows = connection.execute(
            _IN_MANY, {"lanes": list(wanted), "counts": list(wanted.values())}
        )
        for row in rows:
            found[row.lane].append(row)
        return found
    for lane, most in wanted.items():
        found[lane] = list(connection.execute(_IN_ONE, {"lane": lane, "most": most}))
    return found
