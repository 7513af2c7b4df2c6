"""Processes under load: the bot as its users start it, and what it is compared with."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import unused_port

from benchmarks import events, machine

ROOT = Path(__file__).parent.parent
KEY = "C6zJvl0NfxCQvA5jXtDJtUG3RVd5m6oc0BYtPQQm4bE="


class NotStarted(Exception):
    """A process ended or did not answer; the message ends with what it said."""


@dataclass(slots=True)
class Service:
    """Something that takes events: where, and which processes it is."""

    name: str
    port: int
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    extra_pids: list[int] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        """Whose processor time counts as this service's."""
        return [*(one.pid for one in self.processes), *self.extra_pids]


@dataclass(frozen=True, slots=True)
class Setting:
    """How the bot is set: its portal, its work folder, and whatever a row wants otherwise."""

    portal: str
    folder: Path
    database_url: str = ""
    preload: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def environment(self, port: int) -> dict[str, str]:
        """Write the environment that a user would set."""
        url = self.database_url or f"sqlite:///{self.folder}/switchboard.db"
        wanted = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DATABASE_URL": url,
            "BITRIX24_CLIENT_ID": "local.switchboard",
            "BITRIX24_CLIENT_SECRET": "a-secret-of-the-benchmarks",
            "BITRIX24_OAUTH_URLS": self.portal,
            "ENCRYPTION_KEYS": KEY,
            "PORTAL_BUCKET": "1000000000",
            "PORTAL_RATE": "1000000",
            **self.more,
        }
        if self.preload is not None:
            wanted["LD_PRELOAD"] = str(self.preload)
        return wanted


@asynccontextmanager
async def bot(
    name: str,
    setting: Setting,
    *,
    roles: Sequence[Sequence[str]] = (("serve",),),
    program: Sequence[str] = (sys.executable, "-m", "bot"),
    portals: int = 1,
    cpus: Sequence[int] = (machine.SERVICE_CPU,),
) -> AsyncIterator[Service]:
    """Run the bot, migrated and installed at its portals; ``roles`` are its processes."""
    setting.folder.mkdir(parents=True, exist_ok=True)
    port = unused_port()
    environment = setting.environment(port)
    await _finished([sys.executable, "-m", "bot", "migrate"], environment, setting.folder)
    commands = [[*program, *role] for role in roles]
    async with running(name, port, commands, environment, setting.folder, cpus) as service:
        async with ClientSession() as session:
            await until_ready(session, service, setting.folder)
            for portal in range(portals):
                await _install(session, service, setting, portal)
        yield service


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
        await asyncio.sleep(0.01)
    raise NotStarted(f"{service.name} is not ready:\n{_last_words(folder)}")


async def _install(session: ClientSession, service: Service, setting: Setting, portal: int) -> None:
    async with session.post(
        f"http://127.0.0.1:{service.port}/bitrix24/install",
        data=events.installation(setting.portal, portal),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ) as response:
        if response.status != 200:
            words = await response.text()
            raise NotStarted(f"installation: {words}\n{_last_words(setting.folder)}")


async def _finished(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
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
