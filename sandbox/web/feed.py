"""Live updates of the web chat, as server-sent events."""

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from sandbox.errors import ControlRefused
from sandbox.keys import STATE
from sandbox.web.view import view

MOST_WATCHERS = 50
_WATCHERS = web.AppKey("_WATCHERS", set[object])
_TOGETHER = 0.05  # what happens within this time travels together
_KEEP_ALIVE = 15.0


def add_routes(app: web.Application) -> None:
    """Put the feed into an application."""
    app[_WATCHERS] = set()
    app.router.add_get("/web/feed", feed)


async def feed(request: web.Request) -> web.StreamResponse:
    """The whole view at first, then what has changed in it and what is gone."""
    watchers, watcher = request.app[_WATCHERS], object()
    if len(watchers) >= MOST_WATCHERS:
        raise ControlRefused("too many are watching", 503)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    watchers.add(watcher)
    try:
        with suppress(ConnectionError):
            await _tell(request, response)
    finally:
        watchers.discard(watcher)
    return response


async def _tell(request: web.Request, response: web.StreamResponse) -> None:
    state = request.app[STATE]
    known: dict[str, str] = {}
    first, beat = True, 0
    while True:
        now = view(state)
        changed = {key: fact for key, fact in now.items() if known.get(key) != fact}
        gone = [key for key in known if key not in now]
        if first or changed or gone:
            await response.write(_event(changed, gone, first=first))
        first, known = False, now
        try:
            beat = await asyncio.wait_for(state.pulse.after(beat), _KEEP_ALIVE)
            await asyncio.sleep(_TOGETHER)
        except TimeoutError:
            await response.write(b": still here\n\n")


def _event(changed: dict[str, str], gone: list[str], *, first: bool) -> bytes:
    facts = ", ".join(f"{json.dumps(key)}: {fact}" for key, fact in changed.items())
    flag = "true" if first else "false"
    data = f'{{"first": {flag}, "gone": {json.dumps(gone)}, "facts": {{{facts}}}}}'
    return f"data: {data}\n\n".encode(errors="replace")
