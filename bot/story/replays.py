"""Commands that an operator wants run again: asked for here, taken up by a process of the bot."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from bot.acting.journal import setting_aside
from bot.bitrix24.events import CommandEvent
from bot.figures import Ending
from bot.inbox.accepted import reference_of
from bot.inbox.accepting import Engine
from bot.inbox.inbox import AFRESH, REPEATED
from bot.store.database import Database
from bot.store.tables import inbox, replays

log = logging.getLogger(__name__)

# A command that is not answered after so many seconds hangs, or nobody is there to run it.
STUCK_AFTER = 60.0

# What went wrong by itself, and what an operator may further have mended the reason of.
REPEATABLE = (*REPEATED, Ending.PARTLY, Ending.REFUSED, Ending.EXPIRED)

_SINCE = func.coalesce(inbox.c.resumed_at, inbox.c.received_at)
_OPEN = inbox.c.done_at.is_(None)
_ENDED_SO = and_(~_OPEN, inbox.c.outcome.in_([one.value for one in REPEATABLE]))


@dataclass(frozen=True, slots=True)
class Case:
    """A command as it stands: its outcome, or ``waiting``, ``stuck``, ``parked``, ``asked``.

    ``asked``: it is to be run again, and no process has taken it up. ``unknown``: it ended before
    outcomes were noted.
    """

    id: int
    member_id: str
    requester_id: int
    chat: str
    command: str
    at: float
    state: str
    code: str

    @property
    def reference(self) -> str:
        """What the requester can quote, and the log can be searched for."""
        return reference_of(self.id)

    @property
    def is_repeatable(self) -> bool:
        """Say whether it may be run again."""
        return self.state in ("stuck", "asked", *REPEATABLE)

    @property
    def is_over(self) -> bool:
        """Say whether nothing more happens to it, unless its requester does something."""
        return self.state not in ("waiting", "stuck", "asked")


class Replays:
    """The table of commands to be run again."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._insert = database.insert(replays).on_conflict_do_nothing()

    async def troubled(self, since: float, member_id: str | None = None) -> list[Case]:
        """List the commands that are stuck, or failed since then; the oldest first."""
        late = and_(_OPEN, inbox.c.parked_until.is_(None), time.time() - STUCK_AFTER > _SINCE)
        failed = and_(
            inbox.c.done_at >= since, inbox.c.outcome.in_([one.value for one in REPEATED])
        )
        wanted: list[ColumnElement[bool]] = [or_(late, failed)]
        if member_id is not None:
            wanted.append(inbox.c.member_id == member_id)
        return await self._cases(*wanted)

    async def cases(self, command_ids: Sequence[int]) -> list[Case]:
        """Give the commands of these numbers, as far as they are kept."""
        return await self._cases(inbox.c.id.in_(command_ids))

    async def ask(self, command_ids: Sequence[int]) -> None:
        """Have these commands run again by a process that is at work, or the next one."""
        rows = [{"command_id": one, "asked_at": time.time()} for one in command_ids]
        await self._database.write((self._insert, rows))

    async def look(self) -> None:
        """Give what is asked for to the engine: it has its turn in its chat, as ever."""
        question = select(replays.c.command_id).order_by(replays.c.command_id)
        for row in await self._database.rows(question):
            if lane := await self._database.exchange(partial(_take_up, command_id=row.command_id)):
                log.info("command %s is run again", reference_of(row.command_id))
                await self._engine.attend(lane)

    async def _cases(self, *wanted: ColumnElement[bool]) -> list[Case]:
        is_asked = exists().where(replays.c.command_id == inbox.c.id).label("asked")
        question = select(inbox, is_asked, _SINCE.label("since")).where(*wanted)
        return [_case(row) for row in await self._database.rows(question.order_by(inbox.c.id))]


def _take_up(connection: Connection, command_id: int) -> str | None:
    """Open a command again, once for everybody who asks, and give its chat's lane.

    ``None`` where another process was faster, or there is nothing to be done any more. What
    the portal has refused of the command is tried anew; what it has done stays done.
    """
    this = inbox.c.id == command_id
    mine = delete(replays).where(replays.c.command_id == command_id)
    # Whoever deletes the request has it: another process waits here, and finds nothing.
    if not connection.execute(mine).rowcount:
        return None
    reopened = connection.execute(
        update(inbox)
        .where(this, _ENDED_SO)
        .values(**AFRESH, resumed_at=time.time(), lane=_own_lane(connection, command_id))
    ).rowcount
    if reopened:
        connection.execute(setting_aside(command_id))
    return connection.execute(select(inbox.c.lane).where(this, _OPEN)).scalar_one_or_none()


def _own_lane(connection: Connection, command_id: int) -> str:
    """Give the lane of the command's chat: it may have been in that of mere refusals."""
    row = connection.execute(select(inbox).where(inbox.c.id == command_id)).first()
    if row is None:
        return ""
    event = _event(row)
    return event.lane if event else str(row.lane)


def _event(row: Row[Any]) -> CommandEvent | None:
    """Read a command's event; ``None`` where this version cannot."""
    try:
        return CommandEvent.model_validate_json(row.event)
    except ValidationError:
        return None


def _case(row: Row[Any]) -> Case:
    event = _event(row)
    return Case(
        id=row.id,
        member_id=row.member_id,
        requester_id=row.requester_id,
        chat=event.chat.dialog_id if event else "",
        command=event.name if event else "",
        at=row.received_at,
        state=_state(row),
        code=row.code or "",
    )


def _state(row: Row[Any]) -> str:
    if row.asked:
        return "asked"
    if row.done_at is not None:
        return str(row.outcome or "unknown")
    if row.parked_until is not None:
        return "parked"
    return "stuck" if row.since < time.time() - STUCK_AFTER else "waiting"
