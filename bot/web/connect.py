"""GET /bitrix24/connect and /bitrix24/oauth: a person lets the bot act for him."""

import logging

from aiohttp import web
from pydantic import SecretStr

from bot.connect import Connect, NotConnected, Obstacle
from bot.errors import StoreUnavailable
from bot.web.pages import Pages

log = logging.getLogger(__name__)

# A wrong address is enough for these.
_FROM_ANYBODY = (Obstacle.LINK, Obstacle.STATE)

_STATUS = {Obstacle.PERSON: 403, Obstacle.SERVER: 503}


class Connecting:
    """The two addresses of the connect flow."""

    def __init__(self, connect: Connect, pages: Pages) -> None:
        self._connect = connect
        self._pages = pages

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send who has a link to his portal's authorize page."""
        try:
            address = await self._connect.begin(request.query.get("ticket", ""))
        except NotConnected as reason:
            return await self._refusal(request, reason.obstacle)
        except StoreUnavailable:
            return await self._refusal(request, Obstacle.SERVER)
        headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        raise web.HTTPFound(address, headers=headers)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Take who comes back from there, and say how it went."""
        code, state = SecretStr(request.query.get("code", "")), request.query.get("state", "")
        try:
            home = await self._connect.home(state)
            waited = await self._connect.finish(code, state)
        except NotConnected as reason:
            return await self._refusal(request, reason.obstacle, home)
        except StoreUnavailable:
            return await self._refusal(request, Obstacle.SERVER)
        language = self._pages.preferred(request)
        return await self._pages.show("connected.html.j2", language, framed_by=home, waited=waited)

    async def _refusal(
        self, request: web.Request, obstacle: Obstacle, home: str = ""
    ) -> web.Response:
        if obstacle not in _FROM_ANYBODY:
            log.warning("somebody could not be connected: %s", obstacle)
        return await self._pages.show(
            "notice.html.j2",
            self._pages.preferred(request),
            status=_STATUS.get(obstacle, 400),
            framed_by=home,
            notice=f"connect_{obstacle}",
        )
