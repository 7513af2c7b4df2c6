"""The vault: one token pair per portal and user, encrypted."""

import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from pydantic import SecretStr
from sqlalchemy import Connection, Row, delete, func, or_, select, update

from bot.store.cipher import Cipher, Unreadable
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.tables import inbox, tokens, unproven_tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What acts as a user: an access token, and, where there is one, what renews it."""

    access: SecretStr
    refresh: SecretStr | None


class Tokens:
    """The table of token pairs, the recently used ones kept in memory."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._known: LRUCache[tuple[str, int], TokenPair] = LRUCache(maxsize=4096)
        insert = database.insert
        statement = insert(tokens)
        self._upsert = statement.on_conflict_do_update(
            index_elements=["member_id", "user_id"],
            set_={
                "access_token": statement.excluded.access_token,
                # An event without a refresh token must not cost us the one we have.
                "refresh_token": func.coalesce(
                    statement.excluded.refresh_token, tokens.c.refresh_token
                ),
                "connected_at": statement.excluded.connected_at,
            },
        )
        self._upsert_unproven = insert(unproven_tokens).on_conflict_do_nothing()

    def saving(self, member_id: str, user_id: int, pair: TokenPair) -> list[Write]:
        """Make the writes that store a pair proven to be this user's; none if it is known.

        Whoever commits them says so with ``saved``.
        """
        known = self._known.get((member_id, user_id))
        if known and known.access == pair.access and pair.refresh in (None, known.refresh):
            return []
        row = {"member_id": member_id, "user_id": user_id, **self._encrypted(pair)}
        return [(self._upsert, [{**row, "connected_at": time.time()}])]

    def saved(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Remember a pair whose writes have been committed."""
        if pair.refresh is None:
            # The row may hold a refresh token all the same.
            self._known.pop((member_id, user_id), None)
        else:
            self._known[member_id, user_id] = pair

    def saving_unproven(self, member_id: str, identity: str, pair: TokenPair) -> list[Write]:
        """Make the write that keeps a pair whose owner the event does not name."""
        row = {"member_id": member_id, "identity": identity, **self._encrypted(pair)}
        return [(self._upsert_unproven, [row])]

    async def save(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store a pair proven to be this user's."""
        if writes := self.saving(member_id, user_id, pair):
            await self._database.write(*writes)
            self.saved(member_id, user_id, pair)

    async def connect(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store a pair that the user himself has brought, known or not: what waits may go on."""
        self._known.pop((member_id, user_id), None)
        await self._database.write(*self.saving(member_id, user_id, pair))
        self.saved(member_id, user_id, pair)

    async def lease(self, member_id: str, user_id: int, seconds: float) -> bool:
        """Ask for the right to renew a pair, which one process has at a time.

        The right ends with ``renewed`` or ``release``, or by itself after so many seconds.
        """
        holder, now = secrets.token_hex(16), time.time()
        free = or_(tokens.c.renewing_until.is_(None), tokens.c.renewing_until < now)
        statement = (
            _this(update(tokens), member_id, user_id)
            .where(free)
            .values(renewer=holder, renewing_until=now + seconds)
            .returning(tokens.c.renewer, tokens.c.user_id)
        )
        return holder in await self._database.write((statement, []))

    async def renewed(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store what a pair was renewed to; nothing where the pair has been dropped meanwhile."""
        self._known.pop((member_id, user_id), None)
        values = {**self._encrypted(pair), **_FREE}
        await self._database.write((_this(update(tokens), member_id, user_id).values(values), []))

    async def release(self, member_id: str, user_id: int) -> None:
        """Give the right to renew back: nothing was renewed."""
        await self._database.write((_this(update(tokens), member_id, user_id).values(_FREE), []))

    async def find(self, member_id: str, user_id: int) -> TokenPair | None:
        """Give the user's pair."""
        if pair := self._known.get((member_id, user_id)):
            return pair
        return await self.fresh(member_id, user_id)

    async def fresh(self, member_id: str, user_id: int) -> TokenPair | None:
        """Give the user's pair as the database has it: another process may have renewed it."""
        question = select(tokens).where(
            tokens.c.member_id == member_id, tokens.c.user_id == user_id
        )
        row = await self._first(question)
        if row is None or (pair := self._pair(row)) is None:
            self._known.pop((member_id, user_id), None)
            return None
        self._known[member_id, user_id] = pair
        return pair

    async def unproven(self, identity: str) -> TokenPair | None:
        """Give the pair that came with an event and waits for its proof."""
        row = await self._first(
            select(unproven_tokens).where(unproven_tokens.c.identity == identity)
        )
        return self._pair(row) if row else None

    async def prove(self, member_id: str, user_id: int, identity: str, pair: TokenPair) -> None:
        """Move an unproven pair to the user whose it has turned out to be."""
        await self._database.write(
            *self.saving(member_id, user_id, pair), self._forgetting_unproven(identity)
        )
        self.saved(member_id, user_id, pair)

    async def forget_unproven(self, identity: str) -> None:
        """Drop a pair that turned out to be somebody else's."""
        await self._database.write(self._forgetting_unproven(identity))

    async def forget(self, member_id: str, user_id: int, spent: TokenPair) -> None:
        """Drop a pair that the authorization server no longer renews.

        One that has come in its place meanwhile stays.
        """
        self._known.pop((member_id, user_id), None)
        question = _this(select(tokens), member_id, user_id)
        row = await self._first(question)
        if row is None or self._pair(row) != spent:
            return await self.release(member_id, user_id)
        statement = _this(delete(tokens), member_id, user_id)
        same = tokens.c.refresh_token == row.refresh_token
        await self._database.write((statement.where(same), []))
        return None

    async def forget_portal(self, member_id: str) -> None:
        """Drop every pair of a portal."""
        for known in [key for key in self._known if key[0] == member_id]:
            self._known.pop(known, None)
        await self._database.write(
            *((delete(table).where(table.c.member_id == member_id), []) for table in _ALL)
        )

    async def forget_unused(self) -> None:
        """Drop unproven pairs that nobody needed: their commands are answered."""
        answered = select(inbox.c.identity).where(inbox.c.done_at.is_not(None))
        statement = delete(unproven_tokens).where(unproven_tokens.c.identity.in_(answered))
        await self._database.write((statement, []))

    def _forgetting_unproven(self, identity: str) -> Write:
        return (delete(unproven_tokens).where(unproven_tokens.c.identity == identity), [])

    async def _first(self, question: Any) -> Row[Any] | None:
        def ask(connection: Connection) -> Row[Any] | None:
            return connection.execute(question).first()

        return await self._database.read(ask)

    def _encrypted(self, pair: TokenPair) -> dict[str, bytes | None]:
        return {
            "access_token": self._cipher.encrypt(pair.access),
            "refresh_token": self._cipher.encrypt(pair.refresh) if pair.refresh else None,
        }

    def _pair(self, row: Row[Any]) -> TokenPair | None:
        try:
            return TokenPair(
                access=self._cipher.decrypt(row.access_token),
                refresh=self._cipher.decrypt(row.refresh_token) if row.refresh_token else None,
            )
        except Unreadable:
            log.error("a token pair cannot be read with the keys there are")
            return None


_ALL = (tokens, unproven_tokens)
_FREE = {"renewer": None, "renewing_until": None}


def _this(statement: Any, member_id: str, user_id: int) -> Any:
    return statement.where(tokens.c.member_id == member_id, tokens.c.user_id == user_id)
