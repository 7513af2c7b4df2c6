"""What a requester has changed, and what they were refused: read from the journal."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from bot.acting.journal import SET_ASIDE
from bot.store.database import Database
from bot.store.tables import journal


@dataclass(frozen=True, slots=True)
class Deed:
    """A step of an earlier command, as the journal has it."""

    command_id: int
    command: str
    method: str
    person_id: int
    params: dict[str, Any]
    code: str | None
    told: Any
    changed: bool | None


class History:
    """The journal, looked back at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by(self, member_id: str, requester_id: int, seconds: float, **of: str) -> list[Deed]:
        """List what somebody asked for lately in a ``chat``, or by a ``method``, oldest first."""
        return await self._deeds(
            journal.c.member_id == member_id,
            journal.c.requester_id == requester_id,
            journal.c.begun_at > time.time() - seconds,
            *(journal.c[name] == value for name, value in of.items()),
        )

    async def of_people(
        self, member_id: str, people: Collection[int], methods: Collection[str]
    ) -> list[Deed]:
        """List what was done by these methods to people, whoever asked for it, oldest first."""
        return await self._deeds(
            journal.c.member_id == member_id,
            journal.c.person_id.in_(people),
            journal.c.method.in_(methods),
            journal.c.code.is_(None),
        )

    async def _deeds(self, *conditions: Any) -> list[Deed]:
        question = (
            select(journal)
            .where(*conditions, journal.c.answered_at.is_not(None), journal.c.step > SET_ASIDE)
            .order_by(journal.c.command_id, journal.c.step)
        )
        return [_deed(row) for row in await self._database.rows(question)]


def _deed(row: Row[Any]) -> Deed:
    told = json.loads(row.result)
    return Deed(
        row.command_id,
        row.command,
        row.method,
        row.person_id,
        json.loads(row.params),
        row.code,
        told.get("result"),
        row.changed,
    )
