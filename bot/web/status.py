"""GET /healthz, /readyz, /metrics: is the process alive, does it take events, what has it done."""

import logging
from dataclasses import dataclass

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import SecretStr

from bot.errors import StoreUnavailable
from bot.inbox.accepting import Engine, NotReady
from bot.store.cipher import same_secret
from bot.store.database import Database
from bot.store.figures import SharedFigures

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Status:
    """Answers those who watch the process. ``ready`` turns off when it is about to stop.

    Without a ``_token`` set no figures are given to anybody.
    """

    _database: Database
    _engine: Engine
    _figures: SharedFigures
    _token: SecretStr | None
    ready: bool = True

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer 200 while the event loop turns."""
        return web.Response(text="ok\n")

    async def readiness(self, _request: web.Request) -> web.Response:
        """Answer 200 while events are taken and what they ask for can be carried out, else 503."""
        if not self.ready:
            return web.Response(status=503, text="stopping\n")
        try:
            await self._database.check()
        except StoreUnavailable as reason:
            log.warning("not ready: the database takes nothing: %s", reason)
            return web.Response(status=503, text="no database\n")
        try:
            await self._engine.check()
        except NotReady as reason:
            log.warning("not ready: %s", reason)
            return web.Response(status=503, text="commands are not carried out\n")
        return web.Response(text="ok\n")

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer 200 with the figures; 404 where they are off, 401 to a wrong token, 503."""
        if self._token is None:
            return web.Response(status=404, text="no figures: METRICS_TOKEN is not set\n")
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        is_let_in = same_secret(SecretStr(given.strip()), self._token)
        if scheme.lower() != "bearer" or not is_let_in:
            return web.Response(
                status=401,
                text="send the METRICS_TOKEN: Authorization: Bearer …\n",
                headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
            )
        try:
            body = await self._figures.exposition()
        except StoreUnavailable:
            return web.Response(status=503, text="no database\n")
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})
