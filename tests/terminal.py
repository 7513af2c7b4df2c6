"""The bot's command line as somebody uses it: run, read, perhaps in a terminal."""

import asyncio
import multiprocessing
import os
import re
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from process import ROOT, environment

from bot.settings import Settings

PATIENCE = 30.0

_STYLE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")

# A process of its own for every command, out of one that has imported the program already: that
# takes a second, and there are many commands to try.
_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["bot.cli.program"])


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
        process = _nursery.Process(target=_run, args=(arguments, variables, folder))
        process.start()
        await asyncio.to_thread(process.join, PATIENCE)
        assert process.exitcode is not None, f"{arguments} hangs"
        return Ran(process.exitcode, (folder / "1").read_text(), (folder / "2").read_text())


def _run(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    for number in range(3):
        os.dup2(os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    sys.stdin = open(0)  # noqa: SIM115  # the process ends with it
    sys.argv = ["bot", *arguments]
    from bot.cli.program import main

    main()


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
