"""The bot as a process of its own."""

import asyncio
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from multiprocessing import connection
from pathlib import Path

from aiohttp import ClientError, ClientSession
from pydantic import SecretStr

from bot.settings import Settings

ROOT = Path(__file__).parent.parent

nursery = multiprocessing.get_context("forkserver")
# The last ones are imported by commands and databases that need them: here by nearly all.
nursery.set_forkserver_preload(["bot.cli.program", "alembic.command", "psycopg", "bot.inbox.jobs"])


def environment(settings: Settings) -> dict[str, str]:
    """Write settings the way an environment holds them."""
    values = {}
    for name, value in settings.model_dump().items():
        if value is None:
            continue
        items = value if isinstance(value, list) else [value]
        plain = [x.get_secret_value() if isinstance(x, SecretStr) else str(x) for x in items]
        values[name.upper()] = ",".join(plain)
    return {**os.environ, **values}


class Started:
    """A process of the bot's, out of one that has imported the program already.

    That takes a second, and the tests start a hundred of them. What a user types is started as it
    stands by the tests of the Procfile, of the README and of the demo.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        arguments: Sequence[str],
        *files: Path,
        folder: Path = ROOT,
        most: int = 0,
    ) -> None:
        self._process = nursery.Process(
            target=_run, args=(variables, arguments, files, folder, most)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    async def wait(self) -> int:
        # The status can be read once, so only where `returncode` reads it, too.
        while (code := self.returncode) is None:
            await asyncio.to_thread(connection.wait, [self._process.sentinel], 1)
        return code


def _run(
    variables: Mapping[str, str],
    arguments: Sequence[str],
    files: Sequence[Path],
    folder: Path,
    most: int,
) -> None:
    """Be ``python -m bot``; ``files`` stand for its input, its output and its errors.

    ``most`` is how many files it may have open, 0 where that does not matter.
    """
    if most:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for number, file in enumerate(files):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    sys.stdin = open(0)  # noqa: SIM115  # the process ends with it
    sys.argv = ["bot", *arguments]
    from bot.cli.program import main

    main()


@asynccontextmanager
async def bot_process(
    settings: Settings, *arguments: str, log: Path, files: int = 0, **changed: str | None
) -> AsyncIterator[Started]:
    """Run the bot; ``changed`` are variables set otherwise, or, with ``None``, not at all.

    ``files`` is how many files it may have open, 0 where that does not matter.
    """
    wanted = {**environment(settings), **changed}
    variables = {name: value for name, value in wanted.items() if value is not None}
    process = Started(variables, arguments or ("serve",), Path(os.devnull), log, log, most=files)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def ready(settings: Settings, session: ClientSession) -> None:
    """Wait until the bot takes events."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{settings.public_url}/readyz") as response:
                    if response.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.02)
