"""Who is measured side by side: the bot, the floor, and the peers that are installed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp.test_utils import unused_port

from benchmarks import events, foreign
from benchmarks.events import Commands, Spread
from benchmarks.ledger import Ledger
from benchmarks.load import Load
from benchmarks.portal import Portal
from benchmarks.processes import ROOT, NotStarted, Service, Setting, bot, running
from benchmarks.wire import connect, listening, post

PEERS = ROOT / "benchmarks" / "peers"
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
PROGRAM = (sys.executable, "-m", "bot")
FORM = "application/x-www-form-urlencoded"

BOT, FLOOR, AGAIN = "switchboard", "floor", "floor again"


@dataclass(frozen=True, slots=True)
class Contender:
    """A running service with its load."""

    name: str
    service: Service
    ledger: Ledger
    load: Load


@asynccontextmanager
async def switchboard(
    name: str, folder: Path, spread: Spread, *, preload: Path | None = None,
    program: Sequence[str] = PROGRAM,
) -> AsyncIterator[Contender]:  # fmt: skip
    """Run the bot on SQLite, in one process."""
    ledger = Ledger()
    portal = Portal(ledger, spread)
    async with listening(portal.answer) as base:
        portal.base = base
        setting = Setting(base, folder / name.replace(" ", "-"), preload=preload)
        async with bot(name, setting, program=program, portals=spread.portals) as service:
            yield _loaded(name, service, ledger, _bitrix24(base, service.port, spread))


@asynccontextmanager
async def floor(
    name: str, folder: Path, spread: Spread, limit: int = 0
) -> AsyncIterator[Contender]:
    """Run the bare floor; ``limit`` is how many connections it may open, 0 for any number."""
    ledger = Ledger()
    portal = Portal(ledger, spread)
    async with listening(portal.answer) as base:
        portal.base = base
        port = unused_port()
        command = [sys.executable, str(PEERS / "floor.py"), str(port), str(limit)]
        async with running(name, port, [command], {}, folder) as service:
            await _until_listening(service)
            yield _loaded(name, service, ledger, _bitrix24(base, port, spread))


@asynccontextmanager
async def peer(name: str, script: str, folder: Path) -> AsyncIterator[Contender]:
    """Run a peer of another messenger in its own environment."""
    ledger = Ledger()
    async with listening(foreign.Foreign(ledger).answer) as base:
        port = unused_port()
        command = [str(PEERS_PYTHON), str(PEERS / script), str(port), base]
        async with running(name, port, [command], {}, folder) as service:
            await _until_listening(service)
            requests = foreign.slack if script == "bolt_bot.py" else foreign.telegram
            yield _loaded(name, service, ledger, requests(f"127.0.0.1:{port}"))


async def peers(stack: AsyncExitStack, folder: Path) -> list[Contender]:
    """Run the peers of other messengers; none where they are not installed."""
    if not PEERS_PYTHON.exists():
        return []
    scripts = {"bolt-python": "bolt_bot.py", "aiogram": "aiogram_bot.py"}
    return [
        await stack.enter_async_context(peer(name, script, folder))
        for name, script in scripts.items()
    ]


def _bitrix24(base: str, port: int, spread: Spread) -> Callable[[int], bytes]:
    commands = events.Commands(base, spread)
    return _posts(commands, f"127.0.0.1:{port}")


def _posts(commands: Commands, host: str) -> Callable[[int], bytes]:
    return lambda number: post("/bitrix24/events", host, FORM, commands.form(number))


def _loaded(
    name: str, service: Service, ledger: Ledger, requests: Callable[[int], bytes]
) -> Contender:
    return Contender(name, service, ledger, Load(ledger, "127.0.0.1", service.port, requests))


async def _until_listening(service: Service) -> None:
    for _ in range(1000):
        try:
            connection = await connect("127.0.0.1", service.port, lambda one, status: None)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            connection.close()
            return
        if service.processes[0].returncode is not None:
            break
    raise NotStarted(f"{service.name} does not listen")
