"""The authorization server: it makes token pairs, and it alone proves whose they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from yarl import URL

from bot.bitrix24.bodies import UNPACKED, TooLarge, is_packed, parsed, read_small
from bot.bitrix24.errors import Refused, Unreachable, error_of
from bot.bitrix24.network import origin
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import row, text
from bot.bitrix24.token_pair import TokenPair
from bot.figures import FINE, REFUSED, UNREACHABLE, Figures

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:]+")

# Bitrix24's own have some 70 characters.
_Token = Annotated[SecretStr, Field(min_length=1, max_length=1_000)]

# What an authorization server says to a wrong id or a wrong secret of the app.
APP_UNKNOWN = "invalid_client"


class Grant(BaseModel, hide_input_in_errors=True):
    """A token pair with its owner and portal, as the authorization server states them."""

    access_token: _Token
    refresh_token: _Token
    member_id: str = Field(pattern=r"^[!-.0-~]{1,64}$")
    client_endpoint: str = Field(max_length=255)
    server_endpoint: str
    user_id: Annotated[int | None, BeforeValidator(read_number)] = None

    @field_validator("client_endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        """Take an address that means nothing else wherever it is written: in a header, say."""
        url = URL(value)
        is_plain = not (url.user or url.password or url.query_string or url.fragment)
        if not (is_plain and _HOST.fullmatch(url.raw_host or "")):
            raise ValueError("no address of a portal")
        # A method's name is written right behind it.
        return f"{str(url).rstrip('/')}/"

    @property
    def pair(self) -> TokenPair:
        """The token pair by itself."""
        return TokenPair(self.access_token, self.refresh_token)


@dataclass(frozen=True, slots=True)
class AppKeys:
    """What the app is known by at the authorization server."""

    client_id: str
    client_secret: SecretStr


class ForeignServer(Exception):
    """Somebody named an authorization server that is not on the list."""


@dataclass(eq=False, slots=True)
class OAuth:
    """Asks the allowed authorization servers, the first one where none is named, and no others."""

    _session: ClientSession
    _keys: AppKeys
    servers: Sequence[str]
    timeout: float
    _figures: Figures

    @property
    def client_id(self) -> str:
        """What the app is called at the authorization servers."""
        return self._keys.client_id

    async def refresh(self, server_endpoint: str, refresh_token: SecretStr) -> Grant:
        """Renew a pair; the old refresh token is spent. Page: auto-renewal.md.

        Raises ``Refused`` (``invalid_grant``: it is spent or revoked), ``Unreachable`` where
        the server does not answer, or not now; ``ForeignServer``.
        """
        params = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
        try:
            grant = await self._ask(server_endpoint, params)
        except (Refused, ForeignServer, Unreachable) as error:
            is_lost = isinstance(error, Unreachable)
            self._figures.refreshes.add(UNREACHABLE if is_lost else REFUSED)
            raise
        self._figures.refreshes.add(FINE)
        return grant

    async def exchange(self, server_endpoint: str, code: SecretStr) -> Grant:
        """Make an authorization code a pair; it is good once and for 30 seconds.

        Raises as ``refresh``.
        """
        return await self._ask(
            server_endpoint, {"grant_type": "authorization_code", "code": code.get_secret_value()}
        )

    async def opinion(self, server: str) -> str:
        """Ask a server what it thinks of the app's id and secret; nothing is spent.

        The answer to a refresh token that never was: ``invalid_client`` if it does not take the
        two, ``invalid_grant`` if it does. Raises ``Unreachable``.
        """
        made_up = {"grant_type": "refresh_token", "refresh_token": "none"}
        try:
            await self._ask(server, made_up)
        except Refused as refused:
            return refused.code
        return ""

    async def app_of(self, server_endpoint: str, token: SecretStr) -> str:
        """Ask a server which app a token was made for: its ``client_id``, empty if it is not told.

        Raises ``Unreachable``, ``ForeignServer``.
        """
        url = f"{self._server(server_endpoint)}/rest/app.info"
        _status, body = await self._get(url, {"auth": token.get_secret_value()})
        try:
            told = parsed(body)
        except (ValueError, RecursionError):
            return ""
        return text(row(told, "result").get("client_id"))

    def _server(self, server_endpoint: str) -> str:
        server = origin(server_endpoint) if server_endpoint else self.servers[0]
        if server not in self.servers:
            raise ForeignServer
        return server

    async def _ask(self, server_endpoint: str, params: dict[str, str]) -> Grant:
        server = self._server(server_endpoint)
        keys = {
            "client_id": self._keys.client_id,
            "client_secret": self._keys.client_secret.get_secret_value(),
        }
        status, body = await self._get(f"{server}/oauth/token/", {**params, **keys})
        grant = _read(status, body)
        if origin(grant.server_endpoint) in self.servers:
            return grant
        # Of no other server would anybody ever renew the pair.
        return grant.model_copy(update={"server_endpoint": f"{server}/rest/"})

    async def _get(self, url: str, params: dict[str, str]) -> tuple[int, bytes]:
        # What aiohttp raises quotes the address, and the address holds the secrets.
        try:
            async with self._session.get(
                url,
                params=params,
                headers=UNPACKED,
                timeout=ClientTimeout(total=self.timeout),
                allow_redirects=False,
            ) as response:
                if is_packed(response.headers):
                    raise Unreachable("the authorization server's answer is packed")
                return response.status, await read_small(response.content.iter_any())
        except TooLarge:
            raise Unreachable("the authorization server's answer is too long") from None
        except (ClientError, OSError, TimeoutError):
            raise Unreachable("the authorization server does not answer") from None


def _read(status: int, body: bytes) -> Grant:
    try:
        answer = parsed(body)
    except (ValueError, RecursionError):
        raise Unreachable(f"the authorization server is out of order, status {status}") from None
    if isinstance(answer, dict) and "error" in answer:
        error = error_of(answer, status)
        raise error if isinstance(error, Refused) else Unreachable(str(error))
    try:
        return Grant.model_validate(answer)
    except ValidationError:
        raise Unreachable("the authorization server's answer is incomplete") from None
