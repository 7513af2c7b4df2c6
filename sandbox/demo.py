"""python -m sandbox.demo: the stand-in portal, the bot beside it, and a scene played on both."""

import argparse
import asyncio
import base64
import io
import os
import secrets
import shlex
import signal
import socket
import sys
import tempfile
import textwrap
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from sandbox.server import Portal, running

OLGA, IVAN, RESPONSIBLE, PAVEL, CUSTOMER = 7, 12, 21, 33, 599
CHAT = 8773
ADD = "imopenlines.crm.chat.user.add"
ANSWERS = ("imbot.v2.Command.answer", "imbot.v2.Chat.Message.send")
ROOT = Path(__file__).resolve().parents[1]
WIDTH = 88
PATIENCE = 20.0
# The bot gets no other variable: what the developer has exported or keeps in .env stays out.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


class DidNotHappen(Exception):
    """Something that the scene waits for has not come to pass; the message says what."""


def main() -> None:
    """Play, then stay up until Ctrl-C; the exit status says whether all went as expected."""
    parser = argparse.ArgumentParser("python -m sandbox.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the scene")
    once = parser.parse_args().once
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    sys.exit(asyncio.run(_interruptible(once=once)))


async def _interruptible(*, once: bool) -> int:
    """Play until the end or a signal; either way everything is taken down in order."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    play = asyncio.create_task(_demo(stop, once=once))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({play, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.cancel() and not play.done():
        await asyncio.wait({play}, timeout=0.1)  # it may be waiting for the same signal
        play.cancel()
    try:
        return await play
    except asyncio.CancelledError:
        return 130


async def _demo(stop: asyncio.Event, *, once: bool) -> int:
    say(paint("1", "Switchboard") + " – a bot at work on a stand-in Bitrix24 portal")
    say("Starting the portal and the bot; they talk to nothing outside this machine.")
    try:
        with tempfile.TemporaryDirectory(prefix="switchboard-demo-") as folder:
            async with running() as portal, _bot(portal, Path(folder)) as bot, ClientSession() as s:
                scene = Scene(portal, bot.url, s)
                status = await _play(scene)
                if not once:
                    await _stay(scene, bot, stop)
                return status
    except DidNotHappen as what:
        say(f"\n{paint('31', '✗')} {what}")
        return 1
    finally:
        if not once:
            say("\nThe portal and the bot are down; nothing is left of them.")


# The bot, a process of its own


@dataclass
class Bot:
    """The running bot: its address, its process, its log."""

    url: str
    process: Process
    log: Path

    def last_words(self, lines: int = 20) -> str:
        """The end of its log."""
        log = self.log.read_text(errors="replace").splitlines()
        return "\n".join(log[-lines:]) or "(it has logged nothing)"


@asynccontextmanager
async def _bot(portal: Portal, folder: Path) -> AsyncIterator[Bot]:
    """Run the bot in an empty folder; it is gone when the block is left."""
    port, log = _free_port(), folder / "bot.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve",
            cwd=folder, env=_environment(portal, port, folder), start_new_session=True,
            stdin=DEVNULL, stdout=output, stderr=STDOUT,
        )  # fmt: skip
    bot = Bot(f"http://127.0.0.1:{port}", process, log)
    try:
        await _ready(bot)
        yield bot
    finally:
        await _end(process)


def _environment(portal: Portal, port: int, folder: Path) -> dict[str, str]:
    """Give every setting of the bot."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": f"sqlite:///{folder}/switchboard.db",
        "BITRIX24_CLIENT_ID": portal.state.settings.client_id,
        "BITRIX24_CLIENT_SECRET": portal.state.settings.client_secret,
        "BITRIX24_OAUTH_URLS": portal.oauth_url,
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "METRICS_TOKEN": secrets.token_hex(16),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "text",
        "REST_TIMEOUT": "30",
        "RETRY_FOR": "600",
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _ready(bot: Bot) -> None:
    async with ClientSession() as session:

        async def up() -> bool:
            if bot.process.returncode is not None:
                raise DidNotHappen(f"The bot does not start. Its last words:\n\n{bot.last_words()}")
            with suppress(ClientError, OSError):
                async with session.get(f"{bot.url}/readyz") as response:
                    return response.status == 200
            return False

        try:
            await until("the bot is ready", up)
        except TimeoutError:
            raise DidNotHappen(f"The bot is not ready. Its log:\n\n{bot.last_words()}") from None


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def until(_what: str, fact: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a fact. Raises ``TimeoutError``."""
    async with asyncio.timeout(PATIENCE):
        while not await fact():
            await asyncio.sleep(0.02)
