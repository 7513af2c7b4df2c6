"""What is to happen now: acts of requesters, each with the note that it is under way."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Row,
    Select,
    bindparam,
    func,
    or_,
    select,
)

from bot.bitrix24.events import INTERNAL, CommandEvent
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.tables import portals

T = TypeVar("T")

log = logging.getLogger(__name__)

# So many are taken up at a time.
AT_ONCE = 100

# The moment of a look: the question is made once, and asked again every second.
NOW: BindParameter[float] = bindparam("now")

# The rows that are not asked for, by their numbers.
_LEFT_OUT: BindParameter[Any] = bindparam("left_out", expanding=True)


class Due(NamedTuple):
    """An act that has its time now; ``noting`` belongs into the commit that it is accepted with."""

    event: CommandEvent
    noting: Write


class Legible:
    """Reads the rows of a table, as far as this version understands what another one has written.

    Of a row that it does not understand the log tells once; what others have does not wait for it.
    """

    def __init__(self, database: Database, number: Column[int]) -> None:
        self._database = database
        self._number = number
        self._left_out: set[int] = set()

    async def due(self, question: Select[Any], how: Callable[[Row[Any]], T]) -> list[T]:
        """Ask what is due now, with a question of ``fairly``; give what can be read of it."""
        values = {"now": time.time(), "left_out": list(self._left_out)}
        return self.read(await self._database.rows(question, **values), how)

    def read(self, rows: Iterable[Row[Any]], how: Callable[[Row[Any]], T]) -> list[T]:
        """Give what can be read of these rows."""
        found = []
        for row in rows:
            try:
                found.append(how(row))
            except ValidationError:
                self._leave_out(row)
        return found

    def _leave_out(self, row: Row[Any]) -> None:
        number, table = row._mapping[self._number.name], self._number.table
        if number not in self._left_out:
            self._left_out.add(number)
            log.error("row %s of %s cannot be read: it is left out", number, table)


def bare(event: CommandEvent) -> CommandEvent:
    """Give what is kept of the event that began something: its place and its requester.

    What was typed may be long, and name people.
    """
    return event.about(event.name, "").with_text("")


def act(event: CommandEvent, name: str, params: str) -> CommandEvent:
    """Give the event of an act of the bot's own, for the requester and the place of ``event``.

    What it is known by are its parameters: they have to name the moment.
    """
    about = event.about(name, params)
    command = about.command.model_copy(update={"context": INTERNAL})
    return about.model_copy(update={"command": command})


def fairly(
    moment: Column[float], number: Column[int], *conditions: ColumnElement[bool]
) -> Select[Any]:
    """Make the question for what is due: of each portal the first, of each the second, and so on.

    However much one portal has, the others' does not wait for it. What is due at a portal that has
    removed the app waits until it is back, with a bot to tell of it. Rows whose ``number`` is
    ``left_out`` are not given.
    """
    table = moment.table
    is_gone = or_(portals.c.left_at.is_not(None), portals.c.bot_id.is_(None))
    gone = select(portals.c.member_id).where(is_gone)
    turn = func.row_number().over(partition_by=table.c.member_id, order_by=moment)
    is_here = table.c.member_id.not_in(gone)
    is_legible = number.not_in(_LEFT_OUT)
    due = select(table, turn.label("turn")).where(is_here, is_legible, *conditions).subquery()
    return select(due).order_by(due.c.turn, due.c[moment.name]).limit(AT_ONCE)
