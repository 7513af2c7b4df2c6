"""The journal, as an administrator of a portal or an operator of the bot reads it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, select

from bot.store.database import Database
from bot.store.tables import journal

Result = Literal["done", "nothing", "refused", "unknown"]

PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to show; what is ``None`` or empty does not matter."""

    requesters: tuple[int, ...] = ()
    command: str = ""
    command_id: int | None = None
    chats: tuple[str, ...] = ()
    result: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One changing call: who asked what, for whom, where, and what came of it."""

    id: int
    member_id: str
    at: float
    command_id: int
    requester_id: int
    command: str
    chat: str
    item_type: str
    item_id: str
    person_id: int
    method: str
    result: Result
    code: str


class Audit:
    """Reads the table of changing calls: one portal's, or, for an operator, all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, member_id: str | None, wanted: Wanted, before: int | None = None, limit: int = PAGE
    ) -> list[Entry]:
        """List entries, the newest first, beginning below ``before``; ``None``: of all portals."""
        conditions = _conditions(wanted)
        if member_id is not None:
            conditions.append(journal.c.member_id == member_id)
        if before is not None:
            conditions.append(journal.c.id < before)
        question = select(journal).where(*conditions).order_by(journal.c.id.desc()).limit(limit)
        return [_entry(row) for row in await self._database.rows(question)]

    async def all(self, member_id: str | None, wanted: Wanted) -> AsyncIterator[Entry]:
        """Give every entry, the newest first."""
        before: int | None = None
        while entries := await self.page(member_id, wanted, before, 500):
            for entry in entries:
                yield entry
            before = entries[-1].id


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.requesters:
        conditions.append(journal.c.requester_id.in_(wanted.requesters))
    if wanted.command:
        conditions.append(journal.c.command == wanted.command)
    if wanted.command_id is not None:
        conditions.append(journal.c.command_id == wanted.command_id)
    if wanted.chats:
        conditions.append(journal.c.chat.in_(wanted.chats))
    if wanted.result in _RESULTS:
        conditions.append(_RESULTS[wanted.result])
    if wanted.since is not None:
        conditions.append(journal.c.begun_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(journal.c.begun_at < wanted.until)
    return conditions


_ANSWERED = journal.c.answered_at.is_not(None)
_TAKEN = and_(_ANSWERED, journal.c.code.is_(None))
_RESULTS: dict[str, ColumnElement[bool]] = {
    "done": and_(_TAKEN, journal.c.changed.is_not(False)),
    "nothing": and_(_TAKEN, journal.c.changed.is_(False)),
    "refused": and_(_ANSWERED, journal.c.code.is_not(None)),
    "unknown": journal.c.answered_at.is_(None),
}


def _entry(row: Row[Any]) -> Entry:
    params = json.loads(row.params)
    return Entry(
        id=row.id,
        member_id=row.member_id,
        at=row.begun_at,
        command_id=row.command_id,
        requester_id=row.requester_id,
        command=row.command,
        chat=row.chat,
        item_type=str(params.get("CRM_ENTITY_TYPE") or ""),
        item_id=str(params.get("CRM_ENTITY") or ""),
        person_id=row.person_id,
        method=row.method,
        result=_result(row),
        code=row.code or "",
    )


def _result(row: Row[Any]) -> Result:
    if row.answered_at is None:
        return "unknown"
    if row.code is not None:
        return "refused"
    return "nothing" if row.changed is False else "done"
