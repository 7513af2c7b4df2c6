"""The portals that have the app."""

from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache
from pydantic import SecretStr
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from bot.store.cipher import Cipher, fingerprint
from bot.store.database import Database
from bot.store.tables import metadata, portals

# How long another process may go on with what it knew of a portal.
REMEMBER = 10.0


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal as the authorization server named it, and the bot there.

    ``client_endpoint`` and ``server_endpoint`` end with ``/rest/``. ``registered`` tells which
    commands and address the portal knows: a fingerprint, empty before the first registration.
    ``app_code`` is what the portal calls the app.
    """

    member_id: str
    client_endpoint: str
    server_endpoint: str
    application_token: SecretStr
    installer_id: int
    bot_id: int | None
    registered: str
    installed_at: float
    app_code: str = ""


class Portals:
    """The table of portals, remembered for some seconds."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        # At most as many as have installed the bot since this process began.
        self._met: set[str] = set()
        self._known: TTLCache[str, Portal] = TTLCache(maxsize=2048, ttl=REMEMBER)
        insert = database.insert
        statement = insert(portals)
        self._upsert = statement.on_conflict_do_update(
            index_elements=["member_id"],
            set_={
                column.name: statement.excluded[column.name]
                for column in portals.columns
                if column.name not in ("member_id", "installed_at", "bot_id", "registered")
            },
        )
        self._register = (
            update(portals)
            .where(portals.c.member_id == bindparam("portal"))
            .values(bot_id=bindparam("bot"), registered=bindparam("what"))
        )

    def known(self, member_id: str) -> Portal | None:
        """Give a portal that was looked up a moment ago."""
        return self._known.get(member_id)

    def has_met(self, mark: str) -> bool:
        """Say whether this process has had to do with a portal.

        ``mark`` is its member id, or the fingerprint of its application token.
        """
        return mark in self._met

    async def find(self, member_id: str) -> Portal | None:
        """Look a portal up by its member id."""
        if portal := self._known.get(member_id):
            return portal
        return await self.fresh(member_id)

    async def fresh(self, member_id: str) -> Portal | None:
        """Look a portal up in the database itself."""
        return await self._one(portals.c.member_id == member_id)

    async def find_by_application_token(self, token: SecretStr) -> Portal | None:
        """Look a portal up by its application token: some events carry no member id."""
        return await self._one(portals.c.application_token_hash == fingerprint(token))

    async def all(self) -> list[Portal]:
        """List every portal."""

        def question(connection: Connection) -> list[Row[Any]]:
            return list(connection.execute(select(portals).order_by(portals.c.member_id)))

        rows = await self._database.read(question)
        for row in rows:
            self._met |= {row.member_id, row.application_token_hash}
        return [self._portal(row) for row in rows]

    async def save(self, portal: Portal) -> None:
        """Store a new portal, or what has changed of a known one."""
        row = {
            "member_id": portal.member_id,
            "client_endpoint": portal.client_endpoint,
            "server_endpoint": portal.server_endpoint,
            "application_token": self._cipher.encrypt(portal.application_token),
            "application_token_hash": fingerprint(portal.application_token),
            "installer_id": portal.installer_id,
            "bot_id": portal.bot_id,
            "registered": portal.registered,
            "app_code": portal.app_code,
            "installed_at": portal.installed_at,
        }
        await self._database.write((self._upsert, [row]))
        self._met |= {portal.member_id, fingerprint(portal.application_token)}
        self._known.pop(portal.member_id, None)

    async def registered(self, member_id: str, bot_id: int, what: str) -> None:
        """Note that the portal knows the bot and its commands."""
        row = {"portal": member_id, "bot": bot_id, "what": what}
        await self._database.write((self._register, [row]))
        self._known.pop(member_id, None)

    async def outdated(self, member_id: str) -> None:
        """Note that the portal has to be told of the bot and its commands again."""
        await self._set(member_id, registered="")

    async def installed_by(self, member_id: str, user_id: int) -> None:
        """Note whose token the bot is registered with."""
        await self._set(member_id, installer_id=user_id)

    async def moved(self, member_id: str, client_endpoint: str) -> None:
        """Note a portal's new address."""
        await self._set(member_id, client_endpoint=client_endpoint)

    async def remove(self, member_id: str, *, with_everything: bool) -> None:
        """Forget a portal that has left: its own row, or whatever there is of it."""
        tables = metadata.sorted_tables if with_everything else [portals]
        of_it = [table for table in tables if "member_id" in table.columns]
        await self._database.write(
            *((delete(table).where(table.c.member_id == member_id), []) for table in of_it)
        )
        self._known.pop(member_id, None)

    async def _set(self, member_id: str, **values: Any) -> None:
        statement = update(portals).where(portals.c.member_id == member_id).values(**values)
        await self._database.write((statement, []))
        self._known.pop(member_id, None)

    async def _one(self, condition: Any) -> Portal | None:
        def question(connection: Connection) -> Row[Any] | None:
            return connection.execute(select(portals).where(condition).limit(1)).first()

        row = await self._database.read(question)
        if row is None:
            return None
        self._met |= {row.member_id, row.application_token_hash}
        self._known[row.member_id] = portal = self._portal(row)
        return portal

    def _portal(self, row: Row[Any]) -> Portal:
        return Portal(
            member_id=row.member_id,
            client_endpoint=row.client_endpoint,
            server_endpoint=row.server_endpoint,
            application_token=self._cipher.decrypt(row.application_token),
            installer_id=row.installer_id,
            bot_id=row.bot_id,
            registered=row.registered,
            installed_at=row.installed_at,
            app_code=row.app_code,
        )
