"""python -m sandbox.demo: the stand-in portal, the bot beside it, and a scene played on both."""

import argparse
import asyncio
import base64
import io
import os
import re
import secrets
import signal
import socket
import sys
import tempfile
import textwrap
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from sandbox.server import Portal, running

OLGA, IVAN, RESPONSIBLE, PAVEL, CUSTOMER = 7, 12, 21, 33, 599
CHAT = 8773
ADD = "imopenlines.crm.chat.user.add"
IN_CHAT, PRIVATELY = "imbot.v2.Command.answer", "imbot.v2.Chat.Message.send"
ROOT = Path(__file__).resolve().parents[1]
WIDTH = 88
PATIENCE = 20.0
# The bot inherits nothing else: what a developer has exported or keeps in .env stays out.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")

TOLD_ELSEWHERE = {"message", "cmd", "halt", "urlPreview", "botId", "commandId", "messageId"}

Row = dict[str, Any]


class DidNotHappen(Exception):
    """What the scene waited for has not come to pass; the message says what that was."""


def main() -> None:
    """Play, then stay up until Ctrl-C; the exit status says whether all went as expected."""
    parser = argparse.ArgumentParser("python -m sandbox.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the scene")
    once = parser.parse_args().once
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    try:
        sys.exit(asyncio.run(_interruptible(_demo(once=once))))
    except BrokenPipeError:  # nobody reads any more, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


async def _interruptible(demo: Awaitable[int]) -> int:
    """Run it to its end or to the first signal; either way it takes everything down."""
    task = asyncio.ensure_future(demo)

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


async def _demo(*, once: bool) -> int:
    say(paint("1", "Switchboard: the bot at work on a stand-in Bitrix24 portal"))
    say("Starting the portal and the bot. They talk to nothing outside this machine …")
    try:
        with tempfile.TemporaryDirectory(prefix="switchboard-demo-") as folder:
            async with (
                running() as portal,
                _bot(portal, Path(folder)) as bot,
                ClientSession() as session,
            ):
                scene = Scene(portal, bot, session)
                await scene.play()
                if not once:
                    await _stay(scene)
                return 1 if scene.missed else 0
    except DidNotHappen as what:
        say(f"\n{CROSS} {what}")
        return 1


async def _stay(scene: "Scene") -> None:
    """Stay up until a signal comes."""
    await scene.tell_how_to_go_on()
    try:
        await scene.bot.process.wait()
    except asyncio.CancelledError:
        say("\nTaking the portal and the bot down …")
    else:
        raise DidNotHappen("the bot has ended by itself")


# The bot, a process of its own.


@dataclass
class Bot:
    """The bot's address, its process, its log."""

    url: str
    process: Process
    log: Path

    def last_words(self) -> str:
        """Give the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return textwrap.indent("\n".join(lines[-20:]) or "(empty)", "  ")


@asynccontextmanager
async def _bot(portal: Portal, folder: Path) -> AsyncIterator[Bot]:
    """Run the bot in an empty folder; it is gone when the block is left."""
    port, log = _free_port(), folder / "bot.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve",
            cwd=folder, env=environment(portal, port, folder), start_new_session=True,
            stdin=DEVNULL, stdout=output, stderr=STDOUT,
        )  # fmt: skip
    bot = Bot(f"http://127.0.0.1:{port}", process, log)
    try:
        await _ready(bot)
        yield bot
    except DidNotHappen:
        say(f"\nThe end of the bot's log:\n{bot.last_words()}")
        raise
    finally:
        await _end(process)


def environment(portal: Portal, port: int, folder: Path) -> dict[str, str]:
    """Give every setting of the bot."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TRUSTED_PROXIES": "0",
        "DISK_IS_KEPT": "no",
        "DATABASE_URL": f"sqlite:///{folder}/switchboard.db",
        "BITRIX24_CLIENT_ID": portal.state.settings.client_id,
        "BITRIX24_CLIENT_SECRET": portal.state.settings.client_secret,
        "BITRIX24_OAUTH_URLS": portal.oauth_url,
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "METRICS_TOKEN": secrets.token_hex(16),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "text",
        "PORTAL_BUCKET": "50",
        "PORTAL_RATE": "2",
        "REST_TIMEOUT": "30",
        "RETRY_FOR": "600",
        "INBOX_DAYS": "14",
        "JOURNAL_DAYS": "365",
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _ready(bot: Bot) -> None:
    async with ClientSession() as session:

        async def is_ready() -> bool:
            if bot.process.returncode is not None:
                raise DidNotHappen(f"the bot does not start (status {bot.process.returncode})")
            with suppress(ClientError):
                async with session.get(f"{bot.url}/readyz") as response:
                    return response.status == 200
            return False

        await _until(is_ready, "the bot does not become ready")


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _until(fact: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Wait for a fact. Raises ``DidNotHappen``."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await fact():  # noqa: ASYNC110  # it happens in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DidNotHappen(f"{otherwise} (waited {PATIENCE:.0f} s)") from None


# The scene. Everything in it is done and looked at through /sandbox/*, as curl would.


@dataclass
class Act:
    """What has come since the act began: calls, messages in the chat, private messages."""

    calls: list[Row]
    said: list[Row]
    private: list[Row]
    members: list[int]

    @property
    def to_customer(self) -> list[Row]:
        """What the customer got."""
        return [message for message in self.said if message["to_customer"]]

    def is_answered_inside(self, person: int) -> bool:
        """Say whether the bot named the person in the chat, for the staff only."""
        answer = self.said[-1]
        told = bool(self.calls_of(IN_CHAT)) and f"[USER={person}]" in answer["text"]
        return told and answer["system"] and not answer["to_customer"]

    def calls_of(self, method: str) -> list[Row]:
        """Give the calls of one method."""
        return [call for call in self.calls if call["method"] == method]


class Scene:
    """Three short acts in the open-line chat of a customer."""

    def __init__(self, portal: Portal, bot: Bot, session: ClientSession) -> None:
        self.portal = portal
        self.bot = bot
        self.missed: list[str] = []
        self._session = session
        self._names: dict[int, str] = {0: "Bitrix24"}
        self._before = Act([], [], [], [])
        self._typed = 0

    async def play(self) -> None:
        """Play it and tell it; what did not go as it should is kept in ``missed``."""
        await self._install()
        await self._bring_a_colleague_in()
        await self._ask_for_a_dismissed_one()
        await self._let_the_customer_try()
        self._conclude()

    async def _install(self) -> None:
        pages = {"handler": "install", "app": "app", "redirect": "oauth"}
        card = {name: f"{self.bot.url}/bitrix24/{page}" for name, page in pages.items()}
        status = (await self._post("install", card))["status"]
        if status != 200:
            raise DidNotHappen(f"the bot refuses the installation (status {status})")
        self._names |= {user["id"]: user["name"] for user in await self._get("users")}
        known = self.portal.state.commands.values()
        commands = ", ".join(f"/{one.name}" for one in known if not one.hidden)
        say(_filled(f"The portal has installed the bot, which knows {commands}.", ""))
        say(f"The scene is chat {CHAT}, an open line that is bound to deal 288. In it are")
        say(f"{self._name(OLGA)}, an operator, and the customer, {self._name(CUSTOMER)}.")

    async def _bring_a_colleague_in(self) -> None:
        await self._begin("1. An operator brings a colleague in")
        await self._type(OLGA, f"/invite [USER={IVAN}]{self._names[IVAN]}[/USER]")
        act = await self._ended()
        added = [(one["user_id"], one["auth"], one["error"]) for one in act.calls_of(ADD)]
        whose = f"he was added once, with the token of {self._name(OLGA)} and no other"
        self._expect(IVAN in act.members, f"{self._name(IVAN)} is a member of the chat")
        self._expect(added == [(OLGA, "user", None)], whose)
        self._expect(act.is_answered_inside(IVAN), "the bot's answer is internal")
        self._expect(not act.to_customer, "the customer got neither answer nor error")

    async def _ask_for_a_dismissed_one(self) -> None:
        await self._begin("2. A colleague who has been dismissed")
        await self._type(OLGA, f"/invite [USER={PAVEL}]{self._names[PAVEL]}[/USER]")
        act = await self._ended()
        explained = any(f"[USER={PAVEL}]" in one["text"] for one in act.private)
        self._expect(PAVEL not in act.members, f"{self._name(PAVEL)} was not added")
        self._expect(explained, f"{self._name(OLGA)} was told why, privately")
        self._expect(len(act.said) == 1 and not act.to_customer, "the bot said nothing in the chat")

    async def _let_the_customer_try(self) -> None:
        await self._begin("3. The customer tries it")
        await self._type(CUSTOMER, f"/invite id{RESPONSIBLE}")
        # Commands of a chat are answered in their order: with her answer, his turn is over.
        await self._type(OLGA, "/invite")
        act = await self._ended()
        methods = [call["method"] for call in act.calls]
        self._expect(RESPONSIBLE not in act.members, "nobody was added")
        self._expect(methods == [PRIVATELY], f"the only call answers {self._name(OLGA)}")
        self._expect(len(act.said) == 2 and not act.to_customer, "the customer got no answer")

    def _conclude(self) -> None:
        if not self.missed:
            say(f"\n{paint('1', 'Everything went as expected.')}")
            return
        say(f"\n{paint('1;31', 'This did not go as expected:')}")
        for what in self.missed:
            say(f"  {CROSS} {what}")

    async def _begin(self, title: str) -> None:
        self._before = await self._seen()
        say(f"\n{paint('1', title)}\n{'─' * WIDTH}")

    async def _type(self, user_id: int, text: str) -> None:
        hidden = user_id != CUSTOMER
        body = {"chat_id": CHAT, "user_id": user_id, "text": text, "hidden": hidden}
        self._typed = (await self._post("messages", body))["message_id"]
        how = "types, hidden from the customer" if hidden else "types"
        say(f"{self._name(user_id)} {how}:\n    {paint('36', as_shown(text))}")

    async def _ended(self) -> Act:
        """Wait for the bot's answer, wherever it goes, and tell what has happened."""

        async def answered() -> bool:
            calls = (await self._seen()).calls[len(self._before.calls) :]
            sent = [one["status"] for one in calls if one["method"] in (IN_CHAT, PRIVATELY)]
            return sent != [] and None not in sent

        await _until(answered, "the bot does not answer")
        act = await self._since()
        self._tell(act)
        return act

    async def _since(self) -> Act:
        now, before = await self._seen(), self._before
        return Act(
            now.calls[len(before.calls) :],
            now.said[len(before.said) :],
            now.private[len(before.private) :],
            now.members,
        )

    async def _seen(self) -> Act:
        chat = await self._get(f"chats/{CHAT}")
        private = (await self._get(f"dialogs/{OLGA}"))["messages"]
        return Act(await self._get("calls"), chat["messages"], private, chat["members"])

    def _tell(self, act: Act) -> None:
        say("\nThe bot calls the portal:")
        for call in act.calls:
            self._tell_call(call)
        say("\nThe staff see in the chat:")
        self._tell_messages(act.said)
        if act.private:
            say(f"\n{self._name(OLGA)} alone sees, from the bot:")
            self._tell_messages(act.private)
        say("\nThe customer sees of all this:")
        self._tell_messages([one for one in act.said if self._reached_customer(one)])
        say("")

    def _tell_call(self, call: Row) -> None:
        inner = "  " if call["batch"] else ""
        owner = {"user": "", "bot": "", "app": "installer "}[call["auth"]]
        token = f"token of {owner}{self._name(call['user_id'])}"
        say(f"    {inner + call['method']:<36} {token}")
        if details := "  ".join(f"{name}={value}" for name, value in _scalars(call["params"])):
            say(paint("2", _filled(details, f"    {inner}    ")))
        if call["error"]:
            say(paint("31", f"    {inner}    → {call['error']}"))

    def _tell_messages(self, messages: Iterable[Row]) -> None:
        lines = [_filled(": ".join(self._words(one)), "    ") for one in messages]
        say("\n".join(lines) or paint("2", "    nothing"))

    def _words(self, message: Row) -> tuple[str, str]:
        """Give who speaks and what he says; the portal names the bot in the first line."""
        if bot := re.match(r"\[b\]([^\[\]]*):\[/b\]\n", message["text"]):
            return bot[1], as_shown(message["text"][bot.end() :])
        return self._names[message["author_id"]], as_shown(message["text"])

    def _name(self, user_id: int) -> str:
        return f"{self._names[user_id]} ({user_id})"

    def _reached_customer(self, message: Row) -> bool:
        return bool(message["to_customer"]) or message["author_id"] == CUSTOMER

    def _expect(self, came_true: bool, what: str) -> None:
        say(f"  {CHECK if came_true else CROSS} {what}")
        if not came_true:
            self.missed.append(what)

    async def _get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def _post(self, path: str, body: Row) -> Any:
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: Row | None = None) -> Any:
        url = f"{self.portal.url}/sandbox/{path}"
        async with self._session.request(method, url, json=body) as response:
            if response.status >= 300:
                raise DidNotHappen(f"the portal refuses {path}: {await response.text()}")
            return await response.json()

    async def tell_how_to_go_on(self) -> None:
        """Say which addresses there are, and give lines to be pasted into another terminal."""
        say(f"\n{paint('1', 'The portal and the bot stay up until Ctrl-C.')}")
        say(f"  portal  {self.portal.url}\n  bot     {self.bot.url}\n  its log {self.bot.log}")
        say(f"\nOpen {self.portal.url} in a browser: chats to look into and to type in.")
        say("\nMore can be typed from another terminal; these lines work when pasted.")
        for title, line in self._lines():
            say(f"\n{title}\n{paint('36', line)}")

    def _lines(self) -> list[tuple[str, str]]:
        url, pretty = f"{self.portal.url}/sandbox", "| python3 -m json.tool --no-ensure-ascii"
        typed = f'{{"chat_id": {CHAT}, "user_id": {OLGA}, "hidden": true, "text": "/invite id15"}}'
        return [
            ("Ольга brings Анна in:", f"curl {url}/messages \\\n  -d '{typed}'"),
            ("Look at the chat:", f"curl -s {url}/chats/{CHAT} {pretty}"),
            ("Look at the bot's talk with Ольга:", f"curl -s {url}/dialogs/{OLGA} {pretty}"),
            ("Look at the REST calls:", f"curl -s {url}/calls {pretty}"),
            ("Post an event to the bot, as Bitrix24 does when Ольга types:", self._event_line()),
        ]

    def _event_line(self) -> str:
        state = self.portal.state
        bot_id = next(iter(state.bots))
        command = next(one for one in state.commands.values() if one.name == "invite")
        fields = {
            "event": "ONIMBOTV2COMMANDADD",
            "auth[member_id]": state.settings.member_id,
            "auth[application_token]": state.app.application_token,
            "data[bot][id]": bot_id,
            "data[command][id]": command.id,
            "data[command][command]": "/invite",
            "data[command][params]": "id41",
            "data[message][id]": self._typed,
            "data[chat][id]": CHAT,
            "data[chat][dialogId]": f"chat{CHAT}",
            "data[chat][entityType]": "LINES",
            "data[chat][entityData2]": state.chats[CHAT].entity_data_2,
            "data[user][id]": OLGA,
            "data[language]": "ru",
        }
        data = [f"-d '{name}={value}'" for name, value in fields.items()]
        return " \\\n  ".join([f"curl {self.bot.url}/bitrix24/events", *_joined(data)])


def _scalars(params: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Give those of a call's parameters that tell something here."""
    for name, value in params.items():
        if name in TOLD_ELSEWHERE:
            continue
        if name == "keyboard":
            yield f"{prefix}{name}", ", ".join(f"[{one['TEXT']}]" for one in value["BUTTONS"])
        elif isinstance(value, dict):
            yield from _scalars(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value).lower() if isinstance(value, bool) else str(value)


# On paper.


def as_shown(text: str) -> str:
    """Give a text as people see it: mentions by name, and no markup."""
    sign = "@" if text.startswith("/") else ""
    text = re.sub(r"(?i)\[USER=\d+(?: REPLACE)?\](.*?)\[/USER\]", rf"{sign}\1", text)
    text = re.sub(r"\[/?[a-z]+\]", "", text)
    return text.replace("&#91;", "[").replace("&#93;", "]")


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def paint(code: str, text: str) -> str:
    """Colour a text where the terminal shows colours and nobody has said NO_COLOR."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def _filled(text: str, indent: str) -> str:
    lines = text.splitlines()
    hanging = indent + "  "
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent=hanging if number else indent,
                      subsequent_indent=hanging, break_on_hyphens=False)
        for number, line in enumerate(lines)
    )  # fmt: skip


def _joined(words: Iterable[str]) -> list[str]:
    """Put words into lines."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > WIDTH - 6:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


CHECK, CROSS = paint("32", "✓"), paint("31", "✗")

if __name__ == "__main__":
    main()
