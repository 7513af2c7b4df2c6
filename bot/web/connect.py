"""GET /bitrix24/connect and /bitrix24/oauth: a person lets the bot act for them."""

import logging
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from pydantic import SecretStr

from bot.bitrix24 import form
from bot.commands.grammar import numbered
from bot.errors import StoreUnavailable
from bot.portals.portals import Portal
from bot.story.connect import Asked, Connect, NotConnected, Obstacle
from bot.web.callers import ASKING, Callers
from bot.web.pages import Pages
from bot.web.requests import Forms

log = logging.getLogger(__name__)

# A wrong address is enough for these.
_FROM_ANYBODY = (Obstacle.LINK, Obstacle.STATE)

_STATUS = {Obstacle.PERSON: 403, Obstacle.RENAMED: 403, Obstacle.SERVER: 503}


@dataclass(eq=False, slots=True)
class Connecting:
    """The addresses of the connect flow."""

    _connect: Connect
    _forms: Forms
    _callers: Callers
    _pages: Pages

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send who has a link to their portal's authorize page."""
        try:
            address = await self._connect.begin(request.query.get("ticket", ""))
        except (NotConnected, StoreUnavailable) as reason:
            return await self._refusal(request, reason)
        headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        raise web.HTTPFound(address, headers=headers)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Take who comes back from there, and say how it went."""
        code, state = SecretStr(request.query.get("code", "")), request.query.get("state", "")
        try:
            with self._callers.admitted(request, ASKING):
                connected = await self._connect.finish(code, state)
        except (NotConnected, StoreUnavailable) as reason:
            return await self._refusal(request, reason)
        language = self._pages.preferred(request)
        return await self._pages.show(
            "connected.html.j2",
            language,
            framed_by=connected.portal.home,
            waited=connected.waited,
            asked=[_shown(connected.portal, one) for one in connected.asked],
        )

    async def consent(self, request: web.Request) -> web.StreamResponse:
        """Take a person's word that they mean the command they were asked about."""
        try:
            posted = await self._forms.read(request)
            home = await self._connect.consent(str(posted.get("consent", "")))
        except form.MalformedForm as error:
            return web.Response(status=400, text=f"malformed form: {error}\n")
        except (NotConnected, StoreUnavailable) as reason:
            return await self._refusal(request, reason)
        language = self._pages.preferred(request)
        return await self._pages.show("consented.html.j2", language, framed_by=home)

    async def _refusal(
        self, request: web.Request, reason: NotConnected | StoreUnavailable
    ) -> web.Response:
        if isinstance(reason, StoreUnavailable):
            reason = NotConnected(Obstacle.SERVER)
        obstacle = reason.obstacle
        if obstacle is Obstacle.CODE:
            self._callers.charge(request)
        if obstacle not in _FROM_ANYBODY:
            log.warning("somebody could not be connected: %s", obstacle)
        language, status = self._pages.preferred(request), _STATUS.get(obstacle, 400)
        return await self._pages.notice(f"connect_{obstacle}", language, status, reason.home)


def _shown(portal: Portal, asked: Asked) -> dict[str, str]:
    """Give what a person is to see of a command before they say that they mean it: all of it."""
    event = asked.button.event if asked.button else asked.command.event
    typed = f"/{event.name} {numbered(event.command.params)}".strip()
    act = asked.button.act if asked.button else None
    return {
        "typed": typed,
        "act": f"/{act.name}" if act and act.name else "",
        "params": act.params if act else "",
        "chat": event.chat.dialog_id,
        "link": f"{portal.address}/online/?{urlencode({'IM_DIALOG': event.chat.dialog_id})}",
        "consent": asked.consent,
    }
