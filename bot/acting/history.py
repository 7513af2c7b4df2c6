"""The journal, looked back at: by the bot, a portal's administrator, an operator of the bot."""

import json
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, and_, select

from bot.acting.journal import SET_ASIDE
from bot.bitrix24.entities import CrmItem
from bot.store.database import Database
from bot.store.tables import journal

Result = Literal["done", "nothing", "refused", "unknown"]

PAGE = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deeds to show; what is ``None`` or empty does not matter."""

    requesters: tuple[int, ...] = ()
    command: str = ""
    command_id: int | None = None
    chats: tuple[str, ...] = ()
    result: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """A changing call: who asked what, for whom, where, and what came of it.

    ``told`` is the portal's answer; where it has refused, its words and its ``code``. ``changed``
    is ``None`` where nobody knows whether the portal was changed.
    """

    id: int
    member_id: str
    at: float
    command_id: int
    requester_id: int
    command: str
    chat: str
    person_id: int
    method: str
    params: dict[str, Any]
    is_answered: bool
    code: str | None
    told: Any
    changed: bool | None

    @property
    def item(self) -> CrmItem | None:
        """Give the item it was done by; ``None`` where it was done by the chat itself."""
        of = {"type": self.params.get("CRM_ENTITY_TYPE"), "id": self.params.get("CRM_ENTITY")}
        try:
            return CrmItem.model_validate(of)
        except ValidationError:
            return None

    @property
    def result(self) -> Result:
        """Say in a word what came of it."""
        if not self.is_answered:
            return "unknown"
        if self.code is not None:
            return "refused"
        return "nothing" if self.changed is False else "done"


class History:
    """Reads the table of changing calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by(self, member_id: str, requester_id: int, seconds: float, **of: str) -> list[Deed]:
        """List what somebody asked for lately in a ``chat``, or by a ``method``, oldest first."""
        return await self._answered(
            journal.c.member_id == member_id,
            journal.c.requester_id == requester_id,
            journal.c.begun_at > time.time() - seconds,
            *(journal.c[name] == value for name, value in of.items()),
        )

    async def of_people(
        self, member_id: str, people: Collection[int], methods: Collection[str]
    ) -> list[Deed]:
        """List what was done by these methods to people, whoever asked for it, oldest first."""
        return await self._answered(
            journal.c.member_id == member_id,
            journal.c.person_id.in_(people),
            journal.c.method.in_(methods),
            journal.c.code.is_(None),
        )

    async def page(
        self, member_id: str | None, which: Filter, before: int | None = None, limit: int = PAGE
    ) -> list[Deed]:
        """List deeds, the newest first, beginning below ``before``; ``None``: of all portals."""
        conditions = _conditions(which)
        if member_id is not None:
            conditions.append(journal.c.member_id == member_id)
        if before is not None:
            conditions.append(journal.c.id < before)
        question = select(journal).where(*conditions).order_by(journal.c.id.desc()).limit(limit)
        return [_deed(row) for row in await self._database.rows(question)]

    async def all(self, member_id: str | None, which: Filter) -> AsyncIterator[Deed]:
        """Give every deed, the newest first."""
        before: int | None = None
        while deeds := await self.page(member_id, which, before, 500):
            for deed in deeds:
                yield deed
            before = deeds[-1].id

    async def _answered(self, *conditions: ColumnElement[bool]) -> list[Deed]:
        question = (
            select(journal)
            .where(*conditions, _ANSWERED, journal.c.step > SET_ASIDE)
            .order_by(journal.c.command_id, journal.c.step)
        )
        return [_deed(row) for row in await self._database.rows(question)]


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.requesters:
        conditions.append(journal.c.requester_id.in_(which.requesters))
    if which.command:
        conditions.append(journal.c.command == which.command)
    if which.command_id is not None:
        conditions.append(journal.c.command_id == which.command_id)
    if which.chats:
        conditions.append(journal.c.chat.in_(which.chats))
    if which.result in _RESULTS:
        conditions.append(_RESULTS[which.result])
    if which.since is not None:
        conditions.append(journal.c.begun_at >= which.since)
    if which.until is not None:
        conditions.append(journal.c.begun_at < which.until)
    return conditions


_ANSWERED = journal.c.answered_at.is_not(None)
_TAKEN = and_(_ANSWERED, journal.c.code.is_(None))
_RESULTS: dict[str, ColumnElement[bool]] = {
    "done": and_(_TAKEN, journal.c.changed.is_not(False)),
    "nothing": and_(_TAKEN, journal.c.changed.is_(False)),
    "refused": and_(_ANSWERED, journal.c.code.is_not(None)),
    "unknown": journal.c.answered_at.is_(None),
}


def _mapping(stored: str | None) -> dict[str, Any]:
    """Read a stored JSON object; an empty one where another version has stored something else."""
    try:
        told = json.loads(stored or "null")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _deed(row: Row[Any]) -> Deed:
    return Deed(
        id=row.id,
        member_id=row.member_id,
        at=row.begun_at,
        command_id=row.command_id,
        requester_id=row.requester_id,
        command=row.command,
        chat=row.chat,
        person_id=row.person_id,
        method=row.method,
        params=_mapping(row.params),
        is_answered=row.answered_at is not None,
        code=row.code,
        told=_mapping(row.result).get("result"),
        changed=row.changed,
    )
