"""Row 2: a web process and workers that share PostgreSQL."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, postgres
from benchmarks.contenders import Contender, bare, switchboard
from benchmarks.events import Spread
from benchmarks.processes import Way
from benchmarks.report import Report
from benchmarks.slices import Rounds, side_by_side

ONE = "web + worker, one core"
TWO = "web + two workers, two cores"
JOBS = "procrastinate, a job an event"
# A portal has one worker: two of them share what many portals have.
PORTALS = 20
WEB, WORKER = ("serve", "--web-only"), ("worker",)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int = 6
    commands: int = 1000
    in_flight: int = 64


async def measure(sizes: Sizes, folder: Path) -> Report:
    """Measure them in turns, each with its own database."""
    header = ["", "commands/s", "to procrastinate", "µs of CPU a command", "by CPU"]
    report = Report(2, "Several processes, PostgreSQL", header)
    if not postgres.is_installed():
        report.notes.append("Left out: there is no PostgreSQL on this machine.")
        return report
    async with AsyncExitStack() as stack:
        everybody = await _contenders(stack, folder)
        rounds = await side_by_side(everybody, sizes.rounds, sizes.commands, sizes.in_flight)
    _tell(report, everybody, rounds)
    return report


async def _contenders(stack: AsyncExitStack, folder: Path) -> list[Contender]:
    enter, spread = stack.enter_async_context, Spread(portals=PORTALS)
    cpu, more = machine.SERVICE_CPU, machine.MORE_CPUS
    alone = stack.enter_context(postgres.server(cpu))
    pid = postgres.process(alone)
    one = Way((WEB, WORKER), database_url=alone.database("one"), database=pid)
    jobs = [alone.database("jobs")]
    found = [
        await enter(switchboard(ONE, folder, spread, one)),
        await enter(bare(JOBS, folder, spread, jobs, module="procrastinate_bot", database=pid)),
    ]
    if machine.can_pin():
        wide = stack.enter_context(postgres.server(*more))
        two = Way(
            (WEB, WORKER, WORKER), cpus=more,
            database_url=wide.database("two"), database=postgres.process(wide),
        )  # fmt: skip
        found.append(await enter(switchboard(TWO, folder, spread, two)))
    return found


def _parts(spent: list[float]) -> str:
    """Write what each process took, the database server last."""
    return " + ".join(f"{one:.0f}" for one in spent) + f" = {sum(spent):.0f}"


def _tell(report: Report, everybody: list[Contender], rounds: Rounds) -> None:
    for one in everybody:
        report.lines.append(
            [
                one.name,
                f"{rounds.rate(one.name):.0f}",
                f"{rounds.ratio(one.name, JOBS):.2f}",
                _parts(rounds.parts(one.name)),
                f"{rounds.thrift(one.name, JOBS):.2f}",
            ]
        )
        report.blame(one)
    ahead = rounds.ratio(ONE, JOBS)
    report.target("3 × procrastinate with a job an event", f"{ahead:.2f} ×", holds=ahead >= 3)
    if TWO in {one.name for one in everybody}:
        gain = rounds.ratio(TWO, ONE)
        report.target("1.6 × on two cores", f"{gain:.2f} ×", holds=gain >= 1.6)
        if machine.LOAD_CPU in machine.MORE_CPUS:
            report.notes.append("There are but two processors: the load has a part of the second.")
    else:
        report.notes.append("Two cores are left out: processes cannot be kept on them here.")
    report.notes.append(
        "The processor time is that of the web process, the workers and the database. "
        + rounds.quality
    )
