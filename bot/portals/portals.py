"""The portals that have the app, and for a while those that had it."""

import time
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from cachetools import TTLCache
from pydantic import SecretStr
from sqlalchemy import ColumnElement, Row, select, update

from bot.bitrix24.network import origin
from bot.store.cipher import Cipher, fingerprint, same_secret
from bot.store.database import Database
from bot.store.tables import portals

# How long another process may go on with what it knew of a portal.
REMEMBER = 10.0


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal as the authorization server named it, and the bot there: columns of the table.

    ``client_endpoint`` and ``server_endpoint`` end with ``/rest/``. ``application_token`` is empty
    until the portal has told it: older ones give their pages none. ``registered`` tells which
    commands and address the portal knows: a fingerprint, empty before the first registration.
    ``app_code`` is what the portal calls the app. ``trouble`` names what the portal has lost;
    ``said`` what an event has told of it that nobody has confirmed yet.
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
    trouble: str = ""
    said: str = ""

    def is_told_by(self, application_token: SecretStr) -> bool:
        """Say whether an event is for this portal, by the application token that it brings.

        Any will do while the portal's own is not known yet: it is an address and proves nothing.
        """
        if not application_token.get_secret_value():
            return False
        return not self.has_token or same_secret(self.application_token, application_token)

    @property
    def address(self) -> str:
        """Where people open the portal: boxes may have a port, and a path of their own."""
        return self.client_endpoint.removesuffix("/").removesuffix("/rest")

    @property
    def home(self) -> str:
        """The portal's origin, which alone may frame what its people are shown."""
        return origin(self.client_endpoint)

    @property
    def has_token(self) -> bool:
        """Say whether the portal's application token is known."""
        return bool(self.application_token.get_secret_value())


class TokenTaken(Exception):
    """Another portal has this application token."""


class Portals:
    """The table of portals, remembered for some seconds."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        # At most as many as have installed the bot since this process began.
        self._met: set[str] = set()
        self._known: TTLCache[str, Portal] = TTLCache(maxsize=2048, ttl=REMEMBER)
        stays = ("member_id", "installed_at", "bot_id", "registered")
        self._upsert = database.upsert(
            portals, *[one.key for one in portals.columns if one.key not in stays]
        )

    def known(self, member_id: str) -> Portal | None:
        """Give a portal that was looked up a moment ago."""
        return self._known.get(member_id)

    def has_met(self, mark: str) -> bool:
        """Say whether this process has had to do with a portal.

        ``mark`` is its member id, or its host.
        """
        return mark in self._met

    async def find(self, member_id: str) -> Portal | None:
        """Look a portal up by its member id."""
        if portal := self._known.get(member_id):
            return portal
        return await self.fresh(member_id)

    async def fresh(self, member_id: str) -> Portal | None:
        """Look a portal up in the database itself."""
        here = portals.c.left_at.is_(None)
        question = select(portals).where(portals.c.member_id == member_id, here)
        row = await self._database.row(question)
        if row is None:
            return None
        self._known[member_id] = portal = self._portal(row)
        return portal

    async def was_here(self, member_id: str) -> bool:
        """Say whether a portal has the app, or had it not long ago."""
        question = select(portals.c.member_id).where(portals.c.member_id == member_id)
        return await self._database.row(question) is not None

    async def find_by_home(self, host: str, token: SecretStr) -> Portal | None:
        """Look a portal up whose events carry no member id: by its host and its token."""
        found = await self._list(portals.c.application_token_hash == fingerprint(token))
        return next((one for one in found if urlsplit(one.client_endpoint).netloc == host), None)

    async def all(self) -> list[Portal]:
        """List every portal."""
        return await self._list()

    async def said_of(self) -> list[Portal]:
        """List the portals of which something is said that nobody has confirmed yet."""
        return await self._list(portals.c.said != "")

    async def _list(self, *conditions: ColumnElement[bool]) -> list[Portal]:
        here = select(portals).where(*conditions, portals.c.left_at.is_(None))
        question = here.order_by(portals.c.member_id)
        return [self._portal(row) for row in await self._database.rows(question)]

    async def older_selves(self, portal: Portal) -> list[str]:
        """List the member ids under which this portal was known before: those at its address."""
        is_other = portals.c.member_id != portal.member_id
        is_there = portals.c.client_endpoint == portal.client_endpoint
        return [one.member_id for one in await self._list(is_other, is_there)]

    async def save(self, portal: Portal) -> None:
        """Store a portal that installs the app. Raises ``TokenTaken``."""
        for other in await self._with_token(portal):
            if other.client_endpoint != portal.client_endpoint:
                raise TokenTaken
        row = {**asdict(portal), **self._sealed(portal), "trouble": "", "said": "", "left_at": None}
        await self._database.write((self._upsert, [row]))
        self._meet(portal)
        self._known.clear()

    async def learn(self, portal: Portal, application_token: SecretStr) -> None:
        """Note the application token of a portal of which none is known. Raises ``TokenTaken``."""
        learnt = replace(portal, application_token=application_token)
        if await self._with_token(learnt):
            raise TokenTaken
        none_is_known = portals.c.application_token_hash == ""
        await self._set(portal.member_id, none_is_known, **self._sealed(learnt))

    async def _with_token(self, portal: Portal) -> list[Portal]:
        """List the other portals that have this one's application token, if it has any."""
        is_same = portals.c.application_token_hash == _mark(portal.application_token)
        is_other = portals.c.member_id != portal.member_id
        return await self._list(is_same, is_other) if portal.has_token else []

    def _sealed(self, portal: Portal) -> dict[str, Any]:
        """Write the portal's application token as it is stored, with what it is found by."""
        token, place = portal.application_token, token_place(portal.member_id)
        sealed = self._cipher.encrypt(token, place)
        return {"application_token": sealed, "application_token_hash": _mark(token)}

    async def registered(self, member_id: str, bot_id: int, what: str) -> None:
        """Note that the portal knows the bot and its commands."""
        await self._set(member_id, bot_id=bot_id, registered=what, trouble="")

    async def outdated(self, member_id: str) -> None:
        """Note that the portal has to be told of the bot and its commands again."""
        await self._set(member_id, registered="")

    async def installed_by(self, member_id: str, user_id: int) -> None:
        """Note whose token the bot is registered with."""
        await self._set(member_id, installer_id=user_id)

    async def moved(self, member_id: str, client_endpoint: str) -> None:
        """Note a portal's new address."""
        await self._set(member_id, client_endpoint=client_endpoint)

    async def troubled(self, member_id: str, trouble: str) -> None:
        """Note what a portal has lost, so that it has to be told of the bot again."""
        await self._set(member_id, trouble=trouble, registered="")

    async def hear(self, member_id: str, said: str) -> None:
        """Note what is said of a portal until somebody has looked whether it is so."""
        await self._set(member_id, said=said)

    async def heard(self, member_id: str, said: str) -> None:
        """Note that somebody has looked; what has been said meanwhile stays."""
        await self._set(member_id, portals.c.said == said, said="")

    async def left(self, member_id: str) -> None:
        """Note that a portal has removed the app: from now on it is not known any more.

        The bot has gone with it. Should the app come back, it has none until it is registered.
        """
        await self._set(member_id, left_at=time.time(), said="", bot_id=None, registered="")

    async def left_before(self, before: float) -> list[str]:
        """List the portals that left before then, by their member ids."""
        question = select(portals.c.member_id).where(portals.c.left_at < before)
        return [row.member_id for row in await self._database.rows(question)]

    def _meet(self, portal: Portal) -> None:
        self._met |= {portal.member_id, urlsplit(portal.client_endpoint).netloc}

    async def _set(self, member_id: str, *conditions: ColumnElement[bool], **values: Any) -> None:
        this = update(portals).where(portals.c.member_id == member_id, *conditions)
        await self._database.write((this.values(**values), []))
        self._known.pop(member_id, None)

    def _portal(self, row: Row[Any]) -> Portal:
        """Read a portal off its row; from now on this process has met it."""
        stored = {field.name: getattr(row, field.name) for field in fields(Portal)}
        token = self._cipher.decrypt(row.application_token, token_place(row.member_id))
        portal = Portal(**{**stored, "application_token": token})
        self._meet(portal)
        return portal


def token_place(member_id: str) -> str:
    """Name the place that a portal's application token is bound to."""
    return f"portal/{member_id}"


def _mark(token: SecretStr) -> str:
    """Give what a portal is found by that has this token; nothing where there is none."""
    return fingerprint(token) if token.get_secret_value() else ""
