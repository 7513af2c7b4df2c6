"""A portal that moves to another address is followed, nobody else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from installing import portals
from stage import ON_SQLITE, Stage, free_port


@pytest.mark.parametrize("tokens", ["normal", "none"])
@pytest.mark.parametrize("left", ["elsewhere", "relative", "itself", "not found", "nobody"])
@ON_SQLITE
async def test_a_portal_that_moves_is_followed(empty_stage: Stage, left: str, tokens: str) -> None:
    stage = empty_stage
    async with old_address(stage) as moves:
        assert await stage.install() == 200
        assert "теперь в этом чате" in await stage.say("/invite id12")
        await moves(left)
        stage.portal.state.url = stage.portal.url
        await stage.faults(events={"tokens": tokens})

        assert "теперь в этом чате" in await stage.say("/invite id15")

    assert portals(stage)[0].client_endpoint == f"{stage.portal.url}/rest/"
    assert len(await stage.get("memberships")) == 2


@ON_SQLITE
async def test_a_portal_that_redirects_everything_is_asked_about_once(stage: Stage) -> None:
    await stage.say("/invite id12")
    before = len(await stage.get("refreshes"))
    await stage.faults(method="*", redirect=f"{stage.portal.url}/bitrix/expired.php", times=None)

    for number in (15, 21, 41):
        await stage.type(f"/invite id{number}")
    await stage.until(lambda: _asked_server(stage, before + 1))
    await stage.faults(clear=True)
    await stage.settled(20)

    assert len(await stage.get("refreshes")) == before + 1


@ON_SQLITE
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


@ON_SQLITE
@pytest.mark.settings(retry_for=0.5)
async def test_nobody_is_followed_to_where_others_could_listen(empty_stage: Stage) -> None:
    stage = empty_stage
    async with old_address(stage) as moves:
        assert await stage.install() == 200
        await stage.say("/invite id12")
        known = portals(stage)[0].client_endpoint
        await moves("nobody")
        stage.portal.state.url = "http://portal.example.test"
        asked = len(await stage.get("refreshes"))

        await stage.type("/invite id15")
        await stage.settled()

    assert portals(stage)[0].client_endpoint == known
    assert len(await stage.get("refreshes")) > asked


@asynccontextmanager
async def visited() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that somebody would like the bot to call."""
    seen: list[str] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"result": True})

    async with serving_at(note) as (address, _):
        yield address, seen


@asynccontextmanager
async def old_address(stage: Stage) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Give the portal an address that it can move from, and say by what is left there."""
    moves: list[str] = []

    async def forward(request: web.Request) -> web.Response:
        url = f"{stage.portal.url}{request.path_qs}"
        if moves == ["not found"]:
            return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
        if moves:
            places = {"relative": "/expired", "itself": f"{request.url.origin()}/expired"}
            return web.Response(status=302, headers={"Location": places.get(moves[0], url)})
        headers = {"Content-Type": request.headers["Content-Type"]}
        async with stage.session.post(url, data=await request.read(), headers=headers) as answer:
            body = await answer.read()
            return web.Response(body=body, status=answer.status, content_type="application/json")

    async with serving_at(forward) as (stage.portal.state.url, site):

        async def move(left: str) -> None:
            moves.append(left)
            if left == "nobody":
                await site.stop()

        yield move


@asynccontextmanager
async def serving_at(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[tuple[str, web.TCPSite]]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port := free_port())
        await site.start()
        yield f"http://127.0.0.1:{port}", site
    finally:
        await runner.cleanup()


async def _asked_server(stage: Stage, times: int = 2) -> bool:
    return len(await stage.get("refreshes")) >= times
