"""The journal: every changing call, before it is made and after it is answered.

It is what a command that was cut short is carried on from, and it tells administrators who
asked what, for whom and where.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Insert,
    Row,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from bot.bitrix24.errors import Refused
from bot.errors import StoreUnavailable
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import ADVANCE
from bot.store.database import Database
from bot.store.tables import journal, owners

# Steps are counted from 0; those with this number and below are over and done with.
SET_ASIDE = -1

# Under which command the steps of an act of the bot's own stand: by that they are looked for.
_SHOWN_AS = {ADVANCE: "escalate"}

# A result is a number, or the ids of some people; whatever is longer is none.
LONGEST_RESULT = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """A changing call of a command, counted from 0, for one person. Holds no token.

    ``sent`` is what the portal is given where the journal is to hold less than that.
    """

    number: int
    method: str
    params: dict[str, Any]
    person_id: int
    sent: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a step came to: a result, or the portal's error ``code`` and its description.

    ``changed`` tells whether the step really changed the portal; ``None`` if nobody can tell.
    """

    result: Any = None
    code: str | None = None
    status: int = 200
    changed: bool | None = None

    @property
    def refused(self) -> Refused | None:
        """The portal's error; ``None`` where there was none."""
        if self.code is None:
            return None
        return Refused(self.code, str(self.result or ""), self.status)


# A step as the journal has it; without an answer it was begun, and nobody knows more.
Recorded = tuple[Step, Answered | None]


class NotOwner(StoreUnavailable):
    """Another process looks after the portal by now: nothing is to be called."""


class Journal:
    """The table of changing calls."""

    def __init__(self, database: Database, owner: str = "") -> None:
        self._database = database
        self._owner = owner
        self._begin = _fenced(owner) if owner else insert(journal)
        # The further columns of a row are what is changed.
        self._answer = update(journal).where(
            journal.c.command_id == bindparam("of_command"),
            journal.c.step == bindparam("number"),
        )

    async def of(self, command: Accepted) -> list[Recorded]:
        """List the steps of a command, without those that are tried anew."""
        question = select(journal).where(
            journal.c.command_id == command.id, journal.c.step > SET_ASIDE
        )
        return [_recorded(row) for row in await self._database.rows(question)]

    async def begin(self, command: Accepted, steps: Iterable[Step]) -> None:
        """Note that these calls are about to be made.

        Raises ``NotOwner`` where another process looks after the portal by now.
        """
        now = time.time()
        rows = [
            {
                "command_id": command.id,
                "step": step.number,
                "portal" if self._owner else "member_id": command.event.member_id,
                "requester_id": command.event.user.id,
                "chat": command.event.chat.dialog_id,
                "command": _SHOWN_AS.get(command.event.name, command.event.name),
                "method": step.method,
                "person_id": step.person_id,
                "params": json.dumps(step.params, ensure_ascii=False),
                "begun_at": now,
            }
            for step in steps
        ]
        try:
            await self._database.write((self._begin, rows))
        except RuntimeError:
            if self._owner and not await self._is_owner(command.event.member_id):
                raise NotOwner("another process looks after the portal") from None
            raise

    async def _is_owner(self, member_id: str) -> bool:
        question = select(owners.c.owner).where(
            owners.c.member_id == member_id, owners.c.owner == self._owner
        )
        return await self._database.ask(lambda connection: bool(connection.scalar(question)))

    async def withdraw(self, command: Accepted, steps: Iterable[Step]) -> None:
        """Strike out calls that turned out not to have been made."""
        these = [step.number for step in steps]
        statement = delete(journal).where(
            journal.c.command_id == command.id, journal.c.step.in_(these)
        )
        await self._database.write((statement, []))

    async def acted(self, command: Accepted, owner: int) -> None:
        """Note whose token has acted, where it was not the requester's."""
        of_it = update(journal).where(journal.c.command_id == command.id)
        await self._database.write((of_it.values(requester_id=owner), []))

    async def set_aside(self, command: Accepted, step: Step) -> None:
        """Let a step that was refused be tried anew."""
        this = and_(journal.c.method == step.method, journal.c.person_id == step.person_id)
        await self._database.write((setting_aside(command.id).where(this), []))

    def answer(self, command: Accepted, answers: Sequence[tuple[Step, Answered]]) -> None:
        """Note what these calls came to, before anybody is told."""
        if not answers:
            return
        now = time.time()
        rows = [
            {
                "of_command": command.id,
                "number": step.number,
                "answered_at": now,
                "result": _told(answer),
                "code": answer.code,
                "changed": answer.changed,
            }
            for step, answer in answers
        ]
        self._database.post((self._answer, rows))


def _fenced(owner: str) -> Insert:
    """Make an INSERT that fails where another process owns the portal: then its name is NULL.

    The lock has whoever takes the portal over wait, and see what is begun.
    """
    mine = (
        select(owners.c.member_id)
        .where(owners.c.member_id == bindparam("portal"), owners.c.owner == owner)
        .with_for_update(read=True)
        .scalar_subquery()
    )
    return insert(journal).values(member_id=mine)


def setting_aside(command_id: int) -> Update:
    """Make the write after which what was refused of a command is tried anew.

    The refusals stay in the journal, under numbers that no step of a command has.
    """
    refused = and_(journal.c.command_id == command_id, journal.c.code.is_not(None))
    return (
        update(journal)
        .where(refused, journal.c.step > SET_ASIDE)
        .values(step=SET_ASIDE - journal.c.id)
    )


def _told(answer: Answered) -> str:
    told = json.dumps({"result": answer.result, "status": answer.status}, ensure_ascii=False)
    if len(told) <= LONGEST_RESULT:
        return told
    return json.dumps({"result": None, "status": answer.status})


def _recorded(row: Row[Any]) -> Recorded:
    step = Step(row.step, row.method, json.loads(row.params), row.person_id)
    if row.answered_at is None:
        return step, None
    told = json.loads(row.result)
    return step, Answered(told["result"], row.code, told["status"], row.changed)
