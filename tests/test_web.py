"""What stands at which address."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from stage import ON_SQLITE

from bot.settings import Settings
from bot.web.application import serving

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
    for address in ("/healthz", "/readyz", "/bitrix24/oauth"):
        assert (await browser.post(address)).status == 405
    assert (await browser.get("/bitrix24/events")).status == 405
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
@pytest.mark.parametrize(
    ("language", "field"),
    [("en", ["Initial installation path", "Your handler path"]),
     ("ru", ["Путь для первоначальной установки", "Путь вашего обработчика"])],
)  # fmt: skip
async def test_the_addresses_for_the_portal_say_what_they_are_for(
    browser: Client, settings: Settings, language: str, field: list[str]
) -> None:
    headers = {"Accept-Language": language}
    root = await (await browser.get("/", headers=headers)).text()
    for path, name in zip(("/bitrix24/install", "/bitrix24/app"), field, strict=True):
        for address in (path, f"{path}/"):
            answer = await browser.get(address, headers=headers)
            page = await answer.text()
            assert (answer.status, name in page) == (200, True)
            assert f"<code>{settings.public_url}{path}</code>" in page
        # Entered with a slash at its end, an address is taken all the same.
        statuses = [(await browser.post(one, data={"x": "y"})).status for one in (path, f"{path}/")]
        assert statuses[0] == statuses[1] != 404
        assert f"<dt>{name}</dt>" in root


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "Битрикс24 обращается к нему сам."), ("en", "Bitrix24 calls it by itself.")],
)
@pytest.mark.parametrize("address", ["events", "events/"])
async def test_who_opens_what_is_only_posted_to_is_told_what_to_do(
    browser: Client, address: str, language: str, words: str
) -> None:
    headers = {"Accept-Language": language}

    page = await browser.get(f"/bitrix24/{address}", headers=headers)

    assert (page.status, page.headers["Allow"]) == (405, "POST")
    assert words in await page.text()


@ON_SQLITE
@pytest.mark.parametrize("address", ["events", "install", "app"])
async def test_a_slash_at_the_end_is_the_same_address(browser: Client, address: str) -> None:
    answers = [await browser.post(f"/bitrix24/{address}{slash}", data={}) for slash in ("", "/")]

    assert answers[0].status == answers[1].status != 404
    assert await answers[0].text() == await answers[1].text()


@ON_SQLITE
@pytest.mark.settings(public_url="http://127.0.0.1:1/bots/switchboard")
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_bot_under_a_path_of_a_host_leads_to_its_own_first_page(
    browser: Client, slash: str
) -> None:
    page = await (await browser.get(f"/bitrix24/app{slash}")).text()

    assert 'href="http://127.0.0.1:1/bots/switchboard/"' in page


@ON_SQLITE
@pytest.mark.parametrize("address", ["app", "oauth", "connect"])
async def test_the_forms_of_a_page_with_a_slash_go_where_they_should(
    browser: Client, address: str
) -> None:
    # What they name lies beside the address without one.
    page = await browser.get(f"/bitrix24/{address}/", params={"code": "a b&c", "state": "ё"})

    assert page.url.path == f"/bitrix24/{address}"
    assert dict(page.url.query) == {"code": "a b&c", "state": "ё"}


@ON_SQLITE
async def test_a_bot_that_stops_is_alive_and_not_ready(browser: Client) -> None:
    assert (await browser.get("/readyz")).status == 200

    await browser.app.shutdown()

    assert (await browser.get("/healthz")).status == 200
    assert (await browser.get("/readyz")).status == 503
    stopping = await browser.post("/bitrix24/events", data={"event": "ONIMBOTV2COMMANDADD"})
    assert stopping.status == 503
    assert stopping.headers["Retry-After"]
