"""A portal that moves to another address is followed, nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from installing import portals
from stage import Stage, free_port


async def test_a_portal_that_moves_is_followed(empty_stage: Stage) -> None:
    stage = empty_stage
    async with old_address(stage) as moves:
        assert await stage.install() == 200
        assert "теперь в этом чате" in await stage.say("/invite id12")
        moves.set()
        stage.portal.state.url = stage.portal.url

        assert "теперь в этом чате" in await stage.say("/invite id15")

    assert portals(stage)[0].client_endpoint == f"{stage.portal.url}/rest/"
    assert len(await stage.get("memberships")) == 2


async def test_nobody_is_followed_on_his_own_word(stage: Stage) -> None:
    await stage.say("/invite id12")
    async with visited() as (elsewhere, requests):
        await stage.faults(method="*", redirect=elsewhere, times=None)
        await stage.type("/invite id15")
        await stage.until(lambda: _asked_server(stage))
        await stage.faults(clear=True)
        await stage.settled()

    assert requests == []
    assert portals(stage)[0].client_endpoint == f"{stage.portal.url}/rest/"
    assert len(await stage.get("refreshes")) <= 3


@asynccontextmanager
async def visited() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that somebody would like the bot to call."""
    seen: list[str] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"result": True})

    async with serving_at(note) as address:
        yield address, seen


@asynccontextmanager
async def old_address(stage: Stage) -> AsyncIterator[asyncio.Event]:
    """Give the portal an address that it can move from: then there are redirects only."""
    moves = asyncio.Event()

    async def forward(request: web.Request) -> web.Response:
        url = f"{stage.portal.url}{request.path_qs}"
        if moves.is_set():
            return web.Response(status=302, headers={"Location": url})
        headers = {"Content-Type": request.headers["Content-Type"]}
        async with stage.session.post(url, data=await request.read(), headers=headers) as answer:
            body = await answer.read()
            return web.Response(body=body, status=answer.status, content_type="application/json")

    async with serving_at(forward) as stage.portal.state.url:
        yield moves


@asynccontextmanager
async def serving_at(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port := free_port()).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _asked_server(stage: Stage) -> bool:
    return len(await stage.get("refreshes")) >= 2
