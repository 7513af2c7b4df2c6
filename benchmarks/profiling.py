"""Where the time of a command goes."""

import asyncio
import pstats
import signal
import sys
from pathlib import Path

from benchmarks import machine
from benchmarks.contenders import BOT, switchboard
from benchmarks.events import Spread
from benchmarks.processes import ROOT, Way

MOST = 40


async def profile(kind: str, commands: int, in_flight: int, folder: Path) -> str:
    """Load the bot under a profiler and tell the dearest functions, in microseconds a command.

    Only the event loop's thread is seen, and every call costs more than without a profiler:
    what the threads really use is told below.
    """
    file = folder / "profile"
    program = [sys.executable, "-m", "benchmarks.profiled", kind, str(file)]
    async with switchboard(BOT, folder, Spread(), Way(program=program)) as one:
        [process] = one.service.processes
        await one.load.closed(200, in_flight, warm_up=0)
        threads = machine.threads(process.pid)
        await one.load.closed(commands, in_flight, warm_up=0)
        used = _difference(machine.threads(process.pid), threads)
        process.send_signal(signal.SIGUSR1)
        await one.load.closed(commands, in_flight, warm_up=0)
        process.send_signal(signal.SIGUSR2)
        await _written(file)
    # The load sends so many more, to keep them in flight while the others are counted.
    done = commands + in_flight
    loop = used.pop(process.pid) / done * 1e6
    others = sorted((round(spent / done * 1e6) for spent in used.values()), reverse=True)
    return (
        f"{_told(file, done)}\n\nµs of CPU a command without the profiler: event loop {loop:.0f}, "
        f"other threads {', '.join(map(str, others))}"
    )


async def _written(file: Path) -> None:
    for _ in range(200):
        if _has_words(file):
            return
        await asyncio.sleep(0.05)


def _has_words(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _difference(now: dict[int, float], before: dict[int, float]) -> dict[int, float]:
    return {name: spent - before.get(name, 0.0) for name, spent in now.items()}


def _told(file: Path, commands: int) -> str:
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    rows = [
        (own / commands * 1e6, whole / commands * 1e6, calls / commands, _place(*where))
        for where, (_primitive, calls, own, whole, _callers) in stats.items()
    ]
    own = sorted(rows, reverse=True)[:MOST]
    ours = [row for row in rows if row[3].startswith(("bot/", "handlers/"))]
    whole = sorted(ours, key=lambda row: row[1], reverse=True)[:MOST]
    heads = ["  µs own  µs whole   calls  dearest by their own time", "\n  … ours, by the whole"]
    return "\n".join([heads[0], *map(_line, own), heads[1], *map(_line, whole)])


def _line(row: tuple[float, float, float, str]) -> str:
    own, whole, calls, place = row
    return f"{own:8.1f}  {whole:8.1f}  {calls:6.2f}  {place}"


def _place(file: str, line: int, name: str) -> str:
    if file == "~":
        return name
    path = Path(file)
    if "site-packages" in path.parts:
        path = Path(*path.parts[path.parts.index("site-packages") + 1 :])
    elif path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    else:
        path = Path(*path.parts[-2:])
    return f"{path}:{line} {name}"
