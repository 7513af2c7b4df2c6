"""How the portals stand, as far as the database knows."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Row, func, select

from bot.store.database import Database
from bot.store.tables import escalations, inbox, journal, tokens

MOST_CODES = 5
MOST_PEOPLE = 20
MOST_ENDED = 5
MOST_ESCALATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """One portal's tokens and commands.

    ``people`` have a token pair; ``ready`` commands wait for their turn, ``parked`` ones for their
    requester's permission.
    """

    people: int
    last_event: float | None
    ready: int
    parked: int


@dataclass(frozen=True, slots=True)
class EscalationSummary:
    """How many of a portal's escalations ended in which way, and how fast they were taken.

    Half of those that were taken took no longer than ``half`` seconds, nine in ten than ``most``.
    """

    ends: Mapping[str, int]
    half: float = 0.0
    most: float = 0.0


@dataclass(eq=False, slots=True)
class Overview:
    """Counts what belongs to portals."""

    _database: Database

    async def standing(self, member_id: str) -> Standing:
        """Give how one portal stands."""
        people = select(func.count()).where(tokens.c.member_id == member_id)
        is_open = inbox.c.done_at.is_(None)
        question = select(
            people.scalar_subquery(),
            func.max(inbox.c.received_at),
            func.count().filter(is_open, inbox.c.parked_until.is_(None)),
            func.count().filter(is_open, inbox.c.parked_until.is_not(None)),
        ).where(inbox.c.member_id == member_id)
        return await self._database.read(lambda c: Standing(*c.execute(question).one()))

    async def out_of_reach(self, member_id: str, since: float) -> list[int]:
        """List whom operators' roles did not reach since then: refused for the view of history."""
        question = (
            select(journal.c.person_id)
            .where(
                journal.c.member_id == member_id,
                journal.c.code == "ACCESS_DENIED",
                journal.c.result.like("%chat history%"),
                journal.c.begun_at > since,
            )
            .distinct()
            .order_by(journal.c.person_id)
            .limit(MOST_PEOPLE)
        )
        return [row.person_id for row in await self._database.rows(question)]

    async def refusals(self, member_id: str, since: float) -> dict[str, int]:
        """Count what a portal has refused since then, by its most frequent codes."""
        number = func.count().label("number")
        question = (
            select(journal.c.code, number)
            .where(
                journal.c.member_id == member_id,
                journal.c.code.is_not(None),
                journal.c.begun_at > since,
            )
            .group_by(journal.c.code)
            .order_by(number.desc(), journal.c.code)
            .limit(MOST_CODES)
        )
        return {row.code: row.number for row in await self._database.rows(question)}

    async def ended(self, member_id: str, code: str) -> dict[int, float]:
        """Give a portal's commands that ended so, the newest first, and when, as far as kept."""
        question = (
            select(inbox.c.id, inbox.c.done_at)
            .where(inbox.c.member_id == member_id, inbox.c.code == code)
            .order_by(inbox.c.done_at.desc())
            .limit(MOST_ENDED)
        )
        return {row.id: row.done_at for row in await self._database.rows(question)}

    async def escalated(self, member_id: str, since: float) -> EscalationSummary:
        """Tell of a portal's escalations that have ended since then, the newest of them."""
        question = (
            select(escalations.c.ended_as, escalations.c.begun_at, escalations.c.chain)
            .where(escalations.c.member_id == member_id, escalations.c.ended_at > since)
            .order_by(escalations.c.ended_at.desc())
            .limit(MOST_ESCALATIONS)
        )
        return _escalated(await self._database.rows(question))


class _Taken(BaseModel):
    at: float


class _Chain(BaseModel):
    """What is looked at of an escalation."""

    taken: _Taken | None = None


def _to_taken(row: Row[Any]) -> float | None:
    """Say how long it took; ``None`` where nobody has taken it, or another version wrote it."""
    with suppress(ValidationError):
        taken = _Chain.model_validate_json(row.chain).taken
        return max(0.0, taken.at - row.begun_at) if taken else None
    return None


def _escalated(rows: list[Row[Any]]) -> EscalationSummary:
    seconds = sorted(one for row in rows if (one := _to_taken(row)) is not None)
    ends = Counter(row.ended_as for row in rows)
    if not seconds:
        return EscalationSummary(ends)
    half, most = (seconds[ceil(part * len(seconds)) - 1] for part in (0.5, 0.9))
    return EscalationSummary(ends, half, most)
