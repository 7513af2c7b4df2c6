"""GET /healthz and /readyz: is the process alive, and does it take events."""

from aiohttp import web
from sqlalchemy import text

from bot.errors import StoreUnavailable
from bot.store.database import Database


class Health:
    """Answers those who watch the process. ``ready`` turns off when it is about to stop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ready = True

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer 200 while the event loop turns."""
        return web.Response(text="ok\n")

    async def readiness(self, _request: web.Request) -> web.Response:
        """Answer 200 while events are taken and the database answers, else 503."""
        if not self.ready:
            return web.Response(status=503, text="stopping\n")
        try:
            await self._database.read(lambda connection: connection.execute(text("SELECT 1")).all())
        except StoreUnavailable:
            return web.Response(status=503, text="no database\n")
        return web.Response(text="ok\n")
