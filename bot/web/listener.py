"""The port: how many may be connected, and who goes when there are too many."""

import asyncio
import random
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from aiohttp import web, web_response
from aiohttp.typedefs import Handler

# As many may be connected, where the system lets the process have twice as many files.
MOST = 1_500

# Proxies keep connections open for a minute or two; nobody else needs them for so long.
KEEP_ALIVE = 100.0

# Seconds that the rest of a refused body is listened to, and a request under way when we stop.
LINGER = 5.0
SHUTDOWN = 2.0

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nbusy\n"
)


# Else every answer names the versions of Python and aiohttp, those to what is no HTTP, too.
web_response.SERVER_SOFTWARE = "switchboard"  # type: ignore[attr-defined]


def most_connections() -> int:
    """Say how many may be connected."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST, files // 2) if files > 0 else MOST


class _TurnedAway(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A listener's transport can write; uvloop's is of a class of its own.
        writing = cast(asyncio.WriteTransport, transport)
        writing.write(_FULL)
        writing.close()


class _Door:
    """Makes the protocol of each new connection; knows which have a request under way."""

    def __init__(self) -> None:
        self._busy: set[web.RequestHandler] = set()
        self._most = most_connections()
        self._many = self._most * 2 // 3

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Carry a request out."""
        self._busy.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._busy.discard(request.protocol)

    def open(self, server: web.Server) -> asyncio.Protocol:
        """Let somebody in, or turn them away."""
        # Those who have gone stay on the list until the rest of their request has been given up.
        connections = [one for one in server.connections if one.transport is not None]
        if len(connections) >= self._most:
            return _TurnedAway()
        if len(connections) >= self._many:
            # Where somebody holds hundreds of them open, chance hits theirs.
            connection = random.choice(connections)  # noqa: S311  # nothing secret hangs on it
            if connection not in self._busy:
                connection.force_close()
        return server()


@asynccontextmanager
async def listening(
    application: web.Application, port: int, host: str | None = None
) -> AsyncIterator[int]:
    """Serve while the block lasts, and give the port; leaving lets requests under way finish."""
    door = _Door()
    application.middlewares.append(door.count)
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=SHUTDOWN,
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGER,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101  # setup has made it
    loop = asyncio.get_running_loop()
    enter = partial(door.open, runner.server)
    listener = await loop.create_server(enter, host, port, backlog=1024)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await runner.cleanup()
