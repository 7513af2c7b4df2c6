"""Who is measured side by side: the bot, the floor, and the peers that are installed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp.test_utils import unused_port

from benchmarks import foreign
from benchmarks.events import Commands, Spread
from benchmarks.foreign import Foreign
from benchmarks.ledger import Ledger
from benchmarks.load import Load
from benchmarks.portal import Portal
from benchmarks.processes import ROOT, NotStarted, Service, Way, bot, running
from benchmarks.wire import connect, listening, post

PEERS = ROOT / "benchmarks" / "peers"
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
FORM = "application/x-www-form-urlencoded"

BOT, FLOOR, AGAIN = "switchboard", "floor", "floor again"


@dataclass(frozen=True, slots=True)
class Contender:
    """A running service with its load."""

    name: str
    service: Service
    ledger: Ledger
    load: Load
    portal: Portal | Foreign


@dataclass(frozen=True, slots=True)
class Far:
    """What the portal is like: seconds a call takes, and its bucket if it has one."""

    delay: float = 0.0
    bucket: tuple[float, float] | None = None


NEAR, SQLITE = Far(), Way()


@asynccontextmanager
async def switchboard(
    name: str, folder: Path, spread: Spread, way: Way = SQLITE, far: Far = NEAR
) -> AsyncIterator[Contender]:
    """Run the bot as its users do."""
    async with _portal(spread, far) as portal:
        own = folder / name.replace(" ", "-")
        own.mkdir()
        installed = 1 if way.fill else spread.portals
        async with bot(name, way, portal.base, own, installed) as service:
            portal.delay = far.delay
            yield _loaded(name, service, portal, spread)


@asynccontextmanager
async def bare(
    name: str, folder: Path, spread: Spread, arguments: Sequence[str], *,
    module: str = "floor", far: Far = NEAR, database: int | None = None,
) -> AsyncIterator[Contender]:  # fmt: skip
    """Run something bare that does the same work for Bitrix24: the floor, for one."""
    async with _portal(spread, far) as portal:
        port = unused_port()
        command = [sys.executable, "-m", f"benchmarks.peers.{module}", str(port), *arguments]
        environment = {"PYTHONPATH": str(ROOT)}
        async with running(name, port, [command], environment, folder) as service:
            service.database = database
            await _until_listening(service)
            portal.delay = far.delay
            yield _loaded(name, service, portal, spread)


def floor(
    name: str, folder: Path, spread: Spread, far: Far = NEAR, limit: int = 0
) -> AbstractAsyncContextManager[Contender]:
    """Run the bare floor; ``limit`` is how many connections it may open, 0 for any number."""
    return bare(name, folder, spread, [str(limit)], far=far)


@asynccontextmanager
async def _portal(spread: Spread, far: Far) -> AsyncIterator[Portal]:
    portal = Portal(Ledger(), spread, far.bucket)
    async with listening(portal.answer, lambda: portal.delay) as portal.base:
        yield portal


@asynccontextmanager
async def peer(name: str, script: str, folder: Path) -> AsyncIterator[Contender]:
    """Run a peer of another messenger in its own environment."""
    server = Foreign(Ledger())
    async with listening(server.answer) as base:
        port = unused_port()
        command = [str(PEERS_PYTHON), str(PEERS / script), str(port), base]
        async with running(name, port, [command], {}, folder) as service:
            await _until_listening(service)
            makers = {"bolt_bot.py": foreign.slack, "aiogram_bot.py": foreign.telegram}
            load = Load(server.ledger, "127.0.0.1", port, makers[script](f"127.0.0.1:{port}"))
            yield Contender(name, service, server.ledger, load, server)


async def peers(stack: AsyncExitStack, folder: Path) -> list[Contender]:
    """Run the peers of other messengers; none where they are not installed."""
    if not PEERS_PYTHON.exists():
        return []
    scripts = {"bolt-python": "bolt_bot.py", "aiogram": "aiogram_bot.py"}
    return [
        await stack.enter_async_context(peer(name, script, folder))
        for name, script in scripts.items()
    ]


def _loaded(name: str, service: Service, portal: Portal, spread: Spread) -> Contender:
    commands, host = Commands(portal.base, spread), f"127.0.0.1:{service.port}"

    def request(number: int) -> bytes:
        return post("/bitrix24/events", host, FORM, commands.form(number))

    load = Load(portal.ledger, "127.0.0.1", service.port, request)
    return Contender(name, service, portal.ledger, load, portal)


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
