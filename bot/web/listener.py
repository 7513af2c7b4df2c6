"""The port: how many may be connected, and who goes when there are too many."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

# Above the first number a new connection makes another one end, above the second it is refused.
MANY, MOST = 1_000, 1_500

# Proxies keep connections open for a minute or two; nobody else needs them for so long.
KEEP_ALIVE = 100.0

# Seconds that the rest of a refused body is listened to, and a request under way when we stop.
LINGER = 5.0
SHUTDOWN = 2.0

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nbusy\n"
)


class _TurnedAway(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  # a listener's always is
        transport.write(_FULL)
        transport.close()


class _Door:
    """Makes the protocol of each new connection."""

    def __init__(self, server: web.Server) -> None:
        self._server = server

    def __call__(self) -> asyncio.Protocol:
        connections = self._server.connections
        if len(connections) >= MOST:
            return _TurnedAway()
        if len(connections) >= MANY:
            # An idle one ends at once, a busy one after its request. Where somebody holds
            # hundreds of them open, chance hits his.
            random.choice(connections).close()  # noqa: S311  # nothing secret hangs on it
        return self._server()


@asynccontextmanager
async def listening(
    application: web.Application, port: int, host: str | None = None
) -> AsyncIterator[int]:
    """Serve while the block lasts, and give the port; leaving lets requests under way finish."""
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
    listener = await loop.create_server(_Door(runner.server), host, port, backlog=1024)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await runner.cleanup()
