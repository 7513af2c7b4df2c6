"""GET /healthz and /readyz: is the process alive, and does it take events."""

import logging
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import text

from bot.errors import StoreUnavailable
from bot.inbox.engine import Engine, NotReady
from bot.store.database import Database

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Health:
    """Answers those who watch the process. ``ready`` turns off when it is about to stop."""

    _database: Database
    _engine: Engine
    ready: bool = True

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer 200 while the event loop turns."""
        return web.Response(text="ok\n")

    async def readiness(self, _request: web.Request) -> web.Response:
        """Answer 200 while events are taken and what they ask for can be carried out, else 503."""
        if not self.ready:
            return web.Response(status=503, text="stopping\n")
        try:
            await self._database.read(lambda connection: connection.execute(text("SELECT 1")).all())
        except StoreUnavailable:
            return web.Response(status=503, text="no database\n")
        try:
            await self._engine.check()
        except NotReady as reason:
            log.warning("not ready: %s", reason)
            return web.Response(status=503, text="commands are not carried out\n")
        return web.Response(text="ok\n")
