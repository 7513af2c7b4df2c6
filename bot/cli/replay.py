"""``replay``: commands that hang or failed are run again."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from bot.app import assembled
from bot.cli.arguments import known_member_id, portal, read_moment, read_reference
from bot.cli.environment import read_settings, run
from bot.cli.output import as_json, moment, write_json, write_table
from bot.figures import Ending
from bot.inbox.accepted import reference_of
from bot.settings import Settings
from bot.story.replays import Case, Replays

TITLES = ("REF", "TIME", "PORTAL", "USER", "COMMAND", "CHAT", "STATE", "CODE")
LOOK_EVERY = 0.2
DAY = 86_400.0

# After these there is nothing left that another run could do better.
WELL = (Ending.DONE, Ending.TOLD, Ending.PARTLY, Ending.REFUSED, "parked")

_NOBODY = (
    "No process of the bot has taken it up: is one at work? The request stays, and the next one "
    "that starts takes it up."
)

_NOT_FOUND = "There is no command {0}: it never was, or it is older than INBOX_DAYS."
_NOT_REPEATABLE = {
    "waiting": "Command {0} has just come, or its chat is busy: it is run in its turn.",
    "parked": "Command {0} waits for its requester's permission, and is run when that is given.",
    "done": "Command {0} was carried out: there is nothing to run again.",
    "told": "Command {0} was answered at once, without being run: there is nothing to run again.",
    "dropped": "Command {0} was none: it was only quoted, or its portal has left.",
    "unknown": "Command {0} ended before this version, and nothing tells how.",
}


@click.command()
@click.argument("references", nargs=-1, type=read_reference, metavar="[REF]...")
@click.option("--all", "is_all", is_flag=True, help="Run everything again that is listed.")
@portal
@click.option("--since", type=read_moment, metavar="MOMENT",
              help="List what failed since then; otherwise: since 1d.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", type=click.IntRange(0), default=60, show_default=True, metavar="SECONDS",
              help="How long to wait for the end.")  # fmt: skip
@as_json
def replay(
    *,
    references: tuple[int, ...],
    is_all: bool,
    portal: str | None,
    since: float | None,
    yes: bool,
    wait: int,
    is_json: bool,
) -> None:
    """Run commands again that hang or failed.

    Without REF and --all it lists them. REF is the code that a failure shows its requester. A
    process of the bot has to be at work: it runs the command in its chat's order, as the requester.
    What the journal says was done is not done again; what the portal refused is tried anew.

    Ends with 0 if every command was carried out and answered this time, else with 1.
    """
    if references and is_all:
        raise click.UsageError("Give either some REF or --all.")
    is_to_run = bool(references or is_all)
    if is_to_run and is_json and not yes:
        raise click.UsageError("--json cannot ask: say --yes as well.")
    settings = read_settings()
    cases = run(_found(settings, references, portal, since or time.time() - DAY))
    _refuse(references, cases)
    if not (is_to_run and cases):
        _show(cases, is_json=is_json)
        return
    if not yes:
        _show(cases, is_json=False)
        click.confirm(f"Run {_number(cases)} again?", abort=True)
    ended = run(_replayed(settings, cases, wait))
    _show(ended, is_json=is_json)
    _end(ended)


async def _found(
    settings: Settings, references: Sequence[int], portal: str | None, since: float
) -> list[Case]:
    async with assembled(settings) as parts:
        if references:
            return await parts.replays.cases(references)
        member_id = await known_member_id(parts.portals, portal) if portal else None
        return await parts.replays.troubled(since, member_id)


def _refuse(references: Sequence[int], cases: Sequence[Case]) -> None:
    """End the program where something is asked for that cannot be."""
    found = {one.id for one in cases}
    missing = [_NOT_FOUND.format(reference_of(one)) for one in references if one not in found]
    for one in cases:
        if not one.is_repeatable:
            missing.append(_NOT_REPEATABLE[one.state].format(one.reference))
    if missing:
        sys.exit("\n".join(missing))


async def _replayed(settings: Settings, cases: Sequence[Case], wait: int) -> list[Case]:
    """Ask for the commands, and give how they stand when they are over or the time is."""
    numbers = [one.id for one in cases]
    async with assembled(settings) as parts:
        await parts.replays.ask(numbers)
        with click.progressbar(length=len(numbers), label="Running", file=sys.stderr) as bar:
            return await _ended(parts.replays, numbers, time.monotonic() + wait, bar)


async def _ended(replays: Replays, numbers: Sequence[int], deadline: float, bar: Any) -> list[Case]:
    while True:
        cases = await replays.cases(numbers)
        over = sum(one.is_over for one in cases)
        bar.update(over - bar.pos)
        if over == len(cases) or time.monotonic() > deadline:
            return cases
        await asyncio.sleep(LOOK_EVERY)


def _show(cases: Sequence[Case], *, is_json: bool) -> None:
    if is_json:
        write_json([_value(one) for one in cases])
    elif cases:
        write_table(TITLES, [list(_value(one).values()) for one in cases])
    else:
        click.echo("No command hangs, and none has failed.")


def _end(cases: Sequence[Case]) -> None:
    """End the program, with 1 and the reason where a command is not through."""
    if any(one.state == "asked" for one in cases):
        sys.exit(_NOBODY)
    if not all(one.is_over for one in cases):
        sys.exit("Not all of them are through yet; they go on without this command.")
    if any(one.state not in WELL for one in cases):
        sys.exit("Not all of them went well: the log says more about each REF.")


def _number(cases: Sequence[Case]) -> str:
    return "this command" if len(cases) == 1 else f"these {len(cases)} commands"


def _value(case: Case) -> dict[str, Any]:
    return {
        "reference": case.reference,
        "time": moment(case.at),
        "portal": case.member_id,
        "user": case.requester_id,
        "command": case.command,
        "chat": case.chat,
        "state": case.state,
        "code": case.code,
    }
