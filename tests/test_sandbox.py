"""The stand-in portal as a whole, and the desk from which the other tests work it."""

import asyncio
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, web

from sandbox import phpform
from sandbox.server import Portal, running

PATIENCE = 30


class Desk:
    """Works a portal by HTTP alone, and hears the events it sends."""

    def __init__(self, portal: Portal, http: ClientSession, origin: str) -> None:
        self.portal = portal
        self.http = http
        self.origin = origin
        self.heard: asyncio.Queue[tuple[str, dict[str, Any], dict[str, str]]] = asyncio.Queue()
        self.app_token = ""
        self.answer_with = 200
        self.gate = asyncio.Event()  # the handler answers when it is open
        self.gate.set()

    async def event(self, name: str = "") -> dict[str, Any]:
        """The next event; of that name, when one is given."""
        async with asyncio.timeout(PATIENCE):
            while True:
                body, event, _headers = await self.heard.get()
                if name in ("", event["event"]):
                    return {**event, "body": body}

    async def control(self, path: str, **asked: Any) -> tuple[int, Any]:
        async with self.http.post(f"{self.portal.url}/sandbox/{path}", json=asked) as response:
            return response.status, await response.json()

    async def fault(self, **asked: Any) -> None:
        assert await self.control("faults", **asked) == (200, {"ok": True})

    async def look(self, path: str) -> Any:
        async with self.http.get(f"{self.portal.url}/sandbox/{path}") as response:
            assert response.status == 200
            return await response.json()

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """What is to be seen there, as soon as it is so."""
        async with asyncio.timeout(PATIENCE):
            while not holds(found := await self.look(path)):
                pass
            return found

    async def say(self, text: str, user: int = 7, chat: int = 8773, **more: Any) -> int:
        status, body = await self.control("messages", chat_id=chat, user_id=user, text=text, **more)
        assert status == 201, body
        return int(body["message_id"])

    async def whisper(self, text: str, user: int = 7) -> int:
        status, body = await self.control("messages", dialog="bot", user_id=user, text=text)
        assert status == 201, body
        return int(body["message_id"])

    async def message(self, number: int, chat: int = 8773) -> dict[str, Any]:
        messages = (await self.look(f"chats/{chat}"))["messages"]
        return next(message for message in messages if message["id"] == number)

    async def rest(self, method: str, token: str = "", **params: Any) -> tuple[int, Any]:
        url = f"{self.portal.url}/rest/{method}"
        async with self.http.post(url, json={**params, "auth": token}) as response:
            return response.status, await response.json()

    async def ask(self, method: str, token: str = "", **params: Any) -> Any:
        """The result of a call that has to succeed."""
        status, body = await self.rest(method, token or self.app_token, **params)
        assert status == 200, body
        return body["result"]

    async def refusal(self, method: str, token: str = "", **params: Any) -> tuple[int, str, str]:
        """Status, code and text of a call that has to be refused."""
        status, body = await self.rest(method, token or self.app_token, **params)
        assert "error" in body, body
        return status, body["error"], body["error_description"]

    async def token(self, user: int) -> str:
        """An access token of the user's, as the app's page gets it."""
        status, page = await self.control("open", user_id=user)
        assert status == 200, page
        return str(page["fields"]["AUTH_ID"])

    async def install(self) -> dict[str, Any]:
        status, body = await self.control(
            "install",
            handler=f"{self.origin}/install",
            app=f"{self.origin}/app",
            redirect=f"{self.origin}/oauth",
        )
        assert (status, body) == (200, {"status": 200})
        event = await self.event("ONAPPINSTALL")
        self.app_token = event["auth"]["access_token"]
        return event

    async def add_bot(self, code: str = "helper", **fields: Any) -> int:
        usual = {
            "code": code,
            "isSupportOpenline": True,
            "eventMode": "webhook",
            "webhookUrl": f"{self.origin}/events",
            "properties": {"name": "Бот"},
        }
        answer = await self.ask("imbot.v2.Bot.register", fields=usual | fields)
        return int(answer["bot"]["id"])

    async def add_command(self, name: str, bot: int = 456, **fields: Any) -> int:
        usual = {"command": name, "title": {"ru": name}, "common": True}
        answer = await self.ask("imbot.v2.Command.register", botId=bot, fields=usual | fields)
        return int(answer["command"]["id"])

    async def sent(self) -> list[str]:
        """The names of the events put on their way so far."""
        return [row["event"] for row in await self.look("deliveries")]


@asynccontextmanager
async def desk_open(**options: Any) -> AsyncIterator[Desk]:
    """A portal, and a handler beside it."""
    async with running(**options) as portal, ClientSession() as http:
        app = web.Application()
        runner = web.AppRunner(app, access_log=None)
        desk = Desk(portal, http, "")

        async def hear(request: web.Request) -> web.Response:
            body = await request.text()
            heard = (body, phpform.decode(body), dict(request.headers))
            desk.heard.put_nowait(heard)
            await desk.gate.wait()
            return web.Response(status=desk.answer_with)

        app.router.add_post("/{path:.*}", hear)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        desk.origin = "http://{}:{}".format(*runner.addresses[0][:2])
        try:
            yield desk
        finally:
            await runner.cleanup()


@asynccontextmanager
async def bot_desk(*commands: str, **options: Any) -> AsyncIterator[Desk]:
    """A portal with the app installed, a bot 456 and its common commands."""
    async with desk_open(bucket_size=10_000, **options) as desk:
        await desk.install()
        await desk.add_bot()
        for command in commands:
            await desk.add_command(command)
        yield desk


async def test_starts_at_once_and_knows_its_addresses() -> None:
    began = time.process_time()
    async with running() as portal:
        assert time.process_time() - began < 0.5
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", portal.url)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", portal.oauth_url)
        assert portal.url != portal.oauth_url


async def test_two_portals_know_nothing_of_each_other() -> None:
    async with bot_desk("invite", member_id="a" * 32) as one, desk_open(member_id="b" * 32) as two:
        await one.say("/invite me")

        assert await two.look("calls") == []
        assert await two.look("deliveries") == []
        assert (await two.look("chats/8773"))["messages"] == []
        assert (await two.rest("profile", one.app_token))[1]["error"] == "NO_AUTH_FOUND"


async def test_the_seed_is_the_fixtures_of_the_acceptance_list() -> None:
    async with desk_open() as desk:
        people = {user["id"]: user for user in await desk.look("users")}
        chats = {chat["id"]: chat for chat in await desk.look("chats")}

        assert people.keys() >= {1, 3, 7, 12, 15, 18, 21, 33, 41, 599}
        assert people[12]["name"] == people[41]["name"] == "Иван Петров"
        assert not people[33]["active"]
        assert (people[18]["kind"], people[599]["kind"]) == ("extranet", "connector")
        assert chats.keys() >= {8773, 8774, 9001, 8800, 55, 60, 1439}
        assert chats[8773]["members"] == [7, 599]
        assert chats[8773]["entity_data_2"] == "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288"
        assert chats[9001]["entity_data_2"] == "LEAD|0|COMPANY|0|CONTACT|0|DEAL|0"
        assert (chats[60]["entity_type"], chats[60]["entity_id"]) == ("SONET_GROUP", "15")
        assert (chats[1439]["entity_type"], chats[1439]["entity_id"]) == ("CRM", "DEAL|288")


async def test_reset_brings_the_seed_back() -> None:
    async with bot_desk("invite") as desk:
        await desk.say("hello")
        await desk.fault(user={"id": 12, "active": False})
        await desk.fault(method="*", times=None, error={"status": 503, "code": "X"})

        assert await desk.control("reset") == (200, {"ok": True})

        assert (await desk.look("chats/8773"))["messages"] == []
        assert await desk.look("calls") == []
        assert {u["id"]: u for u in await desk.look("users")}[12]["active"]
        assert (await desk.refusal("profile"))[1] == "NO_AUTH_FOUND"
        await desk.install()
        assert await desk.add_bot() == 456


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("messages", {"chat_id": 1, "user_id": 7, "text": "x"}, 404),
        ("messages", {"chat_id": 8773, "user_id": 999, "text": "x"}, 404),
        ("messages", {"chat_id": 8773, "user_id": 12, "text": "x"}, 403),
        ("messages", {"chat_id": 8773, "user_id": 7, "text": ""}, 400),
        ("messages", {"chat_id": 8773, "user_id": 7, "text": 5}, 400),
        ("messages", {"chat_id": "x", "user_id": 7, "text": "x"}, 400),
        ("messages", {"chat_id": 8773, "user_id": 7, "text": "x", "hidden": "Y"}, 400),
        ("messages", {"dialog": "bot", "user_id": 7, "text": "x"}, 404),
        ("presses", {"message_id": 1, "button": 0, "user_id": 7}, 404),
        ("install", {}, 400),
        ("install", {"handler": "ftp://example.test"}, 400),
        ("install", {"handler": "http://127.0.0.1:1/", "user_id": 18}, 403),
        ("install", {"handler": "http://127.0.0.1:1/"}, 502),
        ("open", {"user_id": 7}, 409),
        ("uninstall", {}, 409),
        ("update", {}, 409),
    ],
)
async def test_wrong_control_requests_are_told_why(
    path: str, asked: dict[str, Any], status: int
) -> None:
    async with desk_open() as desk:
        answered, body = await desk.control(path, **asked)

        assert answered == status
        assert body["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'"x"'])
async def test_malformed_control_bodies_are_refused(body: bytes) -> None:
    async with (
        desk_open() as desk,
        desk.http.post(f"{desk.portal.url}/sandbox/messages", data=body) as response,
    ):
        assert response.status == 400
        assert "error" in await response.json()


async def test_unknown_looks_are_not_found() -> None:
    async with desk_open() as desk:
        for path in ("chats/1", "chats/x", "dialogs/999", "secrets"):
            async with desk.http.get(f"{desk.portal.url}/sandbox/{path}") as response:
                assert response.status in {400, 404}


async def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--port", port, "--oauth-port", "0",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()

    assert process.returncode == 1
    assert said.startswith(b"The portal cannot listen: ")
    assert said.endswith(b"Choose others by --port, --oauth-port.\n")


async def test_the_module_prints_where_it_is() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", "--oauth-port", "0",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines = [(await process.stdout.readline()).decode().split() for _ in range(2)]
        assert [line[0] for line in lines] == ["portal", "oauth"]
        async with (
            ClientSession() as http,
            http.get(f"{lines[0][1]}/sandbox/chats/8773") as response,
        ):
            assert response.status == 200
            assert urlsplit(lines[1][1]).port
    finally:
        process.terminate()
        await process.wait()
