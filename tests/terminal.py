"""The bot's command line as somebody uses it: run, read, perhaps in a terminal."""

import asyncio
import os
import re
import sys
import tempfile
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

from process import ROOT, Started, environment

from bot.settings import Settings

PATIENCE = 60.0

_STYLE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command ended with, and what it wrote where."""

    code: int
    out: str
    err: str


async def ran(settings: Settings, *arguments: str, typed: str = "", **changed: str) -> Ran:
    """Run ``python -m bot`` with these arguments, and answer what it asks by ``typed``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "0").write_text(typed)
        variables = {**environment(settings), **changed}
        files = [folder / str(number) for number in range(3)]
        process = Started(variables, arguments, *files)
        async with asyncio.timeout(PATIENCE):
            code = await process.wait()
        return Ran(code, files[1].read_text(), files[2].read_text())


async def ran_in_terminal(settings: Settings, *arguments: str, until: str = "") -> Ran:
    """Run it where a person looks: both outputs are one terminal. ``until`` words end it."""
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        env={**environment(settings), "TERM": "xterm", "COLUMNS": "100"}, cwd=ROOT,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        async with asyncio.timeout(PATIENCE):
            seen = await asyncio.to_thread(_read, ours, until, process)
            code = await process.wait()
    finally:
        os.close(ours)
    plain = _STYLE.sub("", seen)
    return Ran(code, plain, plain)


def _read(terminal: int, until: str, process: Process) -> str:
    seen = ""
    while True:
        try:
            seen += os.read(terminal, 65536).decode()
        except OSError:  # the other end is closed
            return seen
        if until and until in seen and process.returncode is None:
            process.terminate()
