"""Row 4: what portals, years and a backlog cost."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import filling, machine
from benchmarks.contenders import Contender, switchboard
from benchmarks.events import Spread
from benchmarks.processes import Way
from benchmarks.report import Report
from benchmarks.slices import Rounds, side_by_side

IDLE_SECONDS = 10.0
# Meanwhile what waits for portals that are down has been tried as often as it is at first.
SETTLING = 60.0
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """How far everything has grown."""

    known: int = 10_000
    active: int = 1_000
    journal: int = 200_000
    waiting: int = 10_000


FULL = Sizes(journal=5_000_000, waiting=100_000)


@dataclass(frozen=True, slots=True)
class Names:
    """What the four are called."""

    small: str
    portals: str
    journal: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process takes: seconds to its start, memory, processor when idle."""

    start: float
    idle: float
    before: float
    after: float


async def measure(sizes: Sizes, commands: int, in_flight: int, folder: Path) -> Report:
    """Measure a new bot and grown ones in turns."""
    names = _names(sizes)
    async with AsyncExitStack() as stack:
        everybody = await _contenders(stack, names, sizes, folder)
        await asyncio.sleep(SETTLING)
        idle = await _idle(everybody)
        before = {one.name: _memory(one) for one in everybody}
        rounds = await side_by_side(everybody, ROUNDS, commands, in_flight)
        prints = {
            one.name: Footprint(one.service.start, idle[one.name], before[one.name], _memory(one))
            for one in everybody
        }
    return _told(everybody, names, sizes, rounds, prints)


def _names(sizes: Sizes) -> Names:
    return Names(
        "one portal, nothing stored",
        f"{sizes.known} portals, {sizes.active} active",
        f"journal of {sizes.journal}",
        f"{sizes.waiting} waiting for portals that are down",
    )


async def _contenders(
    stack: AsyncExitStack, names: Names, sizes: Sizes, folder: Path
) -> list[Contender]:
    enter, one, many = stack.enter_async_context, Spread(), Spread(sizes.active, 10, 2)
    ways = {
        names.small: (one, Way(fill=filling.nothing)),
        names.portals: (many, Way(fill=filling.known_portals(sizes.known))),
        names.journal: (one, Way(fill=filling.old_journal(sizes.journal))),
        names.waiting: (one, Way(fill=filling.waiting(sizes.waiting))),
    }
    found = []
    for name, (spread, way) in ways.items():
        found.append(await enter(switchboard(name, folder, spread, way)))
        print(".", end="", flush=True)
    return found


async def _idle(everybody: list[Contender]) -> dict[str, float]:
    """Give the part of a processor that everybody takes while nothing comes."""
    before = {one.name: machine.processor_seconds(one.service.pids) for one in everybody}
    await asyncio.sleep(IDLE_SECONDS)
    return {
        one.name: (machine.processor_seconds(one.service.pids) - before[one.name]) / IDLE_SECONDS
        for one in everybody
    }


def _memory(one: Contender) -> float:
    return sum(machine.resident_mib(pid) for pid in one.service.pids)


def _told(
    everybody: list[Contender],
    names: Names,
    sizes: Sizes,
    rounds: Rounds,
    prints: dict[str, Footprint],
) -> Report:
    header = ["", "commands/s", "to the first", "µs of CPU a command", "idle CPU", "ready after s",
              "MiB at first", "MiB after the load"]  # fmt: skip
    report = Report(4, "Growth", header)
    for one in everybody:
        its = prints[one.name]
        report.lines.append(
            [
                one.name,
                f"{rounds.rate(one.name):.0f}",
                f"{rounds.ratio(one.name, names.small):.2f}",
                f"{rounds.microseconds(one.name):.0f}",
                f"{its.idle:.1%}",
                f"{its.start:.2f}",
                f"{its.before:.1f}",
                f"{its.after:.1f}",
            ]
        )
        report.blame(one)
    for name in (names.portals, names.journal, names.waiting):
        ratio = rounds.ratio(name, names.small)
        report.target(f"{name}: 0.85 of the throughput", f"{ratio:.2f}", holds=ratio >= 0.85)
    _footprints(report, sizes, prints[names.small], prints[names.portals])
    _behind(report, prints[names.small], prints[names.waiting])
    report.notes.append(rounds.quality)
    return report


def _footprints(report: Report, sizes: Sizes, small: Footprint, grown: Footprint) -> None:
    known = (grown.before - small.before) * 1024 / sizes.known
    active = ((grown.after - grown.before) - (small.after - small.before)) * 1024 / sizes.active
    report.target("less than 2 KiB a portal that is known", f"{known:.2f} KiB", holds=known < 2)
    report.target("less than 32 KiB an active one", f"{active:.1f} KiB", holds=active < 32)
    report.target("less than 80 MiB", f"{small.before:.1f} MiB", holds=small.before < 80)
    report.target("less than 1 % of a core when idle", f"{small.idle:.2%}", holds=small.idle < 0.01)


def _behind(report: Report, small: Footprint, waiting: Footprint) -> None:
    """Tell what the commands cost that wait for portals that are down, a hundred of them."""
    more, late, busy = (
        waiting.before - small.before,
        waiting.start - small.start,
        waiting.idle - small.idle,
    )
    report.target("waiting: less than 32 MiB more", f"{more:.1f} MiB", holds=more < 32)
    report.target("waiting: ready within a second more", f"{late:.2f} s", holds=late < 1)
    report.target("waiting: less than 3 % of a core more", f"{busy:.1%}", holds=busy < 0.03)
