"""A portal, a bot, and the people who type: what the tests play their scenes on."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from itertools import cycle
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.settings import Settings
from bot.store.database import engine_for
from bot.web.application import serving
from bot.web.listener import listening
from sandbox.model import Message
from sandbox.server import Portal

ADMIN, OLGA, ANNA, IVAN, DRIVER, BOSS = 1, 7, 15, 12, 41, 3
RESPONSIBLE, PAVEL, DINA, CUSTOMER, BOT = 21, 33, 18, 599, 456
CHAT, OTHER_CHAT, UNBOUND, FINISHED, GROUP_CHAT = 8773, 8774, 9001, 8800, 55
# How a private reply names the customer's chat.
LINK = "[CHAT=8773]Клиент - Поддержка[/CHAT]"
GREETINGS = ("👋 Это бот Switchboard", "👋 This is the Switchboard bot")
ADD = "imopenlines.crm.chat.user.add"
ANSWER = "imbot.v2.Command.answer"
SEND = "imbot.v2.Chat.Message.send"
CLIENT_ID, CLIENT_SECRET = "local.switchboard", "a-client-secret-of-the-tests"
KEY = "C6zJvl0NfxCQvA5jXtDJtUG3RVd5m6oc0BYtPQQm4bE="

CARD = {"handler": "install", "app": "app", "redirect": "oauth"}

# For tests of what does not hang on the database, or hangs on one kind of it.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

# For scenes of more commands than the portal's pace has room for.
UNHURRIED = pytest.mark.settings(portal_bucket=10**6)

# How long anything may take on a machine that has much else to do.
PATIENCE = 40.0


class Stage:
    """Speaks to the portal as people do, and looks at what everybody saw."""

    def __init__(self, portal: Portal, settings: Settings, session: ClientSession) -> None:
        self.portal = portal
        self.settings = settings
        self.session = session
        self.engine = engine_for(settings.database_url.get_secret_value())

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        async with self.session.post(f"{self.portal.url}/sandbox/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.portal.url}/sandbox/{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def install(self, **more: Any) -> int:
        address = f"{self.settings.public_url}/bitrix24"
        card = {name: f"{address}/{path}" for name, path in CARD.items()}
        return (await self.post("install", {**card, **more}))["status"]

    def seat_the_bot(self) -> None:
        """Make the bot a member of every open-line chat, as operators do who bring it in."""
        for chat in self.portal.state.chats.values():
            if chat.entity_type == "LINES":
                chat.members.append(BOT)

    async def faults(self, **fault: Any) -> None:
        await self.post("faults", fault)

    async def type(
        self, words: str, *, user: int = OLGA, chat: int = CHAT, hidden: bool = True
    ) -> int:
        body = {"chat_id": chat, "user_id": user, "text": words, "hidden": hidden}
        return (await self.post("messages", body))["message_id"]

    async def whisper(self, words: str, *, user: int = OLGA) -> int:
        """Type in the private talk with the bot."""
        body = {"dialog": "bot", "user_id": user, "text": words}
        return (await self.post("messages", body))["message_id"]

    async def say(self, words: str, **how: Any) -> str:
        """Type a command and give what the bot said to it, wherever it said it."""
        before = await self.heard()
        await self.type(words, **how)
        await self.settled()
        return "\n".join((await self.heard())[len(before) :])

    async def heard(self, user: int = OLGA) -> list[str]:
        """Everything the bot has said, oldest first: in the chats and privately to a user."""
        chats = self.portal.state.chats.values()
        said = {
            message.id: message.text
            for chat in chats
            if chat.kind != "private"
            for message in chat.messages
            if "Switchboard" in message.text or message.author_id == BOT
        }
        said |= {one.id: one.text for one in self._privately(user)}
        told = [_plain(said[number]) for number in sorted(said)]
        return [one for one in told if not one.startswith(GREETINGS)]

    async def told_privately(self, user: int = OLGA) -> list[str]:
        """What the bot has told a user, but for the greeting at the beginning."""
        said = [_plain(one.text) for one in self._privately(user)]
        return [one for one in said if not one.startswith(GREETINGS)]

    def _privately(self, user: int) -> list[Message]:
        talk = self.portal.state.private_chat(BOT, user)
        return [one for one in talk.messages if one.author_id == BOT] if talk else []

    async def chat(self, number: int = CHAT) -> dict[str, Any]:
        return await self.get(f"chats/{number}")

    async def members(self, number: int = CHAT) -> list[int]:
        """Who is in a chat besides the bot."""
        return [one for one in (await self.chat(number))["members"] if one != BOT]

    async def joined(self, person: int, chat: int = CHAT) -> None:
        """Wait until somebody is in a chat."""

        async def is_there() -> bool:
            return person in await self.members(chat)

        await self.until(is_there)

    async def calls(self, *methods: str) -> list[dict[str, Any]]:
        """The REST calls of these methods (of all, where none is named), oldest first."""
        calls = await self.get("calls")
        return [one for one in calls if not methods or one["method"] in methods]

    async def requests(self, since: int = 0) -> list[str]:
        """The HTTP requests the portal got: calls that are not the inside of a batch."""
        return [one["method"] for one in (await self.calls())[since:] if not one["batch"]]

    async def settled(self, patience: float = PATIENCE) -> None:
        """Wait until every event has arrived and everything accepted is answered."""
        await self.until(self._is_settled, patience)

    async def until(
        self, fact: Callable[[], Any], patience: float = PATIENCE, pause: float = 0.02
    ) -> None:
        deadline = time.monotonic() + patience
        while not await fact():
            assert time.monotonic() < deadline, "it did not come to pass"
            await asyncio.sleep(pause)
            pause = min(0.05, 1.2 * pause)

    async def _is_settled(self) -> bool:
        return self.arrived() and not self.waiting()

    def arrived(self) -> bool:
        """Say whether every event has been answered, or has found nobody."""
        deliveries = self.portal.state.journal.deliveries
        return all(one["status"] is not None or one["error"] for one in deliveries)

    def waiting(self) -> int:
        """How many commands are neither answered nor wait for their requester's permission."""
        question = "SELECT count(*) FROM inbox WHERE done_at IS NULL AND parked_until IS NULL"
        return self.count(question)

    def stored(self) -> int:
        """How many commands the inbox has taken."""
        return self.count("SELECT count(*) FROM inbox")

    def bots_token(self) -> dict[str, str]:
        """What the portal puts into an event for the bot alone: it proves that event genuine."""
        pair = self.portal.state.tokens.issue(BOT, "bot")
        told = {"access_token": pair.access, "refresh_token": pair.refresh, "user_id": BOT}
        return {f"data[bot][auth][{name}]": str(value) for name, value in told.items()}

    def count(self, question: str) -> int:
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(question).scalar_one()


def _plain(words: str) -> str:
    """Cut the bot's name off that the portal puts before an internal line."""
    return words.removeprefix(f"[USER={BOT}]Switchboard[/USER]\n ")


# Ports below those that outgoing connections are given, and how many a test process has.
_ALL, _EACH = range(20_000, 32_000), 200


@cache
def _ports() -> Iterator[int]:
    """Give this process's own ports: whoever else runs tests here takes others."""
    starts = list(_ALL[::_EACH])
    random.shuffle(starts)
    for start in starts:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", start))
        except OSError:
            claim.close()
            continue
        # It stays bound as long as the process lives.
        claim.detach()
        return cycle(range(start + 1, start + _EACH))
    raise AssertionError("too many processes run tests")


def free_port() -> int:
    """Give a port that nobody listens at."""
    for port in _ports():
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def settings_for(portal: Portal, database_url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "port": (port := free_port()),
        "public_url": f"http://127.0.0.1:{port}",
        "database_url": database_url,
        "bitrix24_client_id": CLIENT_ID,
        "bitrix24_client_secret": CLIENT_SECRET,
        "bitrix24_oauth_urls": [portal.oauth_url],
        "encryption_keys": [KEY],
        "rest_timeout": 8.0,
        "retry_for": 4.0,
    }
    return Settings(_env_file=None, **{**values, **more})


@asynccontextmanager
async def bot_running(settings: Settings) -> AsyncIterator[None]:
    async with (
        serving(settings) as application,
        listening(application, settings.port, "127.0.0.1"),
    ):
        yield
