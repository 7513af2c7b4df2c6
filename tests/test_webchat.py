"""The web chat's page, its files and its feed, without a browser."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from test_sandbox import Desk, bot_desk

from sandbox.web import feed
from sandbox.web.page import STATIC

PATIENCE = 30


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def news(response: ClientResponse) -> Any:
    """The next event of the feed."""
    async with asyncio.timeout(PATIENCE):
        while True:
            line = (await response.content.readline()).decode()
            assert line, "the feed has ended"
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))


async def until(response: ClientResponse, key: str) -> Any:
    """What the feed says of a key, as soon as it does."""
    while key not in (facts := (await news(response))["facts"]):
        pass
    return facts[key]


async def test_nothing_runs_on_the_page_but_its_own_files(desk: Desk) -> None:
    async with desk.http.get(desk.portal.url) as response:
        text, policy = await response.text(), response.headers["Content-Security-Policy"]

    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-src"] == f"'self' {desk.origin}"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|<style", text)
    for path in set(re.findall(r'(?:src|href)="(/[^"#?]+)"', text)):
        async with desk.http.get(desk.portal.url + path) as response:
            assert response.status == 200
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_files_elsewhere_are_not_served(desk: Desk) -> None:
    for path in ("page.py", "..%2Fpage.py", "%2e%2e%2fview.py", "x.js", "index.html%00"):
        async with desk.http.get(f"{desk.portal.url}/web/{path}") as response:
            assert response.status == 404


async def test_an_address_of_the_app_cannot_change_the_policy(desk: Desk) -> None:
    desk.portal.state.app.app_url = "http://a;script-src/app"

    async with desk.http.get(desk.portal.url) as response:
        assert "a;script-src" not in response.headers["Content-Security-Policy"]


def test_the_page_fetches_nothing_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"""["'(]\s*(https?:)?//[a-z]""", text), path.name
        assert "innerHTML" not in text
        assert "eval(" not in text


def test_every_word_is_there_in_both_languages() -> None:
    text = (STATIC / "words.js").read_text("utf-8")
    words = re.compile(r"^  ([a-z_]+): ", re.MULTILINE)
    russian, english = (set(words.findall(part)) for part in text.split("const EN"))
    assert russian == english
    assert len(english) > 50


async def test_the_feed_tells_all_at_first_and_then_what_changes(desk: Desk) -> None:
    async with desk.http.get(f"{desk.portal.url}/web/feed") as response:
        first = await news(response)
        assert first["first"] is True
        assert first["facts"]["chat:8773"]["members"] == [7, 599]
        assert first["facts"]["person:12"]["departments"] == ["Право"]

        number = await desk.say("Добрый день")
        message = await until(response, f"message:{number}")
        assert (message["text"], message["to_customer"]) == ("Добрый день", True)
        assert message["forwarded"] is None
        _, again = await desk.control("messages", chat_id=55, user_id=7, forward=number)
        assert (await until(response, f"message:{again['message_id']}"))["forwarded"] == 7

        await desk.fault(user={"id": 15, "active": False})
        assert (await until(response, "person:15"))["active"] is False


async def test_the_feed_shows_calls_while_they_run_and_those_in_a_batch(desk: Desk) -> None:
    await desk.fault(method="profile", delay=0.5)
    async with desk.http.get(f"{desk.portal.url}/web/feed") as response:
        await news(response)
        call = asyncio.create_task(desk.ask("profile"))
        running = await news(response)
        [(key, fact)] = [item for item in running["facts"].items() if item[0].startswith("call:")]
        assert (fact["method"], fact["status"], fact["fault"]) == ("profile", None, "delay")
        await call
        done = await until(response, key)
        assert (done["status"], done["user"], done["auth"]) == (200, 1, "app")
        assert done["ms"] >= 500
        assert '"ID": "1"' in done["answer"]

        await desk.ask("batch", cmd={"a": "user.current", "b": "no.such"})
        facts = (await news(response))["facts"]
        rows = {int(key[5:]): row for key, row in facts.items() if key.startswith("call:")}
        outer = next(number for number, row in rows.items() if row["method"] == "batch")
        inner = [(row["method"], row["error"]) for row in rows.values() if row["within"] == outer]
        assert inner == [("user.current", None), ("no.such", "ERROR_METHOD_NOT_FOUND")]


async def test_the_feed_tells_no_secrets(desk: Desk) -> None:
    _, page = await desk.control("open", user_id=7)
    await desk.ask("profile", page["fields"]["AUTH_ID"])
    await desk.say("/invite")
    state = desk.portal.state

    async with desk.http.get(f"{desk.portal.url}/web/feed") as response:
        told = json.dumps(await news(response))

    secrets = [page["fields"][name] for name in ("AUTH_ID", "REFRESH_ID", "APPLICATION_TOKEN")]
    for secret in (*secrets, state.app.client_secret, desk.app_token):
        assert secret not in told


async def test_a_reset_takes_everything_away(desk: Desk) -> None:
    number = await desk.say("Добрый день")
    async with desk.http.get(f"{desk.portal.url}/web/feed") as response:
        await news(response)
        await desk.control("reset")
        assert {f"message:{number}", "person:456"} <= set((await news(response))["gone"])


async def test_only_so_many_watch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_WATCHERS", 1)
    url = f"{desk.portal.url}/web/feed"
    async with desk.http.get(url) as one:
        await news(one)
        async with desk.http.get(url) as two:
            assert two.status == 503
