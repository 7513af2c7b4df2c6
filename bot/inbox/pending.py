"""Commands that wait for their requester: for a permission, or for a word that they mean them."""

import time

from sqlalchemy import ColumnElement, Update, and_, func, select, true, update

from bot.figures import Ending
from bot.inbox.accepted import Accepted
from bot.inbox.inbox import AFRESH, Inbox
from bot.inbox.reading import BEGUN
from bot.store.database import Database
from bot.store.tables import inbox, tokens

# How long a command waits for its requester's permission, and how long for a word of theirs
# where nothing had proven whose command it is.
KEPT = 900.0
ASKED_FOR = 24 * 3600.0
MOST_ASKED = 10


class Pending:
    """What of the inbox waits for a person."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def park(self, command_id: int, seconds: float) -> None:
        """Set a proven command aside that waits for a person; its chat goes on without it."""
        this = update(inbox).where(inbox.c.id == command_id)
        parked = this.values(proven=true(), parked_until=time.time() + seconds)
        await self._database.write((parked, []))

    async def unpark(self, member_id: str, user_id: int) -> list[str]:
        """Take up what was set aside for this person and is not too old; give each one's lane."""
        statement = update(inbox).where(
            inbox.c.member_id == member_id,
            inbox.c.requester_id == user_id,
            inbox.c.done_at.is_(None),
            inbox.c.parked_until > time.time(),
        )
        return await self._taken_up(statement)

    async def asked(self, member_id: str, user_id: int, wanted: int = 0) -> list[Accepted]:
        """List the commands that this person was asked about and that may still be run.

        The ``wanted`` one comes first, however many have come after it, then the newest.
        """
        question = (
            select(inbox, BEGUN)
            .where(*_asked(member_id, user_id))
            .order_by((inbox.c.id == wanted).desc(), inbox.c.id.desc())
            .limit(MOST_ASKED)
        )
        found = self._inbox.legible(await self._database.rows(question))
        return [one for one in found if not await self._inbox.proven_before(one)]

    async def is_asked_enough(self, member_id: str, user_id: int) -> bool:
        """Say whether this person has been asked about as many commands as a page shows."""
        question = select(inbox.c.id).where(*_asked(member_id, user_id)).limit(MOST_ASKED)
        return len(await self._database.rows(question)) == MOST_ASKED

    async def consent(self, member_id: str, user_id: int, command_id: int) -> str | None:
        """Take up a command that this person was asked about, and means; give its lane."""
        if command_id not in {one.id for one in await self.asked(member_id, user_id, command_id)}:
            return None
        statement = update(inbox).where(*_asked(member_id, user_id), inbox.c.id == command_id)
        return next(iter(await self._taken_up(statement.values(proven=True))), None)

    async def _taken_up(self, statement: Update) -> list[str]:
        """Have the commands of a statement begin anew: each once, whoever else takes them up."""
        begun = statement.values(**AFRESH, resumed_at=time.time())
        taken = await self._database.change(begun.returning(inbox.c.id, inbox.c.lane))
        return [row.lane for row in taken]

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
        return [(row.member_id, row.requester_id) for row in await self._database.rows(question)]

    async def give_up_parked(self) -> None:
        """Note what was set aside for too long as done."""
        now = time.time()
        old = update(inbox).where(inbox.c.done_at.is_(None), inbox.c.parked_until < now)
        values = {"done_at": now, "outcome": Ending.EXPIRED.value}
        await self._database.write((old.values(values), []))


def _asked(member_id: str, user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        inbox.c.member_id == member_id,
        inbox.c.requester_id == user_id,
        inbox.c.outcome == Ending.ASKED.value,
        inbox.c.received_at > time.time() - ASKED_FOR,
    )
