"""A folder with the project in it, as somebody has it who follows the documentation."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pages import ROOT

PATIENCE = 60.0
PROGRAM = ("bot", "handlers", "templates", "sandbox", ".env.example")


class Folder:
    """Runs shell commands there, with nothing of the developer's own environment.

    ``changes`` come in the place of what the pages say before a command runs.
    """

    def __init__(self, path: Path, changes: Mapping[str, str], **variables: str) -> None:
        self.path = path
        self._changes = changes
        self._variables = {"PATH": os.environ["PATH"], "HOME": str(path), **variables}
        for name in PROGRAM:
            (path / name).symlink_to(ROOT / name)
        (path / ".venv").symlink_to(sys.prefix)

    def here(self, text: str) -> str:
        """Give what the pages say with this place's own addresses and names."""
        for written, real in self._changes.items():
            text = text.replace(written, real)
        return text

    async def run(self, commands: str) -> str:
        """Run commands to their end, which has to be a good one, and give what they print."""
        async with self._started(commands, PIPE) as process:
            async with asyncio.timeout(PATIENCE):
                told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
        return told.decode()

    @asynccontextmanager
    async def running(self, commands: str) -> AsyncIterator[Path]:
        """Keep commands running until Ctrl-C, which leaving is. Gives the file they print to."""
        log = self.path / "printed"
        with log.open("ab") as file:
            async with self._started(commands, file.fileno()) as process:
                yield log
                os.killpg(process.pid, signal.SIGINT)
                async with asyncio.timeout(PATIENCE):
                    await process.wait()

    @asynccontextmanager
    async def _started(
        self, commands: str, output: int
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", self.here(commands), cwd=self.path, env=self._variables,
            stdout=output, stderr=STDOUT, start_new_session=True, preexec_fn=_hears_ctrl_c,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def until_printed(log: Path, words: str) -> None:
    """Wait until a program has said this."""
    async with asyncio.timeout(PATIENCE):
        while words not in log.read_text():  # noqa: ASYNC110, ASYNC240  # another process writes it
            await asyncio.sleep(0.02)


def _hears_ctrl_c() -> None:
    # Whoever runs the tests in the background has them ignore it, and all that they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
