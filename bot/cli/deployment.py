"""What may be wrong with a deployment itself, looked at before any portal is asked."""

import asyncio
import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
)
from pydantic import SecretStr

from bot import __version__
from bot.bitrix24.errors import Unreachable
from bot.bitrix24.oauth import APP_UNKNOWN, OAuth
from bot.installing.doctor import Check
from bot.portals.portals import Portal
from bot.settings import LOOPBACK, Settings, meant

# What the documentation has in the place of what is each reader's own, and the stand-in portal's.
EXAMPLES = {
    "PUBLIC_URL": re.compile(r"example\.(com|org|net)|your-"),
    "BITRIX24_CLIENT_ID": re.compile(r"0123456789|^local\.switchboard$"),
    "BITRIX24_CLIENT_SECRET": re.compile(r"put-the|^sandbox-secret$"),
    "DATABASE_URL": re.compile(r"user:password@|put-a-password"),
    "ENCRYPTION_KEYS": re.compile(r"put-"),
    "METRICS_TOKEN": re.compile(r"put-"),
}

# Ids of local applications and of those of the market.
_APP_ID = re.compile(r"(local|app)\.[\w.]+")

_PATIENCE = ClientTimeout(total=15)
_MOST_OF_A_PAGE = 64 * 1024


class Deployment:
    """Looks at the settings, and proves what can be proven of them; changes nothing."""

    def __init__(self, settings: Settings, oauth: OAuth, portals: Sequence[Portal]) -> None:
        self._settings = settings
        self._oauth = oauth
        self._portals = portals
        self._at_home = all(is_here(url) for url in settings.bitrix24_oauth_urls)

    async def checks(self, database: str) -> list[Check]:
        """Look at everything. Names: those of ``templates/pages/terminal.j2``."""
        number = len(self._portals)
        remedy = "" if number else "install"
        return [
            Check("version", ok=True, value=__version__),
            Check("database", ok=True, value=database),
            *self._examples(),
            *self._misspelt(os.environ),
            *await asyncio.gather(self._app(), self._address()),
            *self._proxies(),
            Check("portals", ok=number > 0, value=str(number), remedy=remedy),
        ]

    def _examples(self) -> list[Check]:
        """Find what has been left as the documentation has it."""
        if self._at_home:
            # At the stand-in portal the example's own values are the right ones.
            return []
        left = [name for name, it in EXAMPLES.items() if it.search(_held(self._settings, name))]
        return [Check("examples", ok=False, value=", ".join(left), remedy="fill_in")] * bool(left)

    def _misspelt(self, names: Iterable[str]) -> list[Check]:
        """Find names in the environment that may mean a setting; those of the file are refused."""
        unset = Settings.model_fields.keys() - self._settings.model_fields_set
        strange = sorted(name for name in names if name.lower() not in Settings.model_fields)
        found = [f"{one} ({like.upper()}?)" for one in strange if (like := meant(one, unset))]
        return [Check("misspelt", ok=None, value=", ".join(found), remedy="spell")] * bool(found)

    def _proxies(self) -> list[Check]:
        is_proxied = self._settings.public_url.startswith("https")
        if is_proxied and not self._settings.trusted_proxies:
            return [Check("proxies", ok=None, value="0", remedy="proxies")]
        return []

    async def _app(self) -> Check:
        """Have the authorization servers say what they think of the app's id and secret."""
        servers = self._oauth.servers
        opinions = await asyncio.gather(*(self._opinion(one) for one in servers))
        answers = dict(zip(servers, opinions, strict=True))
        if taken := [server for server, code in answers.items() if code == "invalid_grant"]:
            return Check("app", ok=True, value=", ".join(taken))
        if APP_UNKNOWN in opinions:
            mistake = self._mistaken()
            # A server says the same of an app that no portal has installed.
            return Check("app", ok=None if mistake == "untold" else False, remedy=mistake)
        codes = {f"{server} ({code})" if code else server for server, code in answers.items()}
        return Check("app", ok=False, value=", ".join(sorted(codes)), remedy="servers")

    async def _opinion(self, server: str) -> str:
        try:
            return await self._oauth.opinion(server)
        except Unreachable:
            return ""

    def _mistaken(self) -> str:
        """Say which of the two is wrong: the servers answer the same to both."""
        client_id = self._settings.bitrix24_client_id
        if _APP_ID.fullmatch(self._settings.bitrix24_client_secret.get_secret_value()):
            return "swapped"
        if not _APP_ID.fullmatch(client_id):
            return "no_id"
        if not self._portals:
            return "untold"
        named = [portal.app_code.partition("/")[2] for portal in self._portals]
        ids = [name for name in named if _APP_ID.fullmatch(name)]
        return "other_id" if ids and client_id not in ids else "secret"

    async def _address(self) -> Check:
        """Open the bot's own page as Bitrix24 does: by its name, and through what stands before."""
        url = self._settings.public_url
        if is_here(url) and not self._at_home:
            return Check("address", ok=False, value=url, remedy="address_here")
        try:
            async with (
                ClientSession(timeout=_PATIENCE) as session,
                session.get(f"{url}/bitrix24/install", allow_redirects=False) as response,
            ):
                remedy = await self._read(response)
        except (ClientError, OSError, TimeoutError) as error:
            return Check("address", ok=False, value=url, remedy=_unreached(error))
        found = f"{url}, {response.status}" if remedy else url
        return Check("address", ok=not remedy, value=found, remedy=remedy)

    async def _read(self, response: ClientResponse) -> str:
        """Give what is wrong with the answer: it has to be this bot's page, shown in any frame."""
        if 300 <= response.status < 400:
            return "address_redirects"
        if response.status in (502, 503, 504):
            return "address_gateway"
        page = await response.content.read(_MOST_OF_A_PAGE)
        if f"{self._settings.public_url}/bitrix24/install".encode() not in page:
            return "address_other"
        return "address_frames" if "X-Frame-Options" in response.headers else ""


def is_here(url: str) -> bool:
    """Say whether an address leads to this machine or its own network: nobody else comes there."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host in LOOPBACK


def _unreached(error: Exception) -> str:
    match error:
        case ClientConnectorCertificateError() | ClientSSLError():
            return "address_certificate"
        case ClientConnectorDNSError():
            return "address_unknown"
        case TimeoutError():
            return "address_silent"
    return "address_nobody"


def _held(settings: Settings, name: str) -> str:
    """Give what a setting holds, as it was written."""
    value = getattr(settings, name.lower())
    parts = value if isinstance(value, list) else [value]
    plain = [one.get_secret_value() if isinstance(one, SecretStr) else one for one in parts]
    return ",".join(one for one in plain if one)
