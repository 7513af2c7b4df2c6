"""Row 3: what a portal allows, and a portal that is far away."""

import asyncio
import math
import statistics
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import BOT, FLOOR, Contender, Far, floor, switchboard
from benchmarks.events import Spread
from benchmarks.processes import Way
from benchmarks.report import Report
from benchmarks.slices import side_by_side

CAPACITY, RATE = 50.0, 2.0
# What the bot leaves free: the portal counts when a request arrives, the bot when it leaves.
MARGIN = 2
# Requests that a command costs when it is alone: one to act, one to answer.
REQUESTS = 2
CHATS = 10

FAR = 0.1
LIMITED = "floor, 100 connections"

OWN_BUCKET = Way(more={"PORTAL_BUCKET": f"{CAPACITY:g}", "PORTAL_RATE": f"{RATE:g}"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    backlog: int = 60
    at_once: int = 50
    portals: int = 64
    in_flight: int = 256
    rounds: int = 3
    commands: int = 2000


@dataclass(frozen=True, slots=True)
class Drained:
    """How commands that waited for one portal came to their answers, in seconds."""

    replied: list[float]
    requests: int
    refused: int

    @property
    def sustained(self) -> float:
        """Commands a second after as many as the bucket takes at once."""
        first = int((CAPACITY - MARGIN) / REQUESTS)
        rest = self.replied[first:]
        return len(rest) / (rest[-1] - self.replied[first - 1]) if rest else 0.0

    def lateness(self, alone: Sequence[float]) -> float:
        """How much later than it would have been alone the latest answer was."""
        late = (at - due for at, due in zip(self.replied, sorted(alone), strict=True))
        return max(late, default=math.inf)


def alone(commands: int, chats: int, *, at_once: bool) -> list[float]:
    """Say when each command would be answered if no two requests were ever put together.

    Seconds, by the bucket's arithmetic. Chats take turns, each with its next request when the last
    one has gone. Commands that come ``at_once`` all act before the first of them is answered; of
    others, one that finds room is through before the next one comes.
    """
    left = {chat: len(range(chat, commands, chats)) * REQUESTS for chat in range(chats)}
    queue = deque(chat for chat in range(chats) if left[chat])
    answered: list[float] = []
    for place in range(1, commands * REQUESTS + 1):
        wait = max(0.0, (place - CAPACITY + MARGIN) / RATE)
        chat = queue.popleft()
        left[chat] -= 1
        is_answer = left[chat] % REQUESTS == 0
        if is_answer:
            answered.append(wait)
        if left[chat] and (is_answer or wait or at_once):
            queue.append(chat)
        elif left[chat]:
            queue.appendleft(chat)
    return answered


async def measure(sizes: Sizes, folder: Path) -> Report:
    """Measure one portal with its real bucket, then many that are far away."""
    header = ["", "commands", "commands/s", "last answer s", "requests", "refused"]
    report = Report(
        3, f"A portal's own limits: {CAPACITY:g} requests at once, {RATE:g} a second", header
    )
    backlog = await _drained("backlog", sizes.backlog, 1, folder, report)
    at_once = await _drained("at once", sizes.at_once, sizes.at_once, folder, report)
    report.target(
        "1.8 commands/s while many wait", f"{backlog.sustained:.2f}", holds=backlog.sustained >= 1.8
    )
    late = max(
        backlog.lateness(alone(sizes.backlog, CHATS, at_once=False)),
        at_once.lateness(alone(sizes.at_once, sizes.at_once, at_once=True)),
    )
    report.target("none later than alone", f"{late:+.1f} s at most", holds=late <= 1.0)
    refused = backlog.refused + at_once.refused
    report.target("the portal refuses none", str(refused), holds=not refused)
    await _far(report, sizes, folder)
    return report


async def _drained(
    name: str, commands: int, connections: int, folder: Path, report: Report
) -> Drained:
    """Let so many commands come at once to a bot whose portal has its real bucket, full of room."""
    spread = Spread(chats=CHATS if connections == 1 else commands)
    far = Far(bucket=(CAPACITY, RATE))
    async with switchboard(name, folder, spread, OWN_BUCKET, far) as one:
        before = one.portal.requests
        # What the installation took has to drain first.
        await asyncio.sleep(before / RATE)
        began, numbers = await one.load.flood(
            commands, commands * REQUESTS / RATE + 60, connections
        )
        replied = sorted(one.ledger.replied[n] - began for n in numbers if one.ledger.replied[n])
        found = Drained(replied, one.portal.requests - before, one.portal.refused)
    ended = replied[-1] if replied else math.inf
    rate = found.sustained if connections == 1 else len(replied) / ended
    report.lines.append(
        [f"one portal, {name}", str(commands), f"{rate:.2f}", f"{ended:.1f}",
         str(found.requests), str(found.refused)]
    )  # fmt: skip
    report.blame(one)
    return found


async def _far(report: Report, sizes: Sizes, folder: Path) -> None:
    spread, far = Spread(portals=sizes.portals, chats=100), Far(delay=FAR)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        everybody = [
            await enter(switchboard(BOT, folder, spread, far=far)),
            await enter(floor(FLOOR, folder, spread, far)),
            await enter(floor(LIMITED, folder, spread, far, limit=100)),
        ]
        rounds = await side_by_side(everybody, sizes.rounds, sizes.commands, sizes.in_flight)
    for one in everybody:
        _tell_far(report, one, rounds.rate(one.name), sizes)
    ratio = rounds.ratio(BOT, FLOOR)
    ahead = rounds.ratio(BOT, LIMITED)
    report.notes.append(
        f"A call takes {FAR * 1000:.0f} ms, {sizes.in_flight} commands are in flight over "
        f"{sizes.portals} portals: {ratio:.2f} of the floor, {ahead:.2f} of the floor with a pool "
        f"of 100 connections. {rounds.quality}"
    )


def _tell_far(report: Report, one: Contender, rate: float, sizes: Sizes) -> None:
    median = statistics.median(
        replied - sent
        for sent, replied in zip(one.ledger.sent, one.ledger.replied, strict=True)
        if replied
    )
    report.lines.append(
        [f"far portals, {one.name}", str(sizes.rounds * sizes.commands), f"{rate:.0f}",
         f"{median:.2f} (median)", "", ""]
    )  # fmt: skip
    report.blame(one)
