"""Accepted commands: committed before Bitrix24 hears 200, kept until they are answered."""

import time
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    Connection,
    Row,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    exists,
    func,
    select,
    true,
    update,
)

from bot.bitrix24.events import CommandEvent
from bot.store.accepted import Accepted, End, Ending, Reply, portal_of, refusals_of
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.tables import inbox, journal, tokens

_replies = TypeAdapter(list[Reply])

# How long a command waits for its requester's permission.
KEPT = 900.0

# What may run: neither answered nor waiting for a person.
_WAITS = and_(inbox.c.done_at.is_(None), inbox.c.parked_until.is_(None))

_NEXT_LANE = select(func.min(inbox.c.lane)).where(
    inbox.c.done_at.is_(None), inbox.c.lane > bindparam("after")
)

# Whether an earlier run has got as far as a changing call.
_BEGUN = exists().where(journal.c.command_id == inbox.c.id).label("begun")


def _waiting_in(lane: Any) -> Select[Any]:
    return (
        select(inbox, _BEGUN)
        .where(inbox.c.lane == lane, _WAITS)
        .order_by(inbox.c.message_id, inbox.c.line, inbox.c.id)
        .limit(bindparam("most"))
    )


_WAITING = _waiting_in(bindparam("lane"))
_wanted = (
    func.unnest(bindparam("lanes", type_=ARRAY(Text)))
    .table_valued("lane", name="wanted")
    .render_derived()
)
_of_each = _waiting_in(_wanted.c.lane).lateral("of_each")
_WAITING_IN = select(_of_each).select_from(_wanted).join(_of_each, true())


def _end_of(portals: list[str]) -> str:
    """Give what comes after all lanes of the last of these portals."""
    return f"{portals[-1]}0" if portals else ""


class Inbox:
    """The table of accepted commands."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = database.insert
        self._insert = (
            insert(inbox).on_conflict_do_nothing().returning(inbox.c.identity, inbox.c.id)
        )
        self._replying = (
            update(inbox)
            .where(inbox.c.id == bindparam("command"))
            .values(replies=bindparam("worded"), attempts=bindparam("tries"))
        )
        this = inbox.c.id == bindparam("command")
        self._done = (
            update(inbox)
            .where(this)
            .values(done_at=bindparam("at"), outcome=bindparam("ending"), code=bindparam("told"))
        )
        suspicion = inbox.c.suspicion + bindparam("more")
        self._suspect = update(inbox).where(this).values(suspicion=suspicion)
        self._park = update(inbox).where(this).values(parked_until=bindparam("until"))

    async def accept(
        self,
        event: CommandEvent,
        *with_it: Write,
        refusal: Reply | None = None,
        identity: str = "",
    ) -> Accepted | None:
        """Commit an event, and what belongs with it; ``None`` if it is known already.

        With a ``refusal`` it is not to be carried out, only to be answered. It is known by its
        own identity, unless it is given another.
        Raises ``StoreUnavailable``.
        """
        identity, received_at = identity or event.identity, time.time()
        row = {
            "identity": identity,
            "member_id": event.member_id,
            "requester_id": event.user.id,
            "lane": refusals_of(event) if refusal else event.lane,
            "message_id": event.message.id,
            "line": event.line,
            "event": event.model_dump_json(by_alias=True, exclude_defaults=True),
            "received_at": received_at,
            "replies": _replies.dump_json([refusal]).decode() if refusal else None,
        }
        stored = await self._database.write((self._insert, [row]), *with_it)
        # Two equal deliveries may share a commit: the first to ask is the one that is stored.
        number = stored.pop(identity, None)
        replies = [refusal] if refusal else None
        return None if number is None else Accepted(number, event, received_at, replies)

    async def answered(self, identity: str, seconds_ago: float) -> bool:
        """Say whether a command was answered so long ago or longer."""
        long_ago = time.time() - seconds_ago
        question = select(inbox.c.id).where(
            inbox.c.identity == identity, inbox.c.done_at < long_ago
        )
        return bool(await self._rows(question))

    async def waiting_portals(self) -> list[str]:
        """List the portals that have something waiting, or had until a moment ago."""

        def ask(connection: Connection) -> list[str]:
            found: list[str] = []
            # From one to the next through the index: what waits in between is not read.
            while lane := connection.execute(_NEXT_LANE, {"after": _end_of(found)}).scalar():
                found.append(portal_of(lane))
            return found

        return await self._database.read(ask)

    async def waiting_lanes(self, portal: str, after: str, limit: int) -> list[str]:
        """List chats of a portal that have something waiting, by name, from ``after`` on."""
        question = (
            select(inbox.c.lane)
            .where(inbox.c.lane > (after or f"{portal}/"), inbox.c.lane < _end_of([portal]), _WAITS)
            .distinct()
            .order_by(inbox.c.lane)
            .limit(limit)
        )
        return [row.lane for row in await self._rows(question)]

    async def waiting(self, lane: str, limit: int) -> list[Accepted]:
        """List what waits in a chat, in the order of its messages and lines."""
        row = {"lane": lane, "most": limit}

        def ask(connection: Connection) -> list[Row[Any]]:
            return list(connection.execute(_WAITING, row))

        return [_accepted(row) for row in await self._database.ask(ask)]

    async def waiting_in(self, lanes: Sequence[str], limit: int) -> list[list[Accepted]]:
        """List what waits in each of these chats, as ``waiting`` does; PostgreSQL only."""
        found: dict[str, list[Accepted]] = {lane: [] for lane in lanes}
        row = {"lanes": list(found), "most": limit}

        def ask(connection: Connection) -> list[Row[Any]]:
            return list(connection.execute(_WAITING_IN, row))

        for one in await self._database.ask(ask):
            found[one.lane].append(_accepted(one))
        return [found[lane] for lane in lanes]

    async def find(self, command_id: int) -> Accepted | None:
        """Give a command that waits, as it stands now."""
        question = select(inbox, _BEGUN).where(inbox.c.id == command_id, _WAITS)
        return next((_accepted(row) for row in await self._rows(question)), None)

    async def replying(self, command_id: int, replies: Sequence[Reply], attempts: int) -> None:
        """Note what a command came to, before it is told."""
        worded = _replies.dump_json(list(replies)).decode()
        row = {"command": command_id, "worded": worded, "tries": attempts}
        await self._database.write((self._replying, [row]))

    async def suspect(self, command_id: int, more: int) -> None:
        """Note, before a command is run, how heavily the end of the process would weigh on it."""
        await self._database.write((self._suspect, [{"command": command_id, "more": more}]))

    def note_suspicion(self, command_id: int, more: int) -> None:
        """Note within a moment that this has changed."""
        self._database.post((self._suspect, [{"command": command_id, "more": more}]))

    async def done(self, command_id: int, end: End) -> None:
        """Note that a command is over, and how it ended."""
        row = {
            "command": command_id,
            "at": time.time(),
            "ending": end.outcome.value,
            "told": end.code,
        }
        await self._database.write((self._done, [row]))

    async def park(self, command_id: int, seconds: float = KEPT) -> None:
        """Set a command aside that waits for a person; its chat goes on without it."""
        row = {"command": command_id, "until": time.time() + seconds}
        await self._database.write((self._park, [row]))

    async def unpark(self, member_id: str, user_id: int) -> list[Accepted]:
        """Take up what was set aside for this person and is not too old: each once."""
        question = (
            select(inbox.c.id)
            .where(
                inbox.c.member_id == member_id,
                inbox.c.requester_id == user_id,
                inbox.c.done_at.is_(None),
                inbox.c.parked_until > time.time(),
            )
            .order_by(inbox.c.id)
        )
        numbers = [row.id for row in await self._rows(question)]
        claims = [_claim(number) for number in numbers]
        taken = await self._database.write(*((claim, []) for claim in claims)) if claims else {}
        # Another process, or another request of this one, may have been faster.
        mine = [number for number in numbers if taken.pop(number, None)]
        return [one for number in mine if (one := await self.find(number))]

    async def parked_of_connected(self) -> list[tuple[str, int]]:
        """List portals and users with something set aside whose token has come since."""
        question = (
            select(inbox.c.member_id, inbox.c.requester_id)
            .join(
                tokens,
                and_(
                    tokens.c.member_id == inbox.c.member_id,
                    tokens.c.user_id == inbox.c.requester_id,
                    tokens.c.connected_at > func.coalesce(inbox.c.resumed_at, inbox.c.received_at),
                ),
            )
            .where(inbox.c.done_at.is_(None), inbox.c.parked_until > time.time())
            .distinct()
        )
        return [(row.member_id, row.requester_id) for row in await self._rows(question)]

    async def give_up_parked(self) -> None:
        """Note what was set aside for too long as done."""
        now = time.time()
        old = update(inbox).where(inbox.c.done_at.is_(None), inbox.c.parked_until < now)
        values = {"done_at": now, "outcome": Ending.EXPIRED.value}
        await self._database.write((old.values(values), []))

    async def _rows(self, question: Any) -> list[Row[Any]]:
        def ask(connection: Connection) -> list[Row[Any]]:
            return list(connection.execute(question))

        return await self._database.read(ask)


def _claim(command_id: int) -> Update:
    return (
        update(inbox)
        .where(inbox.c.id == command_id, inbox.c.parked_until.is_not(None))
        .values(parked_until=None, replies=None, attempts=0, suspicion=0, resumed_at=time.time())
        .returning(inbox.c.id, inbox.c.requester_id)
    )


def _accepted(row: Row[Any]) -> Accepted:
    event = CommandEvent.model_validate_json(row.event)
    return Accepted(
        id=row.id,
        event=event if row.resumed_at is None else event.afresh,
        received_at=row.received_at,
        replies=_replies.validate_json(row.replies) if row.replies else None,
        attempts=row.attempts,
        repeated=row.begun,
        resumed_at=row.resumed_at,
        suspicion=row.suspicion,
    )
