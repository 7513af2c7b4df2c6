"""What is to happen now: acts of requesters, each with the note that it is under way."""

from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Column, ColumnElement, Select, bindparam, func, or_, select

from bot.bitrix24.events import INTERNAL, CommandEvent
from bot.store.commits import Write
from bot.store.tables import portals

# So many are taken up at a time.
AT_ONCE = 100

# The moment of a look: the question is made once, and asked again every second.
NOW: BindParameter[float] = bindparam("now")


class Due(NamedTuple):
    """An act that has its time now; ``noting`` belongs into the commit that it is accepted with."""

    event: CommandEvent
    noting: Write


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


def fairly(moment: Column[float], *conditions: ColumnElement[bool]) -> Select[Any]:
    """Make the question for what is due: of each portal the first, of each the second, and so on.

    However much one portal has, the others' does not wait for it. What is due at a portal that has
    removed the app waits until it is back, with a bot to tell of it.
    """
    table = moment.table
    is_gone = or_(portals.c.left_at.is_not(None), portals.c.bot_id.is_(None))
    gone = select(portals.c.member_id).where(is_gone)
    turn = func.row_number().over(partition_by=table.c.member_id, order_by=moment)
    is_here = table.c.member_id.not_in(gone)
    due = select(table, turn.label("turn")).where(is_here, *conditions).subquery()
    return select(due).order_by(due.c.turn, due.c[moment.name]).limit(AT_ONCE)
