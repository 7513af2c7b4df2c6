"""The two servers of a stand-in portal, side by side in one process."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import web

from sandbox import authorize, oauth
from sandbox.control import acts, appcard, faults, frames, looks
from sandbox.courier import Courier
from sandbox.errors import ControlRefused
from sandbox.keys import COURIER, STATE
from sandbox.rest import http as rest
from sandbox.seed import plant
from sandbox.state import SCOPES, Settings, State
from sandbox.web import feed, page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Portal:
    """A running portal: its two addresses and its live state."""

    url: str
    oauth_url: str
    state: State
    courier: Courier


@asynccontextmanager
async def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    oauth_port: int = 0,
    member_id: str = Settings.member_id,
    client_id: str = Settings.client_id,
    client_secret: str = Settings.client_secret,
    application_token: str | None = None,
    scopes: Iterable[str] = SCOPES,
    bucket_size: float = Settings.bucket_size,
    bucket_rate: float = Settings.bucket_rate,
) -> AsyncIterator[Portal]:
    """Run a portal while the block lasts; port 0 is a free one.

    Without an `application_token` the portal makes up its own.
    """
    settings = Settings(
        member_id=member_id,
        client_id=client_id,
        client_secret=client_secret,
        application_token=application_token or secrets.token_hex(16),
        scopes=tuple(scopes),
        bucket_size=bucket_size,
        bucket_rate=bucket_rate,
    )
    state = State(settings, plant)
    courier = Courier(state)
    async with (
        _serving(_portal(state, courier), host, port) as state.url,
        _serving(_authorization_server(state), host, oauth_port) as state.oauth_url,
        _working(courier),
    ):
        yield Portal(state.url, state.oauth_url, state, courier)


def _portal(state: State, courier: Courier) -> web.Application:
    app = web.Application(middlewares=[_pulse, _control_errors], client_max_size=rest.MOST_BYTES)
    app[STATE] = state
    app[COURIER] = courier
    for method in ("GET", "POST"):
        app.router.add_route(method, "/rest/{method:.+}", rest.answer)
    for part in (authorize, acts, appcard, faults, frames, looks, feed, page):
        part.add_routes(app)
    return app


def _authorization_server(state: State) -> web.Application:
    app = web.Application(middlewares=[_pulse], client_max_size=oauth.MOST_BYTES)
    app[STATE] = state
    oauth.add_routes(app)
    return app


@web.middleware
async def _pulse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a request has changed, those who watch are told."""
    try:
        return await handler(request)
    finally:
        request.app[STATE].pulse.beat()


@web.middleware
async def _control_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ControlRefused as refused:
        return web.json_response({"error": str(refused)}, status=refused.status)


@asynccontextmanager
async def _serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve; a request that still hangs (a delayed one) does not hold up the end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = runner.addresses[0]
        yield f"http://{address[0]}:{address[1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _working(courier: Courier) -> AsyncIterator[None]:
    task = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
