"""What the other portals of one bot notice while somebody means harm: each attack in its turn.

python tests/neighbours.py                             (all of them, on both databases: ten minutes)
python tests/neighbours.py --attack S9 --database postgresql
"""

import argparse
import asyncio
import contextlib
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from aiohttp import ClientSession
from assaults import ASSAULTS, Assault, assailant, is_installed
from crowd import CHATS, PEOPLE, populate
from hostile import exchange, memory, request
from postgres import Server, running_server
from process import bot_process, ready
from sqlalchemy import text
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, Stage, settings_for

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import running

DATABASES = ("sqlite", "postgresql")

# So much may be noticed: the median, the ninety-ninth of a hundred, MiB of memory, MiB of disk.
MEDIAN, LATE, GROWTH, DISK = 1.5, 3.0, 64.0, 64.0

# A command every so many seconds, and how long its answer may take before it counts as lost.
EVERY = 0.08
SETTLED = 60.0
PATIENCE = 30.0
# Until an attack is at its worst.
UNDER_WAY = 1.0

# Each types at the pace that a portal allows.
HEALTHY = 20

# From where somebody opens a page of the bot while strangers are refused elsewhere.
VISITOR = 9
MIB = 2**20


@dataclasses.dataclass
class Noticed:
    """What a healthy portal had without the attack and with it, and what the attacked bot took."""

    quiet: list[float] = dataclasses.field(default_factory=list)
    attacked: list[float] = dataclasses.field(default_factory=list)
    lost: int = 0
    growth: float = 0.0
    disk: float = 0.0
    # By so much of a processor: what it costs where nobody else needs any.
    busier: float = 0.0

    def ratio(self, share: float) -> float:
        return _quantile(self.attacked, share) / _quantile(self.quiet, share)

    def faults(self) -> list[str]:
        """Name the bounds that are passed."""
        bounds = {
            f"median {MEDIAN} ×": self.ratio(0.5) < MEDIAN,
            f"p99 {LATE} ×": self.ratio(0.99) < LATE,
            "lost": not self.lost,
            f"memory {GROWTH:.0f} MiB": self.growth < GROWTH,
            f"database {DISK:.0f} MiB": self.disk < DISK,
        }
        return [bound for bound, holds in bounds.items() if not holds]


@dataclasses.dataclass
class Bot:
    """A deployment: what its healthy portals see, its processes, where SQLite has its file."""

    stages: Sequence[Stage]
    pids: Sequence[int]
    folder: Path

    def seconds(self) -> float:
        """Give the processor time that its processes have taken."""
        return sum(map(_seconds, self.pids))


async def measure(assault: Assault, server: Server | None, commands: int) -> Noticed:
    """Have so many commands typed at two equal bots in new processes: one of them is attacked.

    Both at once, for a machine's speed changes from minute to minute.
    """
    async with assailant(assault) as attack, contextlib.AsyncExitStack() as stack:
        servers = await attack.told()
        assert isinstance(servers, list)
        quiet = await stack.enter_async_context(_bot(server, commands))
        attacked = await stack.enter_async_context(_bot(server, commands, servers))
        await attack.tell(attacked.stages[0].settings)
        await _both(quiet, attacked, PEOPLE, commands // 4)
        noticed = Noticed()
        with _watched(attacked.pids) as grown:
            disk = _disk(attacked)
            await attack.tell("begin")
            await asyncio.sleep(UNDER_WAY)

            before, began = attacked.seconds() - quiet.seconds(), time.monotonic()
            times = await _both(quiet, attacked, PEOPLE + commands, commands)
            more = attacked.seconds() - quiet.seconds() - before
            noticed.busier = more / (time.monotonic() - began)
            noticed.quiet, noticed.attacked = times
            noticed.lost = commands - len(noticed.attacked) + await _turned_away(attacked)
            noticed.disk, noticed.growth = _disk(attacked) - disk, max(grown())
        return noticed


@contextlib.asynccontextmanager
async def _bot(
    server: Server | None, commands: int, servers: Sequence[str] = ()
) -> AsyncIterator[Bot]:
    """Run a bot of healthy portals; ``servers`` are the authorization servers of others."""
    roles = [("serve", "--web-only"), ("worker",), ("worker",)] if server else [("serve",)]
    async with contextlib.AsyncExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="switchboard-neighbours-")
        folder = Path(stack.enter_context(temporary))
        url = _new(server) if server else f"sqlite:///{folder}/bot.db"
        keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "bucket_size": 10**6}
        portals = [
            await stack.enter_async_context(running(**keys, member_id=f"{number:032x}"))
            for number in range(HEALTHY)
        ]
        session = await stack.enter_async_context(ClientSession())
        settings = settings_for(
            portals[0], url, rest_timeout=10, retry_for=600, trusted_proxies=1,
            log_level="WARNING",
            bitrix24_oauth_urls=[*(portal.oauth_url for portal in portals), *servers],
        )  # fmt: skip
        processes = [
            await stack.enter_async_context(bot_process(settings, *role, log=folder / "log"))
            for role in roles
        ]
        await ready(settings, session)
        stages = [Stage(portal, settings, session) for portal in portals]
        for stage in stages:
            stack.callback(stage.engine.dispose)
            await stage.until(partial(is_installed, stage), SETTLED)
            populate(stage.portal, 2 * commands)
        yield Bot(stages, [one.pid for one in processes], folder)


async def _both(
    quiet: Bot, attacked: Bot, first: int, count: int
) -> tuple[list[float], list[float]]:
    beside = asyncio.create_task(_commands(quiet.stages, first, count))
    await asyncio.sleep(EVERY / 2)
    times = await _commands(attacked.stages, first, count)
    return await beside, times


async def _turned_away(bot: Bot) -> int:
    """Count events that were not taken; and somebody from elsewhere, if refused for others."""
    wrong = request(b"session=1", "/bitrix24/app", sender=VISITOR)
    [told] = await exchange(bot.stages[0].settings.port, wrong, 1)
    deliveries = [one for stage in bot.stages for one in await stage.get("deliveries")]
    return sum(one["status"] != 200 for one in deliveries) + (told != 403)


async def _commands(stages: Sequence[Stage], first: int, count: int) -> list[float]:
    """Type commands at an even pace, whatever the bot does; give how long each answer took."""
    began = time.perf_counter()
    waiting = []
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number * EVERY - time.perf_counter()))
        stage, chat = stages[number % len(stages)], CHATS[number // len(stages) % len(CHATS)]
        waiting.append(asyncio.create_task(_answered(stage, chat, first + number)))
    return [took for one in waiting if (took := await one) is not None]


async def _answered(stage: Stage, number: int, person: int) -> float | None:
    chat = stage.portal.state.chats[number]
    words, seen = f"[USER={person}]", len(chat.messages)
    began = time.perf_counter()
    await stage.type(f"/invite id{person}", user=OLGA, chat=number)
    while time.perf_counter() < began + PATIENCE:
        if any(words in one.text and one.system for one in chat.messages[seen:]):
            return time.perf_counter() - began
        await asyncio.sleep(0.001)
    return None


@contextlib.contextmanager
def _watched(pids: Sequence[int]) -> Iterator[Callable[[], list[float]]]:
    """Give a function that tells by how much each process has grown at its peak, in MiB."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    before = [dict(memory(pid))["VmRSS"] for pid in pids]
    yield lambda: [dict(memory(pid))["VmHWM"] - one for pid, one in zip(pids, before, strict=True)]


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _disk(bot: Bot) -> float:
    """Give what the database takes, in MiB."""
    engine = bot.stages[0].engine
    if engine.dialect.name == "sqlite":
        return sum(one.stat().st_size for one in bot.folder.glob("bot.db*")) / MIB
    with engine.connect() as connection:
        size = text("SELECT pg_database_size(current_database())")
        return float(connection.execute(size).scalar_one()) / MIB


def _new(server: Server) -> str:
    url = server.database(f"attacked_{time.monotonic_ns()}")
    engine = engine_for(url)
    migrate(engine)
    engine.dispose()
    return url


def _quantile(found: Sequence[float], share: float) -> float:
    if share == 0.5:
        return statistics.median(found)
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]


async def attacked(assault: Assault, server: Server | None, rounds: int, commands: int) -> Noticed:
    """Give what was noticed in all rounds together, and the most that the bot took in one."""
    whole = Noticed()
    for _ in range(rounds):
        one = await measure(assault, server, commands)
        whole.quiet += one.quiet
        whole.attacked += one.attacked
        whole.lost += one.lost
        whole.growth, whole.disk = max(whole.growth, one.growth), max(whole.disk, one.disk)
        whole.busier = max(whole.busier, one.busier)
    return whole


HEADER = (
    "attack", "database", "median ms", "attacked", "×", "p99 ms", "attacked", "×", "lost",
    "memory MiB", "database MiB", "processor", "passed",
)  # fmt: skip


def _line(assault: Assault, database: str, found: Noticed) -> list[str]:
    times = []
    for share in (0.5, 0.99):
        quiet, then = (_quantile(one, share) * 1000 for one in (found.quiet, found.attacked))
        times += [f"{quiet:.1f}", f"{then:.1f}", f"{found.ratio(share):.2f}"]
    return [
        f"{assault.number}: {assault.words}", database, *times, str(found.lost),
        f"{found.growth:.1f}", f"{found.disk:.1f}", f"{found.busier:+.0%}",
        ", ".join(found.faults()) or "–",
    ]  # fmt: skip


def _say(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attack", choices=[one.number for one in ASSAULTS])
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--commands", type=int, default=200)
    chosen = parser.parse_args()
    passed = 0
    _say(HEADER)
    _say(["---"] * len(HEADER))
    with contextlib.ExitStack() as stack:
        for database in [chosen.database] if chosen.database else DATABASES:
            server = stack.enter_context(running_server()) if database == DATABASES[1] else None
            for assault in ASSAULTS:
                if chosen.attack in (None, assault.number):
                    found = asyncio.run(attacked(assault, server, chosen.rounds, chosen.commands))
                    _say(_line(assault, database, found))
                    passed += bool(found.faults())
    sys.exit(1 if passed else 0)


if __name__ == "__main__":
    main()
