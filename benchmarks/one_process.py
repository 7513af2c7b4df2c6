"""Row 1: one process with SQLite, beside the floor and the peers."""

import statistics
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import slow_disk
from benchmarks.contenders import AGAIN, BOT, FLOOR, Contender, floor, peers, switchboard
from benchmarks.events import Spread
from benchmarks.processes import Way
from benchmarks.report import Report
from benchmarks.slices import Rounds, side_by_side

SLOW = "switchboard, fsync +2 ms"
BOLT = "bolt-python"
PACE = 50.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int = 6
    commands: int = 1000
    in_flight: int = 64
    paced: int = 150
    peers: bool = True


async def measure(sizes: Sizes, folder: Path) -> Report:
    """Measure throughput in turns, then the delays of a bot with nothing else to do."""
    async with AsyncExitStack() as stack:
        everybody = await _contenders(stack, sizes, folder)
        rounds = await side_by_side(everybody, sizes.rounds, sizes.commands, sizes.in_flight)
        delays = await _unloaded(everybody, sizes.paced)
    return _told(everybody, rounds, delays)


async def _contenders(stack: AsyncExitStack, sizes: Sizes, folder: Path) -> list[Contender]:
    spread = Spread()
    enter = stack.enter_async_context
    found = [await enter(switchboard(BOT, folder, spread))]
    shim = slow_disk.build(folder)
    if shim is not None:
        found.append(
            await enter(switchboard(SLOW, folder, spread, Way(more={"LD_PRELOAD": str(shim)})))
        )
    found += [await enter(floor(FLOOR, folder, spread)), await enter(floor(AGAIN, folder, spread))]
    return found + (await peers(stack, folder) if sizes.peers else [])


Delays = dict[str, tuple[float, float]]


async def _unloaded(everybody: list[Contender], count: int) -> Delays:
    """Give everybody's median to the answer and to the 200, measured in turns."""
    ack: dict[str, list[float]] = {one.name: [] for one in everybody}
    reply: dict[str, list[float]] = {one.name: [] for one in everybody}
    for _ in range(3):
        for one in everybody:
            found = await one.load.paced(count // 3, PACE)
            ack[one.name] += found.ack
            reply[one.name] += found.reply
    median = statistics.median
    return {name: (median(reply[name] or [0]), median(ack[name] or [0])) for name in ack}


def _told(everybody: list[Contender], rounds: Rounds, delays: Delays) -> Report:
    header = [
        "",
        "commands/s",
        "to the floor",
        "µs of CPU a command",
        "to the floor by CPU",
        "reply p50 ms",
        "200 p50 ms",
    ]
    report = Report(1, "One process, SQLite with synchronous=FULL", header)
    for one in everybody:
        reply, ack = delays[one.name]
        report.lines.append(
            [
                one.name,
                f"{rounds.rate(one.name):.0f}",
                f"{rounds.ratio(one.name, FLOOR):.2f}",
                f"{rounds.microseconds(one.name):.0f}",
                f"{rounds.thrift(one.name, FLOOR):.2f}",
                f"{reply:.2f}",
                f"{ack:.2f}",
            ]
        )
        report.blame(one)
    _targets(report, {one.name for one in everybody}, rounds, delays)
    noise = abs(rounds.ratio(AGAIN, FLOOR) - 1)
    report.notes.append(
        f"Noise: the floor against itself is off by {noise:.2f}, "
        f"rounds scatter by {rounds.spread(AGAIN, FLOOR):.2f}. {rounds.quality}"
    )
    return report


def _targets(report: Report, names: set[str], rounds: Rounds, delays: Delays) -> None:
    if BOLT in names:
        ratio = rounds.ratio(BOT, BOLT)
        report.target("more commands a second than bolt-python", f"{ratio:.2f} ×", holds=ratio > 1)
    else:
        report.notes.append("bolt-python and aiogram are left out: `make peers` installs them.")
    slower = delays[BOT][0] / delays[FLOOR][0]
    report.target("unloaded, at most 3 × the floor's", f"{slower:.2f} ×", holds=slower <= 3)
    ack = delays[BOT][1]
    report.target("200 within 2 ms at the median", f"{ack:.2f} ms", holds=ack <= 2)
    if SLOW not in names:
        report.notes.append("The slow disk is left out: there is no C compiler to build it with.")
        return
    kept = rounds.ratio(SLOW, BOT)
    report.target("0.75 of it left on a slow disk", f"{kept:.2f}", holds=kept >= 0.75)
    if BOLT in names:
        ratio = rounds.ratio(SLOW, BOLT)
        report.target("ahead of bolt-python even so", f"{ratio:.2f} ×", holds=ratio > 1)
