"""The bot, a process of its own."""

import asyncio
import base64
import os
import secrets
import socket
import sys
import textwrap
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession

from sandbox.demo.telling import say
from sandbox.server import Portal

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
# The bot inherits nothing else: what a developer has exported or keeps in .env stays out.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")


class DidNotHappen(Exception):
    """What was waited for has not come to pass; the message says what that was."""


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
async def bot_running(portal: Portal, folder: Path) -> AsyncIterator[Bot]:
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
        "PRIVATE_PORTALS": "no",
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
        "LEFT_DAYS": "30",
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

        await until(is_ready, "the bot does not become ready")


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def until(fact: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Wait for a fact. Raises ``DidNotHappen``."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await fact():  # noqa: ASYNC110  # it happens in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DidNotHappen(f"{otherwise} (waited {PATIENCE:.0f} s)") from None
