"""Commands that wait for their requester: for a permission, or for a word that they mean them."""

import time
from dataclasses import dataclass

from sqlalchemy import Update, and_, func, select, update

from bot.figures import Ending
from bot.inbox.accepted import Accepted
from bot.inbox.accepting import Engine
from bot.inbox.inbox import AFRESH, MOST_ASKED, Inbox, asked_of
from bot.inbox.reading import BEGUN
from bot.store.database import Database
from bot.store.tables import inbox, tokens


@dataclass(eq=False, slots=True)
class Pending:
    """What of the inbox waits for a person: taken up, or let go when it has waited too long."""

    _database: Database
    _inbox: Inbox
    _engine: Engine

    async def take_up(self, member_id: str, user_id: int) -> int:
        """Have this person's commands run, each once, and tell how many there are."""
        statement = update(inbox).where(
            inbox.c.member_id == member_id,
            inbox.c.requester_id == user_id,
            inbox.c.done_at.is_(None),
            inbox.c.parked_until > time.time(),
        )
        return await self._taken_up(statement)

    async def asked(self, member_id: str, user_id: int, wanted: int) -> list[Accepted]:
        """List the commands that this person was asked about and that may still be run.

        The ``wanted`` one comes first, however many have come after it, then the newest.
        """
        question = (
            select(inbox, BEGUN)
            .where(*asked_of(member_id, user_id))
            .order_by((inbox.c.id == wanted).desc(), inbox.c.id.desc())
            .limit(MOST_ASKED)
        )
        found = self._inbox.legible(await self._database.rows(question))
        return [one for one in found if not await self._inbox.proven_before(one)]

    async def consent(self, member_id: str, user_id: int, command_id: int) -> bool:
        """Have a command run that this person was asked about, and means; ``False``: it is over."""
        if command_id not in {one.id for one in await self.asked(member_id, user_id, command_id)}:
            return False
        statement = update(inbox).where(*asked_of(member_id, user_id), inbox.c.id == command_id)
        return bool(await self._taken_up(statement.values(proven=True)))

    async def _taken_up(self, statement: Update) -> int:
        """Have the commands of a statement begin anew: each once, whoever else takes them up."""
        begun = statement.values(**AFRESH, resumed_at=time.time())
        taken = await self._database.change(begun.returning(inbox.c.id, inbox.c.lane))
        for row in taken:
            await self._engine.attend(row.lane)
        return len(taken)

    async def sweep(self) -> None:
        """Finish what nobody has: commands too old, and those a dying process has left.

        Whoever did not connect in time was told for how long their command is kept.
        """
        await self._give_up_parked()
        for member_id, user_id in await self._parked_of_connected():
            await self.take_up(member_id, user_id)

    async def _parked_of_connected(self) -> list[tuple[str, int]]:
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

    async def _give_up_parked(self) -> None:
        """Note what was set aside for too long as done."""
        now = time.time()
        old = update(inbox).where(inbox.c.done_at.is_(None), inbox.c.parked_until < now)
        values = {"done_at": now, "outcome": Ending.EXPIRED.value}
        await self._database.write((old.values(values), []))
