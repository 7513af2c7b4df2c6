"""Which process looks after a portal (PostgreSQL): one at a time, for as long as it says so.

By the database's clock. Whoever stops saying so loses the portal to the next one that asks.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

from bot.store.database import Database

# How long a process keeps its portals without saying so again, in seconds.
LEASE = 6.0

_NOW = "extract(epoch FROM clock_timestamp())::float8"

# A paused owner may be in the middle of a commit that it holds the row for.
_PATIENCE = text("SET LOCAL lock_timeout = '200ms'")
_BEFORE = text(
    f"SELECT owner, until, {_NOW} AS now FROM owners WHERE member_id = :portal FOR UPDATE"  # noqa: S608
)
_CLAIM = text(
    f"""
    INSERT INTO owners (member_id, owner, until) VALUES (:portal, :owner, {_NOW} + :lease)
    ON CONFLICT (member_id) DO UPDATE SET owner = excluded.owner, until = excluded.until
    WHERE owners.owner = excluded.owner OR owners.until < {_NOW}
    """  # noqa: S608  # constants of this module
)
# An intent's commit may hold a row: it is renewed the next time.
_RENEW = text(
    f"""
    UPDATE owners SET until = {_NOW} + :lease WHERE member_id IN (
        SELECT member_id FROM owners WHERE owner = :owner AND member_id = ANY(:portals)
        FOR NO KEY UPDATE SKIP LOCKED
    )
    """  # noqa: S608  # constants of this module
)
_MINE = text("SELECT member_id FROM owners WHERE owner = :owner AND member_id = ANY(:portals)")
_RELEASE = text(
    f"UPDATE owners SET until = {_NOW} WHERE owner = :owner AND member_id = ANY(:portals)"  # noqa: S608
)
_OWNED = text(f"SELECT member_id FROM owners WHERE until > {_NOW}")  # noqa: S608
_IS_OWNED = text(
    f"SELECT EXISTS (SELECT FROM owners WHERE member_id = :portal AND until > {_NOW})"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A portal is this process's; ``since`` tells for how long it has been no other's."""

    since: float | None


class Owners:
    """The table of owners, as one process sees it."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        # This process's name.
        self.owner = owner

    async def claim(self, portal: str) -> Claimed | None:
        """Take a portal; ``None`` while it is another's. Raises ``StoreUnavailable``."""
        return await self._database.exchange(lambda connection: self._claim(connection, portal))

    async def renew(self, portals: Collection[str]) -> set[str]:
        """Keep these portals; give those that are this process's still.

        Raises ``StoreUnavailable``.
        """
        row = {"owner": self.owner, "portals": list(portals), "lease": LEASE}

        def work(connection: Connection) -> set[str]:
            connection.execute(_RENEW, row)
            return set(connection.execute(_MINE, row).scalars())

        return await self._database.exchange(work)

    async def release(self, portals: Collection[str]) -> None:
        """Leave these portals to others. Raises ``StoreUnavailable``."""
        row = {"owner": self.owner, "portals": list(portals)}
        await self._database.exchange(lambda connection: connection.execute(_RELEASE, row))

    async def owned(self) -> set[str]:
        """Give the portals that some process looks after. Raises ``StoreUnavailable``."""
        return await self._database.ask(lambda c: set(c.execute(_OWNED).scalars()))

    async def is_owned(self, portal: str) -> bool:
        """Say whether some process looks after this portal. Raises ``StoreUnavailable``."""
        row = {"portal": portal}
        return await self._database.ask(lambda c: bool(c.execute(_IS_OWNED, row).scalar()))

    def _claim(self, connection: Connection, portal: str) -> Claimed | None:
        row = {"portal": portal, "owner": self.owner, "lease": LEASE}
        connection.execute(_PATIENCE)
        before = connection.execute(_BEFORE, row).one_or_none()
        if not connection.execute(_CLAIM, row).rowcount:
            return None
        is_anothers = before is not None and before.owner != self.owner
        return Claimed(before.now - before.until if before and is_anothers else None)
