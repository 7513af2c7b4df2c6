"""What stands at which address."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from stage import ON_SQLITE

from bot.settings import Settings
from bot.web.application import close, serving

Client = TestClient[Any, Any]
Browse = Callable[[web.Application], Awaitable[Client]]


@pytest.fixture
async def browser(settings: Settings, aiohttp_client: Browse) -> AsyncIterator[Client]:
    async with serving(settings) as application:
        client = await aiohttp_client(application)
        yield client
        await client.close()


@ON_SQLITE
async def test_each_address_takes_its_method_alone(browser: Client) -> None:
    for address in ("/healthz", "/readyz", "/bitrix24/connect", "/bitrix24/oauth"):
        assert (await browser.post(address)).status == 405
    for address in ("/bitrix24/events", "/bitrix24/install"):
        assert (await browser.get(address)).status == 405
    assert (await browser.get("/bitrix24")).status == 404


@ON_SQLITE
async def test_no_answer_names_a_version(browser: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", browser.port)
    writer.write(b"no HTTP at all\r\n\r\n")
    broken = (await reader.read()).decode()
    writer.close()

    headers = [(await browser.get(one)).headers["Server"] for one in ("/", "/nowhere", "/healthz")]

    assert headers == ["switchboard"] * 3
    assert broken.startswith("HTTP/1.")
    assert "Server: switchboard\r\n" in broken


@ON_SQLITE
async def test_a_bot_that_stops_is_alive_and_not_ready(browser: Client) -> None:
    assert (await browser.get("/readyz")).status == 200

    close(browser.app)

    assert (await browser.get("/healthz")).status == 200
    assert (await browser.get("/readyz")).status == 503
    stopping = await browser.post("/bitrix24/events", data={"event": "ONIMBOTV2COMMANDADD"})
    assert stopping.status == 503
    assert stopping.headers["Retry-After"]
