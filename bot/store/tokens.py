"""The vault: one token pair per portal and user, encrypted."""

from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from pydantic import SecretStr
from sqlalchemy import Connection, Row, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.cipher import Cipher
from bot.store.database import Database, Write
from bot.store.tables import tokens, unproven_tokens


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
        insert = (
            postgresql.insert if database.engine.dialect.name == "postgresql" else sqlite.insert
        )
        statement = insert(tokens)
        self._upsert = statement.on_conflict_do_update(
            index_elements=["member_id", "user_id"],
            set_={
                "access_token": statement.excluded.access_token,
                # An event without a refresh token must not cost us the one we have.
                "refresh_token": func.coalesce(
                    statement.excluded.refresh_token, tokens.c.refresh_token
                ),
            },
        )
        self._upsert_unproven = insert(unproven_tokens).on_conflict_do_nothing()

    def saving(self, member_id: str, user_id: int, pair: TokenPair) -> list[Write]:
        """Make the writes that store a pair proven to be this user's; none if it is known."""
        known = self._known.get((member_id, user_id))
        if known and known.access == pair.access and pair.refresh in (None, known.refresh):
            return []
        self._known.pop((member_id, user_id), None)
        row = {"member_id": member_id, "user_id": user_id, **self._encrypted(pair)}
        return [(self._upsert, [row])]

    def saving_unproven(self, member_id: str, identity: str, pair: TokenPair) -> list[Write]:
        """Make the write that keeps a pair whose owner the event does not name."""
        row = {"member_id": member_id, "identity": identity, **self._encrypted(pair)}
        return [(self._upsert_unproven, [row])]

    async def save(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store a pair proven to be this user's."""
        if writes := self.saving(member_id, user_id, pair):
            await self._database.write(*writes)

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
        if row is None:
            self._known.pop((member_id, user_id), None)
            return None
        self._known[member_id, user_id] = pair = self._pair(row)
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

    async def forget_unproven(self, identity: str) -> None:
        """Drop a pair that turned out to be somebody else's."""
        await self._database.write(self._forgetting_unproven(identity))

    async def forget(self, member_id: str, user_id: int) -> None:
        """Drop a pair that the authorization server no longer renews."""
        self._known.pop((member_id, user_id), None)
        statement = delete(tokens).where(
            tokens.c.member_id == member_id, tokens.c.user_id == user_id
        )
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

    def _pair(self, row: Row[Any]) -> TokenPair:
        return TokenPair(
            access=self._cipher.decrypt(row.access_token),
            refresh=self._cipher.decrypt(row.refresh_token) if row.refresh_token else None,
        )
