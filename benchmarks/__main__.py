"""The command line: ``python -m benchmarks``."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from benchmarks import (
    growth,
    limits,
    machine,
    one_process,
    profiling,
    report,
    several_processes,
    start,
)
from benchmarks.processes import NotStarted
from benchmarks.report import Report

Row = Callable[[argparse.Namespace, Path], Awaitable[Report]]


async def _one_process(chosen: argparse.Namespace, folder: Path) -> Report:
    sizes = one_process.Sizes(
        rounds=chosen.rounds,
        commands=chosen.commands,
        in_flight=chosen.in_flight,
        peers=not chosen.no_peers,
    )
    return await one_process.measure(sizes, folder)


async def _several_processes(chosen: argparse.Namespace, folder: Path) -> Report:
    sizes = several_processes.Sizes(chosen.rounds, chosen.commands // 2, chosen.in_flight)
    return await several_processes.measure(sizes, folder)


async def _limits(chosen: argparse.Namespace, folder: Path) -> Report:
    sizes = limits.Sizes(backlog=150) if chosen.full else limits.Sizes()
    return await limits.measure(sizes, folder)


async def _growth(chosen: argparse.Namespace, folder: Path) -> Report:
    sizes = growth.FULL if chosen.full else growth.Sizes()
    return await growth.measure(sizes, chosen.commands, chosen.in_flight, folder)


async def _start(chosen: argparse.Namespace, folder: Path) -> Report:
    return await start.measure(chosen.rounds, folder)


ROWS: dict[int, Row] = {1: _one_process, 2: _several_processes, 3: _limits, 4: _growth, 5: _start}


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--row", type=int, choices=ROWS, help="only this row")
    parser.add_argument("--rounds", type=int, default=6, help="turns everybody has (6)")
    parser.add_argument("--commands", type=int, default=1000, help="commands a turn (1000)")
    parser.add_argument("--in-flight", type=int, default=64, help="commands at a time (64)")
    parser.add_argument(
        "--full", action="store_true", help="rows 3 and 4 in full size: some minutes more"
    )
    parser.add_argument("--no-peers", action="store_true", help="leave bolt and aiogram out")
    parser.add_argument(
        "--profile", choices=["wall", "cpu"], nargs="?", const="wall",
        help="tell instead where a command's time goes (cpu: waiting for other threads left out)",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where databases are put (a fresh folder)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


async def _run(chosen: argparse.Namespace, folder: Path) -> int:
    # Ended from outside, it still ends what it has started.
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if chosen.profile:
        print(await profiling.profile(chosen.profile, chosen.commands, chosen.in_flight, folder))
        return 0
    reports = []
    for number in [chosen.row] if chosen.row else sorted(ROWS):
        print(f"row {number} ", end="", flush=True)
        own = folder / str(number)
        own.mkdir()
        reports.append(await ROWS[number](chosen, own))
        print(reports[-1], flush=True)
        if chosen.write:
            report.write(reports[-1], _command(sys.argv[1:]))
    return 1 if any(one.wrong for one in reports) else 0


def _command(arguments: list[str]) -> str:
    """Write how this was started, without where on this machine that was."""
    kept = [
        one
        for before, one in zip(["", *arguments], arguments, strict=False)
        if not (one.startswith("--folder") or before == "--folder" or one == "--write")
    ]
    return f'make bench ARGS="{" ".join(kept)}"' if kept else "make bench"


def main() -> None:
    chosen = _chosen()
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-", dir=chosen.folder) as folder:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with machine.staying_on(machine.LOAD_CPU), runner:
            try:
                code: int | str = runner.run(_run(chosen, Path(folder)))
            except (asyncio.CancelledError, KeyboardInterrupt):
                code = "\nended before its time"
            except NotStarted as error:
                code = f"\n{error}"
    sys.exit(code)


if __name__ == "__main__":
    main()
