"""The vault: one token pair per portal and user.

The encryption itself says whose a pair is: it can be read only for its portal and its user, and
a pair that is proven is bound to another place than one that is not. A pair of the first version
is bound to nothing, and so not proven.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Row, delete, or_, select, update

from bot.bitrix24.token_pair import TokenPair, read, written
from bot.store.cipher import Cipher, Unreadable, is_bound
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.tables import inbox, tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A pair of the vault; ``proven``: it is certain that it is its user's."""

    pair: TokenPair
    proven: bool


class Tokens:
    """The table of token pairs, the recently used ones kept in memory."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._known: LRUCache[tuple[str, int], Kept] = LRUCache(maxsize=4096)
        # A pair that cannot be renewed must not cost us one that can.
        self._add = database.insert(tokens).on_conflict_do_nothing()
        self._replace = database.upsert(tokens, "pair", "old_refresh", "connected_at")

    def keep(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store a pair proven to be this user's; nobody waits for it."""
        if writes := self._keeping(member_id, user_id, pair):
            self._database.post(*writes)

    async def connect(self, member_id: str, user_id: int, pair: TokenPair) -> None:
        """Store a pair proven to be this user's, known or not: what waits may go on."""
        self._known.pop((member_id, user_id), None)
        await self._database.write(*self._keeping(member_id, user_id, pair))

    def _keeping(self, member_id: str, user_id: int, pair: TokenPair) -> list[Write]:
        known = self._known.get((member_id, user_id))
        if known and known.proven and pair in (known.pair, TokenPair(known.pair.access, None)):
            return []
        if pair.refresh is None:
            self._known.pop((member_id, user_id), None)
        else:
            self._known[member_id, user_id] = Kept(pair, proven=True)
        row = {"member_id": member_id, "user_id": user_id, "connected_at": time.time()}
        row |= self._encrypted(member_id, user_id, pair, proven=True)
        return [(self._replace if pair.refresh else self._add, [row])]

    async def lease(self, member_id: str, user_id: int, seconds: float) -> bool:
        """Ask for the right to renew a pair, which one process has at a time.

        The right ends with ``renewed`` or ``release``, or by itself after so many seconds.
        """
        now = time.time()
        free = or_(tokens.c.renewing_until.is_(None), tokens.c.renewing_until < now)
        statement = (
            _this(update(tokens), member_id, user_id)
            .where(free)
            .values(renewing_until=now + seconds)
            .returning(tokens.c.user_id, tokens.c.renewing_until)
        )
        return bool(await self._database.change(statement))

    async def renewed(self, member_id: str, user_id: int, pair: TokenPair, *, proven: bool) -> None:
        """Store what a pair was renewed to; nothing where the pair has been dropped meanwhile."""
        self._known.pop((member_id, user_id), None)
        values = {**self._encrypted(member_id, user_id, pair, proven=proven), **_FREE}
        await self._database.write((_this(update(tokens), member_id, user_id).values(values), []))

    async def release(self, member_id: str, user_id: int) -> None:
        """Give the right to renew back: nothing was renewed."""
        await self._database.write((_this(update(tokens), member_id, user_id).values(_FREE), []))

    async def find(self, member_id: str, user_id: int) -> Kept | None:
        """Give the user's pair."""
        if kept := self._known.get((member_id, user_id)):
            return kept
        return await self.fresh(member_id, user_id)

    async def fresh(self, member_id: str, user_id: int) -> Kept | None:
        """Give the user's pair as the database has it: another process may have renewed it."""
        row = await self._row(member_id, user_id)
        if row is None or (kept := self._kept(row)) is None:
            self._known.pop((member_id, user_id), None)
            return None
        self._known[member_id, user_id] = kept
        return kept

    async def some(self, member_id: str, limit: int) -> list[int]:
        """List users of a portal who have a pair, those with the newest ones first."""
        question = (
            select(tokens.c.user_id)
            .where(tokens.c.member_id == member_id)
            .order_by(tokens.c.connected_at.desc())
            .limit(limit)
        )
        return [row.user_id for row in await self._database.rows(question)]

    async def forget(self, member_id: str, user_id: int, spent: TokenPair) -> None:
        """Drop a pair that is good for nothing any more, or turned out to be somebody else's.

        One that has come in its place meanwhile stays.
        """
        self._known.pop((member_id, user_id), None)
        row = await self._row(member_id, user_id)
        kept = self._kept(row) if row is not None else None
        if row is None or kept is None or kept.pair != spent:
            return await self.release(member_id, user_id)
        statement = _this(delete(tokens), member_id, user_id).where(tokens.c.pair == row.pair)
        await self._database.write((statement, []))
        return None

    async def forget_portal(self, member_id: str) -> None:
        """Drop every pair of a portal, those of waiting events too."""
        for known in [key for key in self._known if key[0] == member_id]:
            self._known.pop(known, None)
        came = update(inbox).where(inbox.c.member_id == member_id, inbox.c.tokens.is_not(None))
        await self._database.write(
            (delete(tokens).where(tokens.c.member_id == member_id), []),
            (came.values(tokens=None), []),
        )

    async def _row(self, member_id: str, user_id: int) -> Row[Any] | None:
        question = _this(select(tokens), member_id, user_id)
        return await self._database.row(question)

    def _encrypted(
        self, member_id: str, user_id: int, pair: TokenPair, *, proven: bool
    ) -> dict[str, bytes | None]:
        place = pair_place(member_id, user_id, proven=proven)
        return {"pair": self._cipher.encrypt(written(pair), place), "old_refresh": None}

    def _kept(self, row: Row[Any]) -> Kept | None:
        for proven in (True, False):
            try:
                return Kept(self._pair(row, proven=proven), proven)
            except Unreadable:
                continue
        log.error("a token pair cannot be read with the keys there are")
        return None

    def _pair(self, row: Row[Any], *, proven: bool) -> TokenPair:
        if is_bound(row.pair):
            place = pair_place(row.member_id, row.user_id, proven=proven)
            return read(self._cipher.decrypt(row.pair, place))
        if proven:
            raise Unreadable
        refresh = self._cipher.decrypt_unbound(row.old_refresh) if row.old_refresh else None
        return TokenPair(self._cipher.decrypt_unbound(row.pair), refresh)


_FREE = {"renewing_until": None}


def pair_place(member_id: str, user_id: int, *, proven: bool) -> str:
    """Name the place that a pair is bound to."""
    return f"{'pair' if proven else 'claim'}/{member_id}/{user_id}"


def _this(statement: Any, member_id: str, user_id: int) -> Any:
    return statement.where(tokens.c.member_id == member_id, tokens.c.user_id == user_id)
