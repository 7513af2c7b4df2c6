"""An app that says it was installed, and the proof of it.

Nothing of the request is trusted but the refresh token, and that only as far as an allowed
authorization server renews it: the answer tells the portal, its address and the owner. The
owner must be an administrator there.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from bot.bitrix24 import batch
from bot.bitrix24.calls import Address
from bot.bitrix24.client import Client
from bot.bitrix24.envelope import Auth
from bot.bitrix24.errors import Bitrix24Error, Forbidden, Refused, Unanswered, Unreachable
from bot.bitrix24.oauth import APP_UNKNOWN, ForeignServer, Grant, OAuth
from bot.bitrix24.ownership import ADMIN, APP, PROFILE, read_app_code, read_owner_id
from bot.portals.portals import Portal, Portals, TokenTaken
from bot.portals.tokens import Tokens
from bot.settings import is_safe_origin

log = logging.getLogger(__name__)


class Unproven(Exception):
    """The installation is not proven; the message says what is missing, without secrets.

    ``notice`` is the key of the words that tell a person what to do; ``code`` is the portal's.
    """

    def __init__(self, message: str, notice: str = "install_proof", code: str = "") -> None:
        super().__init__(message)
        self.notice = notice
        self.code = code


class NoAuthorizationServer(Unreachable):
    """No authorization server answers, so that nothing can be proven."""

    def __init__(self) -> None:
        super().__init__("the authorization server does not answer")


@dataclass(eq=False, slots=True)
class Installation:
    """Admits portals."""

    _client: Client
    _oauth: OAuth
    _portals: Portals
    _tokens: Tokens

    async def admit(self, auth: Auth) -> Portal:
        """Prove an installation and store its portal.

        The pages of older portals bring no application token: what is known is kept, else the
        first proven event brings it.
        Raises ``Unproven``; ``NoAuthorizationServer`` and other ``Bitrix24Error`` where nobody
        could be asked, or gave an answer; ``StoreUnavailable``.
        """
        grant = await self._grant(auth)
        portal = await self._portal(grant, auth.application_token)
        try:
            await self._portals.save(portal)
        except TokenTaken:
            words = "another portal has this application_token"
            raise Unproven(words, "install_copy") from None
        for older in await self._portals.older_selves(portal):
            await self._tokens.forget_portal(older)
            await self._portals.left(older)
        await self._tokens.connect(portal.member_id, portal.installer_id, grant.pair)
        log.info("portal %s is installed", portal.member_id)
        return portal

    async def _grant(self, auth: Auth) -> Grant:
        if auth.refresh_token is None:
            raise Unproven("no refresh_token")
        grant = await self._renewed(auth, auth.refresh_token)
        if not is_safe_origin(grant.client_endpoint):
            raise Unproven("the portal's address is not https", "install_http")
        if auth.member_id and auth.member_id != grant.member_id:
            raise Unproven("the token is another portal's")
        return grant

    async def _renewed(self, auth: Auth, refresh_token: SecretStr) -> Grant:
        """Renew the pair where the request says; older portals do not say, so try every server."""
        found: list[Bitrix24Error] = []
        for server in self._servers(auth):
            try:
                return await self._oauth.refresh(server, refresh_token)
            except ForeignServer:
                raise Unproven("an authorization server that is not allowed") from None
            except Bitrix24Error as error:
                found.append(error)
        codes = [error.code for error in found if isinstance(error, Refused)]
        if not codes:
            raise NoAuthorizationServer
        # One that knows the app tells more than one that does not.
        code = next((code for code in codes if code != APP_UNKNOWN), "")
        if code:
            raise Unproven(f"the authorization server says {code}")
        raise await self._app_unknown(auth)

    async def _app_unknown(self, auth: Auth) -> Unproven:
        """Tell a wrong secret from a wrong id: by the app that the access token was made for."""
        refused = "the authorization server does not take the app's secret"
        unknown = Unproven(f"{refused}, or its id", "install_keys")
        if auth.access_token is None:
            return unknown
        for server in self._servers(auth):
            with suppress(Unreachable):
                app = await self._oauth.app_of(server, auth.access_token)
                if app == self._oauth.client_id:
                    return Unproven(refused, "install_secret")
                if app:
                    words = "the tokens are of another app than that of the app's id"
                    return Unproven(words, "install_id")
        return unknown

    def _servers(self, auth: Auth) -> Sequence[str]:
        return [auth.server_endpoint] if auth.server_endpoint else self._oauth.servers

    async def _portal(self, grant: Grant, application_token: SecretStr) -> Portal:
        owner, app = await self._administrator(grant)
        known = await self._portals.fresh(grant.member_id)
        if known and not application_token.get_secret_value():
            application_token = known.application_token
        return Portal(
            member_id=grant.member_id,
            client_endpoint=grant.client_endpoint,
            server_endpoint=grant.server_endpoint,
            application_token=application_token,
            installer_id=owner,
            bot_id=known.bot_id if known else None,
            registered=known.registered if known else "",
            installed_at=known.installed_at if known else time.time(),
            app_code=app,
        )

    async def _administrator(self, grant: Grant) -> tuple[int, str]:
        """Have the portal say that the owner is an administrator, and what it calls the app."""
        calls = {"who": PROFILE, "admin": ADMIN, "app": APP}
        address = Address(grant.member_id, grant.client_endpoint)
        try:
            answers = await self._client.call(address, grant.access_token, batch.build(calls))
            for answer in answers.values():
                batch.result_of(answer)
        except Forbidden:
            raise Unproven("the portal's address is not public") from None
        except Refused as refused:
            words = f"the portal says {refused.code}"
            raise Unproven(words, "install_refused", refused.code) from None
        owner, code = read_owner_id(answers["who"]), read_app_code(answers["app"])
        if answers["admin"] is False:
            raise Unproven("the owner of the token is no administrator", "install_person")
        if answers["admin"] is not True or not code or owner is None:
            raise Unanswered("the portal does not say who installs which app")
        if grant.user_id not in (owner, None):
            raise Unproven("the portal and the authorization server name different owners")
        return owner, code
