"""Accepted commands: committed before Bitrix24 hears 200, kept until they are answered.

The tokens that came with an event stand beside it, encrypted, until it is answered.
"""

import hashlib
import logging
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    true,
    update,
)

from bot.bitrix24.events import CommandEvent
from bot.figures import Ending
from bot.inbox.accepted import (
    NOTHING,
    Accepted,
    Brought,
    End,
    Reply,
    portal_of,
    reference_of,
    refusals_of,
)
from bot.inbox.brought import opened, place_of, written
from bot.inbox.reading import BEGUN, WAITS, Reading
from bot.store.cipher import Cipher
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.tables import inbox

log = logging.getLogger(__name__)

_replies = TypeAdapter(list[Reply])

# How a command ends that an operator may have run again without anybody's new word.
REPEATED = (Ending.FAILED, Ending.NO_ANSWER, Ending.UNANSWERED)

# The code of a command that another version has stored, and this one cannot read.
ILLEGIBLE = "Illegible"

# How long a command waits for its requester's permission, and how long for a word of theirs
# where nothing had proven whose command it is.
KEPT = 900.0
ASKED_FOR = 24 * 3600.0
MOST_ASKED = 10

# What a command forgets that is run anew.
AFRESH = {
    "done_at": None,
    "outcome": None,
    "code": None,
    "parked_until": None,
    "replies": None,
    "attempts": 0,
    "suspicion": 0,
}

# Within so many seconds of each other the lines of a message come.
TOGETHER = 60.0

# Deliveries of one command have so many characters of their identity in common.
_COMMON = 47

# No command has a larger number.
LAST = 2**63 - 1

_NEWEST = select(func.max(inbox.c.id))
_NEXT_LANE = select(func.min(inbox.c.lane)).where(
    inbox.c.done_at.is_(None),
    inbox.c.lane > bindparam("after"),
    inbox.c.id <= bindparam("up_to"),
)
_LANES = (
    select(inbox.c.lane)
    .where(
        inbox.c.lane > bindparam("after"),
        inbox.c.lane < bindparam("end"),
        WAITS,
        inbox.c.id <= bindparam("up_to"),
    )
    .distinct()
    .order_by(inbox.c.lane)
    .limit(bindparam("most"))
)


def _end_of(portals: list[str]) -> str:
    """Give what comes after all lanes of the last of these portals."""
    return f"{portals[-1]}0" if portals else ""


class Inbox:
    """The table of accepted commands."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._reading = Reading(database)
        self._cipher = cipher
        insert = database.insert
        self._insert = (
            insert(inbox).on_conflict_do_nothing().returning(inbox.c.identity, inbox.c.id)
        )
        # The further columns of a row are what is changed.
        this = update(inbox).where(inbox.c.id == bindparam("command"))
        self._replying = this
        self._done = this.values(tokens=case((bindparam("keeps"), inbox.c.tokens), else_=None))
        self._drop = delete(inbox).where(inbox.c.id == bindparam("dropped"), ~BEGUN.element)
        self._suspect = this.values(suspicion=inbox.c.suspicion + bindparam("more"))

    async def accept(
        self,
        event: CommandEvent,
        *with_it: Write,
        brought: Brought = NOTHING,
        refusal: Reply | None = None,
        identity: str = "",
        internal: bool = False,
        proven: bool = False,
    ) -> Accepted | None:
        """Commit an event, and what belongs with it; ``None`` if it is known already.

        With a ``refusal`` it is not to be carried out, only to be answered. It is known by its
        own identity, unless it is given another. An ``internal`` one is the bot's own; that a
        ``proven`` one is its requester's is certain already.
        Raises ``StoreUnavailable``.
        """
        first = identity or event.identity
        told = event.stored
        secret = written(brought)
        # Tells deliveries of one command apart.
        whole = f"{told}\x1f{secret.get_secret_value() if secret else ''}"
        delivery = hashlib.sha256(whole.encode()).hexdigest()[:16]
        row: dict[str, Any] = {
            "identity": first,
            "member_id": event.member_id,
            "requester_id": event.user.id,
            "lane": refusals_of(event) if refusal else event.lane,
            "message_id": event.message.id,
            "line": event.line,
            "event": told,
            "received_at": time.time(),
            "replies": _replies.dump_json([refusal]).decode() if refusal else None,
            "tokens": self._cipher.encrypt(secret, place_of(event)) if secret else None,
            "delivery": delivery,
            "proven": internal or proven,
            "internal": internal,
        }
        number, is_second = await self._stored(row, with_it), False
        if number is None and not identity and await self._is_another(first, delivery):
            # What came first may be false: which of them counts is seen when they are run.
            row["identity"] = f"{first[:_COMMON]}/{delivery}"
            number, is_second = await self._stored(row, with_it), True
        if number is None:
            return None
        return Accepted(
            number,
            event,
            row["received_at"],
            row["received_at"],
            replies=[refusal] if refusal else None,
            brought=brought,
            proven=internal or proven,
            internal=internal,
            is_second=is_second,
            is_refusal=refusal is not None,
        )

    async def _stored(self, row: dict[str, Any], with_it: Sequence[Write]) -> int | None:
        stored = await self._database.write((self._insert, [row]), *with_it)
        # Two equal deliveries may share a commit: the first to ask is the one that is stored.
        number: int | None = stored.pop(row["identity"], None)
        return number

    async def _is_another(self, identity: str, delivery: str) -> bool:
        """Say whether what came before is another delivery, and not this one once more."""
        question = select(inbox.c.delivery).where(inbox.c.identity == identity)
        known = await self._database.row(question)
        return known is not None and known.delivery not in ("", delivery)

    async def proven_before(self, command: Accepted, margin: float = 0.0) -> bool:
        """Say whether another delivery of the same command has been proven.

        With a ``margin``: and answered so many seconds or longer before this one came.
        """
        common = command.event.identity[:_COMMON]
        question = select(inbox.c.id).where(
            inbox.c.identity >= common,
            inbox.c.identity < f"{common}~",
            inbox.c.id != command.id,
            inbox.c.proven,
        )
        if margin:
            question = question.where(inbox.c.done_at < command.received_at - margin)
        return await self._database.row(question) is not None

    async def newest(self) -> int:
        """Give the number of the command that came last; 0 if none has come."""
        return int((await self._database.rows(_NEWEST))[0][0] or 0)

    async def waiting_portals(self, up_to: int = LAST) -> list[str]:
        """List the portals that have something waiting, or had until a moment ago.

        What has come after the command ``up_to`` does not count.
        """

        def ask(connection: Connection) -> list[str]:
            found: list[str] = []
            # From one to the next through the index: what waits in between is not read.
            while lane := connection.execute(
                _NEXT_LANE, {"after": _end_of(found), "up_to": up_to}
            ).scalar():
                found.append(portal_of(lane))
            return found

        return await self._database.read(ask)

    async def waiting_lanes(
        self, portal: str, after: str, most: int, up_to: int = LAST
    ) -> list[str]:
        """List chats of a portal that have something waiting, by name, from ``after`` on.

        What has come after the command ``up_to`` does not count.
        """
        first, end = after or f"{portal}/", _end_of([portal])
        rows = await self._database.rows(_LANES, after=first, end=end, most=most, up_to=up_to)
        return [row.lane for row in rows]

    async def waiting(self, lane: str, limit: int) -> list[Accepted]:
        """List what waits in a chat, in the order of its messages and lines."""
        rows = await self._reading.waiting(lane, limit)
        found = self.legible(rows)
        if len(found) == len(rows):
            return found
        await self._end_illegible({row.id for row in rows} - {one.id for one in found})
        return await self.waiting(lane, limit)

    async def _end_illegible(self, numbers: Collection[int]) -> None:
        """End commands that this version cannot read, so that their chat goes on without them.

        Another version may be able to: whoever runs the bot can have them run again.
        """
        for number in numbers:
            log.error("command %s cannot be read: it is left out", reference_of(number))
        statement = update(inbox).where(inbox.c.id.in_(numbers))
        values = {"done_at": time.time(), "outcome": Ending.UNANSWERED.value, "code": ILLEGIBLE}
        await self._database.write((statement.values(values), []))

    async def lacks_lines(self, command: Accepted, expected: int) -> bool:
        """Say whether some of the ``expected`` earlier lines of its message are not over.

        The portal sends an event for each, and they may arrive in any order.
        """
        came = command.received_at
        earlier = select(func.count()).where(
            # By these two it is found in an index; all lines of a message come at about one time.
            inbox.c.member_id == command.event.member_id,
            inbox.c.received_at.between(came - TOGETHER, came + TOGETHER),
            inbox.c.lane == command.lane,
            inbox.c.message_id == command.event.message.id,
            inbox.c.line < command.event.line,
            inbox.c.requester_id == command.event.user.id,
            # One that is stored and not over has its turn before this one.
            or_(inbox.c.done_at.is_not(None), inbox.c.parked_until.is_not(None)),
        )
        return int((await self._database.rows(earlier))[0][0]) < expected

    async def find(self, command_id: int) -> Accepted | None:
        """Give a command that waits, as it stands now."""
        question = select(inbox, BEGUN).where(inbox.c.id == command_id, WAITS)
        row = await self._database.row(question)
        return self.accepted(row) if row else None

    async def told(self, member_id: str, identity: str) -> list[Reply] | None:
        """Give the last that was said to a command; ``None`` while it runs, or is not known."""
        question = select(inbox.c.replies).where(
            inbox.c.identity == identity,
            inbox.c.member_id == member_id,
            or_(inbox.c.done_at.is_not(None), inbox.c.parked_until.is_not(None)),
        )
        row = await self._database.row(question)
        return None if row is None else _replies.validate_json(row.replies or "[]")

    async def replying(self, command: Accepted, replies: Sequence[Reply], attempts: int) -> None:
        """Note what a command came to, before it is told."""
        worded = _replies.dump_json(list(replies)).decode()
        row = {
            "command": command.id,
            "replies": worded,
            "attempts": attempts,
            "proven": command.proven,
        }
        await self._database.write((self._replying, [row]))

    async def suspect(self, command_id: int, more: int) -> None:
        """Note, before a command is run, how heavily the end of the process would weigh on it."""
        await self._database.write((self._suspect, [{"command": command_id, "more": more}]))

    def note_suspicion(self, command_id: int, more: int) -> None:
        """Note within a moment that this has changed."""
        self._database.post((self._suspect, [{"command": command_id, "more": more}]))

    async def done(self, command_id: int, end: End, *, proven: bool = True) -> None:
        """Note that a command is over, how it ended, and whether it has been proven."""
        await self._database.write(self._ending(command_id, end, proven=proven))

    async def park(self, command_id: int, seconds: float) -> None:
        """Set a proven command aside that waits for a person; its chat goes on without it."""
        this = update(inbox).where(inbox.c.id == command_id)
        parked = this.values(proven=true(), parked_until=time.time() + seconds)
        await self._database.write((parked, []))

    async def is_asked_enough(self, member_id: str, user_id: int) -> bool:
        """Say whether this person has been asked about as many commands as a page shows."""
        question = select(inbox.c.id).where(*asked_of(member_id, user_id)).limit(MOST_ASKED)
        return len(await self._database.rows(question)) == MOST_ASKED

    async def drop(self, command_id: int, end: End) -> None:
        """Forget a command that nothing has proven and nobody was told of.

        So it takes no room, whoever made it up. What has begun to change something stays.
        """
        over = self._ending(command_id, end, proven=False)
        await self._database.write(over, (self._drop, [{"dropped": command_id}]))

    def _ending(self, command_id: int, end: End, *, proven: bool) -> Write:
        row = {
            "command": command_id,
            "done_at": time.time(),
            "outcome": end.outcome.value,
            "code": end.code,
            "proven": proven,
            # Whoever runs the bot may have it run again; what is proven acts from the vault then.
            "keeps": end.outcome in REPEATED and not proven,
        }
        return (self._done, [row])

    def legible(self, rows: Iterable[Row[Any]]) -> list[Accepted]:
        """Read rows of the table, without those that another version has written otherwise."""
        found = []
        for row in rows:
            with suppress(ValidationError):
                found.append(self.accepted(row))
        return found

    def accepted(self, row: Row[Any]) -> Accepted:
        """Read a row of the table, with what ``BEGUN`` says."""
        event = CommandEvent.model_validate_json(row.event)
        return Accepted(
            id=row.id,
            event=event if row.resumed_at is None else event.afresh,
            received_at=row.received_at,
            since=row.resumed_at or row.received_at,
            replies=_replies.validate_json(row.replies) if row.replies else None,
            attempts=row.attempts,
            repeated=row.begun,
            suspicion=row.suspicion,
            brought=opened(self._cipher, event, row.tokens),
            proven=row.proven,
            internal=row.internal,
            is_second=row.identity[_COMMON : _COMMON + 1] == "/",
            is_refusal=row.lane == refusals_of(event),
        )


def asked_of(member_id: str, user_id: int) -> tuple[ColumnElement[bool], ...]:
    """Make the conditions of a command that this person is asked about still."""
    return (
        inbox.c.member_id == member_id,
        inbox.c.requester_id == user_id,
        inbox.c.outcome == Ending.ASKED.value,
        inbox.c.received_at > time.time() - ASKED_FOR,
    )
