"""POST /bitrix24/install: a portal says that it has the app, by itself or in a frame."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.envelope import Envelope, MalformedEvent
from bot.bitrix24.errors import Bitrix24Error, NoConnection, NoPermission, Refused, Unanswered
from bot.bitrix24.network import origin
from bot.bitrix24.scopes import WANTED
from bot.bitrix24.visits import Visit
from bot.errors import StoreUnavailable
from bot.installing.installation import Installation, NoAuthorizationServer, Unproven
from bot.installing.registration import Registration
from bot.portals.portals import Portal
from bot.portals.preferences import Preferences
from bot.web.callers import ASKING, PROOF, Callers
from bot.web.pages import Pages
from bot.web.requests import Forms

log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "30"}

# Page installation-finish.md and its neighbours: every region has a library of its own.
_LIBRARIES = {
    "https://oauth.bitrix.info": "https://api.bitrix24.com/api/v1/",
    "https://oauth.bitrix24.tech": "https://api.bitrix24.tech/api/v1/",
}

# Nobody looks at a page for ten minutes; whoever presses again goes on where it stopped.
PAGE_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of an installation: done, or failed with something to do about it."""

    name: str
    remedy: str = ""
    code: str = ""


@dataclass(eq=False, slots=True)
class Install:
    """The address that a portal tells of its installation."""

    _forms: Forms
    _callers: Callers
    _installation: Installation
    _registration: Registration
    _preferences: Preferences
    _pages: Pages

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Take an installation, and answer a person with a page, a portal with a line."""
        try:
            posted = await self._forms.read(request)
            with self._callers.admitted(request, ASKING):
                return await self._take(request, posted)
        except (form.MalformedForm, MalformedEvent) as error:
            return web.Response(status=400, text=f"malformed event: {error}\n")

    async def _take(self, request: web.Request, posted: dict[str, Any]) -> web.StreamResponse:
        if "AUTH_ID" in posted:
            return await self._page(request, Visit.read(posted, request.query))
        envelope = Envelope.read(posted)
        if envelope.event != "ONAPPINSTALL":
            return web.Response(status=400, text="this address takes ONAPPINSTALL\n")
        return await self._event(request, envelope)

    async def _event(self, request: web.Request, envelope: Envelope) -> web.Response:
        """Admit a portal: 200, or 403 and 503 with the reason in a line."""
        try:
            if not envelope.auth.application_token.get_secret_value():
                raise Unproven("no application_token")
            portal = await self._installation.admit(envelope.auth)
            self._callers.welcome(request)
            async for stage in self._registration.install(portal):
                log.info("portal %s: %s", portal.member_id, stage)
        except Unproven as error:
            self._refused(request, error)
            return web.Response(status=403, text=f"installation not proven: {error}\n")
        except (Bitrix24Error, StoreUnavailable) as error:
            log.error("an installation could not be finished: %s", error)
            text = f"the installation could not be finished, {_reason(error)}try again\n"
            return web.Response(status=503, text=text, headers=RETRY_AFTER)
        return web.Response(text="installed\n")

    async def _page(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """Admit the portal of who looks, then show them how its bot is set up.

        Why not is shown where the visit says it comes from: there is nothing else on that page.
        """
        language, claimed = self._pages.language(visit.language), visit.claimed_origin
        try:
            portal = await self._installation.admit(visit.auth)
            self._callers.welcome(request)
            await self._preferences.visited(portal.member_id, portal.installer_id, language)
        except Unproven as error:
            self._refused(request, error)
            return await self._pages.notice(error.notice, language, 403, claimed, error.code)
        except (Bitrix24Error, StoreUnavailable) as error:
            log.error("an installation could not be finished: %s", error)
            return await self._pages.notice(_notice(error), language, 503, claimed)
        return await self._pages.stream(
            request,
            "install.html.j2",
            language,
            framed_by=portal.home,
            script=_LIBRARIES.get(origin(portal.server_endpoint), f"{portal.address}/api/v1/"),
            stages=self._stages(portal),
            scopes=WANTED,
        )

    async def _stages(self, portal: Portal) -> AsyncIterator[Stage]:
        yield Stage("proof")
        try:
            async with asyncio.timeout(PAGE_PATIENCE):
                async for name in self._registration.install(portal):
                    yield Stage(name)
        except (Bitrix24Error, StoreUnavailable, TimeoutError) as error:
            log.error("an installation could not be finished: %s", error)
            yield Stage("", *_remedy(error))

    def _refused(self, request: web.Request, error: Unproven) -> None:
        log.warning(
            "an installation is refused: %s, from %s", error, self._callers.address(request)
        )
        self._callers.charge(request, PROOF)


def _notice(error: Exception) -> str:
    match error:
        case NoAuthorizationServer():
            return "install_oauth"
        case NoConnection() | Unanswered():
            return "install_portal"
    return "install_server"


def _reason(error: Exception) -> str:
    """Say in a portal's answer line who is in the way, as far as it is known."""
    match error:
        case NoAuthorizationServer():
            return "the authorization server does not answer, "
        case Refused():
            return f"the portal says {error.code or '(no code)'}, "
        case NoConnection():
            return "the portal does not answer, "
    return ""


def _remedy(error: Exception) -> tuple[str, str]:
    match error:
        case Refused(code="insufficient_scope"):
            return "scopes", error.code
        case Refused(code="BOT_CODE_ALREADY_TAKEN"):
            return "code", error.code
        case Refused(code="BOT_INVALID_CALLBACK" | "ERROR_WRONG_HANDLER_URL"):
            return "address", error.code
        case Refused():
            return "refused", error.code
        case NoPermission():
            return "again", ""
    return "server", ""
