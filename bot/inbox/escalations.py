"""Escalations: who is called, who has taken it, and how each one ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, bindparam, or_, select, update

from bot.bitrix24.entities import CrmItem, Entity, Person
from bot.bitrix24.events import CommandEvent
from bot.inbox.due import NOW, Due, Legible, act, bare, fairly
from bot.store.database import Database
from bot.store.tables import escalations

How = Literal["taken", "nobody", "stopped", "undone"]
Why = Literal["absent", "self", "dismissed", "external", "closed"]

# The act that carries an escalation on; it is its requester's own.
ADVANCE = "advance"

# After so long nothing is waited for any more: neither somebody nor the requester's permission.
LONGEST = 24 * 3600.0

# When an escalation is looked at again whose act has come to nothing: it has failed, say.
LEASE = 3600.0

KEPT = 30 * 86_400
AT_ONCE, MOST = 100, 10_000


class Skipped(Entity):
    """Who was passed over, and why; ``until`` is a date, where they are absent.

    ``closed``: the portal does not let the requester add them; ``external``: they are none of the
    staff.
    """

    person: Person
    role: str
    why: Why
    until: str = ""


class Callee(Entity):
    """Somebody who was called: as what, when, and by which command.

    ``since`` is the last message of the chat before the call, as far as it was seen. ``joined``:
    they were brought in for it, and have not been in the chat before. ``led``: they have been the
    dialog's operator before.
    """

    person: Person
    role: str = ""
    at: float
    since: int = 0
    command_id: int
    joined: bool
    led: bool = False
    declined: bool = False


class Taken(Entity):
    """Who has taken an escalation, and when."""

    person: Person
    at: float


class Ended(Entity):
    """How an escalation ended, and the command that ended it.

    ``closed``: with its dialog; ``deserted``: its requester's account is off.
    """

    how: How
    closed: bool = False
    deserted: bool = False
    command_id: int
    at: float


class Chain(Entity):
    """What an escalation is about, and how far it has come.

    ``named`` are the people whom the requester has named, in their order; empty, where the
    portal's own order decides. ``here``: it is about the chat that it was asked for in.
    ``looked``: something was said there, and the chat was looked at in vain.
    """

    requester: Person
    item: CrmItem
    chat_id: int
    here: bool = False
    reason: str = ""
    named: tuple[Person, ...] = ()
    wait: int
    lasting: int = 0
    callees: tuple[Callee, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    taken: Taken | None = None
    stopped: bool = False
    looked: bool = False
    ended: Ended | None = None

    def callee(self, user_id: int) -> Callee | None:
        """Give somebody who was called, if they were."""
        return next((one for one in self.callees if one.person.id == user_id), None)

    @property
    def called(self) -> tuple[Person, ...]:
        """Give everybody who was called."""
        return tuple(one.person for one in self.callees)

    @property
    def taken_by(self) -> Person | None:
        """Give who has taken it, if anybody has."""
        return self.taken.person if self.taken else None

    @property
    def how(self) -> How | None:
        """Say how it ended, if it has."""
        return self.ended.how if self.ended else None

    @property
    def asked(self) -> set[int]:
        """Give who was called, or would have been if the portal let them in."""
        closed = [one.person.id for one in self.skipped if one.why == "closed"]
        return {*closed, *(one.person.id for one in self.callees)}

    def without(self, user_id: int) -> "Chain":
        """Give the chain as if this person had no part in it."""
        return self.model_copy(
            update={
                "named": tuple(one for one in self.named if one.id != user_id),
                "callees": tuple(one for one in self.callees if one.person.id != user_id),
                "skipped": tuple(one for one in self.skipped if one.person.id != user_id),
                "taken": None if self.taken and self.taken.person.id == user_id else self.taken,
            }
        )

    def needs(self, person: Person) -> bool:
        """Say whether this escalation wants somebody in its chat."""
        own, taken = self.callee(person.id), self.taken
        if own is None or own.declined:
            return False
        if self.ended is None:
            return True
        return self.how != "undone" and taken is not None and taken.person.id == own.person.id

    @property
    def is_waited_for(self) -> bool:
        """Say whether somebody is given time to take it: whoever was called last."""
        return bool(self.callees) and not self.callees[-1].declined


@dataclass(frozen=True, slots=True)
class Escalation:
    """An escalation as it is stored; ``event`` is the command that began it, ``id`` its number."""

    id: int
    event: CommandEvent
    chain: Chain
    version: int
    begun_at: float
    until: float

    @property
    def acts(self) -> set[int]:
        """Give the commands that have done something for it, the one that began it among them.

        They have called somebody, or ended it, which may have let somebody go.
        """
        acts = {self.id, *(one.command_id for one in self.chain.callees)}
        return acts | {self.chain.ended.command_id} if self.chain.ended else acts

    def is_late(self, due: float) -> bool:
        """Say whether whoever was called last has had their time.

        ``due`` has come by the clock of the process that has looked. Ours may be behind it, and
        what was due then is not looked at a second time.
        """
        return self.until <= max(time.time(), due)

    @property
    def age(self) -> float:
        """Say how long it has been running, in seconds."""
        return time.time() - self.begun_at

    @property
    def seconds(self) -> float:
        """Say how long it took until somebody had taken it, or until it ended."""
        end = self.chain.taken or self.chain.ended
        return max(0.0, end.at - self.begun_at) if end else self.age


class Escalations:
    """The table of escalations."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._legible = Legible(database, escalations.c.command_id)
        # The chats that something runs in, as the last look for what is due has found them.
        self._running: set[tuple[str, int]] = set()
        self._insert = database.insert(escalations).on_conflict_do_nothing()
        # Both set ``due_at``, which each row brings besides.
        self._note = update(escalations).where(
            escalations.c.command_id == bindparam("number"),
            escalations.c.due_at == bindparam("due"),
        )
        # Not one whose act is under way, or that is looked at in a moment anyway.
        self._hear = update(escalations).where(
            escalations.c.member_id == bindparam("portal"),
            escalations.c.chat_id == bindparam("chat"),
            escalations.c.ended_at.is_(None),
            escalations.c.due_at == escalations.c.until,
        )
        runs = escalations.c.ended_at.is_(None)
        self._run_in = (
            select(escalations.c.member_id, escalations.c.chat_id).where(runs).limit(MOST)
        )
        self._are_due = fairly(
            escalations.c.due_at, escalations.c.command_id, runs, escalations.c.due_at <= NOW
        )

    async def begin(self, command_id: int, event: CommandEvent, chain: Chain) -> None:
        """Note that a command has called the first one; once a command."""
        now = time.time()
        row = {
            "command_id": command_id,
            "member_id": event.member_id,
            "requester_id": event.user.id,
            "chat_id": chain.chat_id,
            "event": bare(event).stored,
            "chain": chain.model_dump_json(),
            "version": 0,
            "begun_at": now,
            "until": now + chain.wait,
            "due_at": now + chain.wait,
        }
        await self._database.write((self._insert, [row]))
        self._running.add((event.member_id, chain.chat_id))

    async def find(self, command_id: int) -> Escalation | None:
        """Give an escalation, over or not, if there is one that can be read."""
        found = await self._rows(escalations.c.command_id == command_id)
        return found[0] if found else None

    async def of(self, member_id: str, requester_id: int, dialog_id: str) -> list[Escalation]:
        """List what somebody has asked for in a chat, the newest first."""
        found = await self._rows(
            escalations.c.member_id == member_id, escalations.c.requester_id == requester_id
        )
        return [one for one in found if one.event.chat.dialog_id == dialog_id]

    async def in_chat(self, member_id: str, chat_id: int) -> list[Escalation]:
        """List those that run in a chat, the newest first; where none does, the last one."""
        found = await self._rows(
            escalations.c.member_id == member_id, escalations.c.chat_id == chat_id
        )
        return [one for one in found if one.chain.ended is None] or found[:1]

    async def since(self, at: float, member_id: str, chat_id: int) -> list[Escalation]:
        """List those of a chat that run, or have ended since then."""
        return await self._rows(
            escalations.c.member_id == member_id,
            escalations.c.chat_id == chat_id,
            or_(escalations.c.ended_at.is_(None), escalations.c.ended_at > at),
        )

    async def change(
        self,
        escalation: Escalation,
        how: Callable[[Chain], Chain | None],
        *,
        until: float | None = None,
        due_at: float,
    ) -> Escalation:
        """Change a chain as it is by now, and say when it is looked at again; give what it is then.

        ``how`` is given the chain anew where somebody else has been faster; with ``None`` from it
        nothing is changed.
        """
        while True:
            chain = how(escalation.chain)
            if chain is None:
                return escalation
            changed = replace(
                escalation,
                chain=chain,
                version=escalation.version + 1,
                until=escalation.until if until is None else until,
            )
            if await self._stored(changed, due_at):
                return changed
            found = await self.find(escalation.id)
            if found is None:
                return escalation
            escalation = found

    async def _stored(self, changed: Escalation, due_at: float) -> bool:
        """Store an escalation unless somebody else has changed it meanwhile; say if it is."""
        ended = changed.chain.ended
        statement = (
            update(escalations)
            .where(
                escalations.c.command_id == changed.id,
                escalations.c.version == changed.version - 1,
            )
            .values(
                chain=changed.chain.model_dump_json(),
                version=changed.version,
                until=changed.until,
                due_at=due_at,
                ended_at=ended.at if ended else None,
                ended_as=ended.how if ended else None,
            )
            .returning(escalations.c.command_id, escalations.c.version)
        )
        return bool(await self._database.change(statement))

    async def due(self) -> list[Due]:
        """List the escalations that are to be looked at, each as an act of its requester."""
        found = await self._database.rows(self._run_in)
        self._running = {(row.member_id, row.chat_id) for row in found}
        if not self._running:
            return []
        return await self._legible.due(self._are_due, self._due)

    def _due(self, row: Row[Any]) -> Due:
        params = f'{{"id":{row.command_id},"due":{row.due_at!r}}}'
        noted = {"number": row.command_id, "due": row.due_at, "due_at": time.time() + LEASE}
        return Due(act(_escalation(row).event, ADVANCE, params), (self._note, [noted]))

    def heard(self, member_id: str, chat_id: int) -> None:
        """Have a chat looked at soon in which something was said, if an escalation runs there."""
        if (member_id, chat_id) in self._running:
            row = {"portal": member_id, "chat": chat_id, "due_at": time.time()}
            self._database.post((self._hear, [row]))

    async def _rows(self, *conditions: ColumnElement[bool]) -> list[Escalation]:
        question = select(escalations).where(*conditions)
        newest = question.order_by(escalations.c.command_id.desc()).limit(AT_ONCE)
        return self._legible.read(await self._database.rows(newest), _escalation)


def _escalation(row: Row[Any]) -> Escalation:
    return Escalation(
        row.command_id,
        CommandEvent.model_validate_json(row.event),
        Chain.model_validate_json(row.chain),
        row.version,
        row.begun_at,
        row.until,
    )
