"""An app that says it was installed, and the proof of it.

Nothing of the request is trusted but the refresh token, and that only as far as an allowed
authorization server renews it: the answer tells the portal, its address and the owner. The
owner must be an administrator there.
"""

import logging
import time
from typing import Any

from pydantic import SecretStr

from bot.bitrix24.calls import Address, Call
from bot.bitrix24.client import Client
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import Auth
from bot.bitrix24.oauth import APP_UNKNOWN, ForeignServer, Grant, OAuth
from bot.settings import is_safe_origin
from bot.store.portals import Portal, Portals, TokenTaken
from bot.store.tokens import TokenPair, Tokens

log = logging.getLogger(__name__)


class Unproven(Exception):
    """The installation is not proven; the message says what is missing, without secrets."""


class NotAdministrator(Unproven):
    """The tokens are good, and their owner may not install apps."""

    def __init__(self) -> None:
        super().__init__("the owner of the token is no administrator")


class AppUnknown(Unproven):
    """The authorization server does not take the app's own id and secret."""

    def __init__(self) -> None:
        super().__init__("the authorization server does not take the app's secret, or its id")


class Installation:
    """Admits portals."""

    def __init__(self, client: Client, oauth: OAuth, portals: Portals, tokens: Tokens) -> None:
        self._client = client
        self._oauth = oauth
        self._portals = portals
        self._tokens = tokens

    async def admit(self, auth: Auth) -> Portal:
        """Prove an installation and store its portal.

        Raises ``Unproven``; ``Unreachable`` where nobody could be asked; ``StoreUnavailable``.
        """
        if not auth.application_token.get_secret_value():
            raise Unproven("no application_token")
        grant = await self._grant(auth)
        portal = await self._portal(grant, auth.application_token)
        pair = TokenPair(grant.access_token, grant.refresh_token)
        try:
            await self._portals.save(portal)
        except TokenTaken:
            raise Unproven("another portal has this application_token") from None
        await self._tokens.connect(portal.member_id, portal.installer_id, pair)
        log.info("portal %s is installed", portal.member_id)
        return portal

    async def _grant(self, auth: Auth) -> Grant:
        if auth.refresh_token is None:
            raise Unproven("no refresh_token")
        try:
            grant = await self._oauth.refresh(auth.server_endpoint, auth.refresh_token)
        except ForeignServer:
            raise Unproven("an authorization server that is not allowed") from None
        except Refused as refused:
            if refused.code == APP_UNKNOWN:
                raise AppUnknown from None
            raise Unproven(f"the authorization server says {refused.code}") from None
        if not is_safe_origin(grant.client_endpoint):
            raise Unproven("the portal's address is not https")
        if auth.member_id and auth.member_id != grant.member_id:
            raise Unproven("the token is another portal's")
        return grant

    async def _portal(self, grant: Grant, application_token: SecretStr) -> Portal:
        if grant.user_id is None:
            raise Unproven("the authorization server does not name the owner")
        app_code = await self._app_code(grant)
        known = await self._portals.fresh(grant.member_id)
        return Portal(
            member_id=grant.member_id,
            client_endpoint=grant.client_endpoint,
            server_endpoint=grant.server_endpoint,
            application_token=application_token,
            installer_id=grant.user_id,
            bot_id=known.bot_id if known else None,
            registered=known.registered if known else "",
            installed_at=known.installed_at if known else time.time(),
            app_code=app_code,
        )

    async def _app_code(self, grant: Grant) -> str:
        """Have the portal say that the owner is an administrator, and what it calls the app."""
        if await self._ask(grant, Call("user.admin")) is not True:
            raise NotAdministrator
        info = await self._ask(grant, Call("app.info"))
        return app_code(info)

    async def _ask(self, grant: Grant, call: Call) -> Any:
        address = Address(grant.member_id, grant.client_endpoint)
        try:
            return await self._client.call(address, grant.access_token, call)
        except Refused as refused:
            raise Unproven(f"the portal says {refused.code}") from None


def app_code(info: Any) -> str:
    """Read what a portal calls the app off an answer of ``app.info``."""
    return f"{info.get('ID')}/{info.get('CODE')}"[:255] if isinstance(info, dict) else ""
