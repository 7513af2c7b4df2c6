"""Where the processor time of a command goes."""

import pstats
from pathlib import Path

from benchmarks import machine
from benchmarks.contenders import BOT, switchboard
from benchmarks.events import Spread
from benchmarks.processes import ROOT

MOST = 45


async def profile(commands: int, in_flight: int, folder: Path) -> str:
    """Load the bot under cProfile and tell the dearest functions, in microseconds a command.

    Only the event loop's thread is seen, and function calls cost more than without cProfile.
    """
    file = folder / "profile"
    prefix = ("-m", "cProfile", "-o", str(file))
    async with switchboard(BOT, folder, Spread(), prefix=prefix) as one:
        before = machine.processor_seconds(one.service.pids)
        await one.load.closed(commands, in_flight)
        used = machine.processor_seconds(one.service.pids) - before
        done = sum(1 for sent in one.ledger.sent if sent)
    return f"{_told(file, done)}\n{used / done * 1e6:.0f} µs of CPU a command in all, profiled"


def _told(file: Path, commands: int) -> str:
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    rows = [
        (own / commands * 1e6, whole / commands * 1e6, calls / commands, _place(*where))
        for where, (_primitive, calls, own, whole, _callers) in stats.items()
    ]
    own = sorted(rows, reverse=True)[:MOST]
    ours = [row for row in rows if row[3].startswith(("bot/", "handlers/"))]
    whole = sorted(ours, key=lambda row: row[1], reverse=True)[:MOST]
    titles = [
        "µs own    µs whole  calls   dearest by their own time",
        "… ours, by their whole time",
    ]
    parts = [titles[0], *map(_line, own), "", titles[1], *map(_line, whole)]
    return "\n".join(parts)


def _line(row: tuple[float, float, float, str]) -> str:
    own, whole, calls, place = row
    return f"{own:8.1f}  {whole:8.1f}  {calls:6.2f}  {place}"


def _place(file: str, line: int, name: str) -> str:
    if file == "~":
        return name
    path = Path(file)
    short = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
    if "site-packages" in path.parts:
        short = Path(*path.parts[path.parts.index("site-packages") + 1 :])
    return f"{short}:{line} {name}"
