"""Processes under load: the bot as its users start it, and what it is compared with."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import unused_port

from benchmarks import events, machine

ROOT = Path(__file__).parent.parent
NO_BUCKET = {"PORTAL_BUCKET": "1000000000", "PORTAL_RATE": "1000000"}
KEY = "C6zJvl0NfxCQvA5jXtDJtUG3RVd5m6oc0BYtPQQm4bE="


class NotStarted(Exception):
    """A process ended or did not answer; the message ends with what it said."""


@dataclass(slots=True)
class Service:
    """Something that takes events: where, and which processes it is."""

    name: str
    port: int
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    database: int | None = None
    start: float = 0.0

    @property
    def parts(self) -> list[list[int]]:
        """The numbers of its processes, one by one, and of its database server's."""
        own = [[process.pid] for process in self.processes]
        return own if self.database is None else [*own, machine.family(self.database)]

    @property
    def pids(self) -> list[int]:
        """Whose processor time counts as this service's, its database's included."""
        return [pid for part in self.parts for pid in part]


@dataclass(frozen=True, slots=True)
class Way:
    """How the bot is run: in which processes, on what, and with what set otherwise.

    Without a ``database_url`` it has its SQLite; ``database`` is the process of its server.
    ``fill`` is given the address of the database after the installation: the bot is stopped for it.
    """

    roles: Sequence[Sequence[str]] = (("serve",),)
    program: Sequence[str] = (sys.executable, "-m", "bot")
    cpus: Sequence[int] = (machine.SERVICE_CPU,)
    database_url: str = ""
    database: int | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    fill: Callable[[str], None] | None = None

    def environment(self, portal: str, folder: Path, port: int) -> dict[str, str]:
        """Write the environment that a user would set."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DATABASE_URL": self.database_url or f"sqlite:///{folder}/switchboard.db",
            "BITRIX24_CLIENT_ID": "local.switchboard",
            "BITRIX24_CLIENT_SECRET": "a-secret-of-the-benchmarks",
            "BITRIX24_OAUTH_URLS": portal,
            "ENCRYPTION_KEYS": KEY,
            **NO_BUCKET,
            **self.more,
        }


@asynccontextmanager
async def bot(
    name: str, way: Way, portal: str, folder: Path, portals: int
) -> AsyncIterator[Service]:
    """Run the bot, migrated and installed at so many portals."""
    port = unused_port()
    environment = way.environment(portal, folder, port)
    await finished([sys.executable, "-m", "bot", "migrate"], environment, folder)
    commands = [[*way.program, *role] for role in way.roles]
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        session = await enter(ClientSession())
        if way.fill is not None:
            async with running(name, port, commands, environment, folder) as service:
                await _install(session, service, folder, portal, portals)
            way.fill(environment["DATABASE_URL"])
        service = await enter(running(name, port, commands, environment, folder, way.cpus))
        service.database = way.database
        began = time.monotonic()
        service.start = await until_ready(session, service, folder) - began
        if way.fill is None:
            await _install(session, service, folder, portal, portals)
        yield service


async def _install(
    session: ClientSession, service: Service, folder: Path, portal: str, portals: int
) -> None:
    await until_ready(session, service, folder)
    await asyncio.gather(
        *(_install_at(session, service, folder, portal, n) for n in range(portals))
    )


@asynccontextmanager
async def running(
    name: str,
    port: int,
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    folder: Path,
    cpus: Sequence[int] = (machine.SERVICE_CPU,),
) -> AsyncIterator[Service]:
    """Run processes while the block lasts, on the service's processor."""
    service = Service(name, port)
    with (folder / "log").open("ab") as log:
        try:
            for command in commands:
                with machine.staying_on(*cpus):
                    service.processes.append(
                        await asyncio.create_subprocess_exec(
                            *command, env=environment, cwd=folder, stdout=log, stderr=log
                        )
                    )
            yield service
        finally:
            for process in service.processes:
                await _stop(process)


async def until_ready(session: ClientSession, service: Service, folder: Path) -> float:
    """Wait until the bot takes events, and give the moment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(process.returncode is not None for process in service.processes):
            break
        try:
            async with session.get(f"http://127.0.0.1:{service.port}/readyz") as response:
                if response.status == 200:
                    return time.monotonic()
        except ClientError:
            pass
        await asyncio.sleep(0.003)
    raise NotStarted(f"{service.name} is not ready:\n{_last_words(folder)}")


async def _install_at(
    session: ClientSession, service: Service, folder: Path, portal: str, number: int
) -> None:
    async with session.post(
        f"http://127.0.0.1:{service.port}/bitrix24/install",
        data=events.installation(portal, number),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ) as response:
        if response.status != 200:
            words = await response.text()
            raise NotStarted(f"installation: {words}\n{_last_words(folder)}")


async def finished(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=folder, stdout=log, stderr=log
        )
        if await asyncio.wait_for(process.wait(), 120):
            raise NotStarted(_last_words(folder))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end as an operator does; insist after a while."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


def _last_words(folder: Path) -> str:
    return "\n".join((folder / "log").read_text(errors="replace").splitlines()[-15:])
