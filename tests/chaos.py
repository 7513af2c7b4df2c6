"""Commands typed while everything breaks: is each one that got its 200 carried out once, and
answered?

    python tests/chaos.py --database sqlite --commands 300
    python tests/chaos.py --database postgresql --seed 7

Processes are killed, the database is stopped and started, the portal refuses, hangs and drops
connections after having acted. One command ends whatever process runs it: it is to be set aside,
and the rest goes on. The seed decides when and what; it is printed.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from crowd import CHATS, PEOPLE, populate
from hosting import Bots, Router, are_ready, routed
from postgres import Server, running_server
from stage import ADD, CLIENT_ID, CLIENT_SECRET, OLGA, Stage, free_port, settings_for

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import Portal, running
from sandbox.state import State

SECONDS_A_COMMAND = 0.05
SETTLE = 120.0
WAITING = "SELECT count(*) FROM inbox WHERE done_at IS NULL"
ASIDE = "SELECT message_id FROM inbox WHERE code = 'ends_processes'"
TOLD = "дважды остановила бота"

# What the command calls that ends its process.
POISON = "sonet_group.user.invite"
HANGS = {"method": POISON, "delay": 300, "times": None}

FAULTS: list[dict[str, Any]] = [
    {"method": "*", "html": 503, "times": 3},
    {"method": "*", "html": 502},
    {"method": "batch", "delay": 2.5},
    {"method": "batch", "drop": "before", "times": 2},
    {"method": "batch", "drop": "after", "times": 2},
    {"method": "batch", "truncate": True},
    {"method": "imbot.v2.Command.answer", "drop": "after"},
    {"method": "imbot.v2.Command.answer", "html": 503, "times": 2},
    {"method": ADD, "error": {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": ""}},
    {"tokens": "expired"},
]


@dataclasses.dataclass
class Report:
    """What the run came to; ``wrong`` is empty if every promise was kept."""

    seed: int
    typed: int = 0
    taken: int = 0
    killed: int = 0
    stopped: int = 0
    faults: int = 0
    answered_again: int = 0
    set_aside: int = 0
    seconds: float = 0.0
    wrong: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.typed} typed, {self.taken} got their 200; {self.killed} "
            f"processes killed, database stopped {self.stopped} times, {self.faults} faults of "
            f"the portal; {self.answered_again} answered again, {self.set_aside} set aside; "
            f"{self.seconds:.0f} s; "
            f"{len(self.wrong)} wrong"
        )


async def play(database: str, commands: int, seed: int, folder: Path) -> Report:
    """Run the whole thing in ``folder`` and judge it."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        server = None
        if database == "postgresql":
            server = stack.enter_context(running_server(port=free_port()))
        async with (
            running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, bucket_size=10**6) as portal,
            ClientSession(timeout=ClientTimeout(total=15)) as session,
        ):
            report = await _play(portal, server, session, folder, commands, seed)
    report.seconds = time.monotonic() - began
    return report


async def _play(
    portal: Portal,
    server: Server | None,
    session: ClientSession,
    folder: Path,
    commands: int,
    seed: int,
) -> Report:
    url = server.url if server else f"sqlite:///{folder}/bot.db"
    router = Router(session)
    async with routed(router) as port:
        common = {
            "public_url": f"http://127.0.0.1:{port}",
            "rest_timeout": 1.5,
            "retry_for": 600,
            "portal_bucket": 2000,
            "portal_rate": 500,
        }
        if server:
            engine = engine_for(url)
            migrate(engine)
            engine.dispose()
        webs = [settings_for(portal, url, **common) for _ in range(2 if server else 1)]
        web_only = ["--web-only"] if server else []
        bots = Bots(
            [(["serve", *web_only], one) for one in webs]
            + ([(["worker"], webs[0])] * 2 if server else []),
            folder / "log",
        )
        router.ports = [one.port for one in webs]
        stage = Stage(portal, webs[0], session)
        populate(portal, commands)
        await bots.start()
        supervisor = asyncio.create_task(bots.supervise())
        try:
            await stage.until(lambda: are_ready(stage, webs), 30)
            await stage.until(lambda: _installed(stage), 30)
            poison = asyncio.create_task(_poison(stage, bots))
            report = await _storm(stage, router, bots, server, commands, seed)
            await _calm(stage, report)
        finally:
            supervisor.cancel()
            poison.cancel()
            codes = await bots.stop()
        with stage.engine.connect() as connection:
            aside = set(connection.exec_driver_sql(ASIDE).scalars())
        _judge(portal, router, report, aside)
        report.wrong += [f"a process ended with {code}" for code in codes if code != 0]
        stage.engine.dispose()
    return report


async def _installed(stage: Stage) -> bool:
    # A machine that is busy elsewhere may take longer than the portal is given.
    return await stage.install() == 200


async def _storm(
    stage: Stage, router: Router, bots: Bots, server: Server | None, commands: int, seed: int
) -> Report:
    """Type, and meanwhile break things, in the order that the seed says."""
    rng = random.Random(seed)  # noqa: S311  # a seed has to repeat itself
    report = Report(seed)
    breaking: set[asyncio.Task[None]] = set()
    for number in range(commands):
        chat, break_now = rng.choice(CHATS), rng.random()
        fault, which = rng.choice(FAULTS), rng.randrange(100)
        if break_now < 0.12:
            await stage.faults(**fault)
            report.faults += 1
        elif break_now < 0.16:
            breaking.add(asyncio.create_task(bots.kill(which)))
            report.killed += 1
        elif break_now > 0.99 and server:
            breaking.add(asyncio.create_task(_restart(server)))
            report.stopped += 1
        if number == commands // 2:
            await stage.type("/group 15 id15", user=OLGA, chat=chat)
        await stage.type(f"/invite id{PEOPLE + number}", user=OLGA, chat=chat)
        report.typed += 1
        await asyncio.sleep(SECONDS_A_COMMAND)
    await asyncio.gather(*breaking)
    return report


async def _poison(stage: Stage, bots: Bots) -> None:
    """Kill every process as often as one has come to what the poisonous command calls."""
    await stage.faults(**HANGS)
    met = 0
    while True:
        calls = [one for one in stage.portal.state.journal.calls if one.fault == "delay"]
        hanging = sum(POISON in str(one.params) for one in calls)
        if hanging > met:
            met = hanging
            await bots.kill_all()
        await asyncio.sleep(0.05)


async def _restart(server: Server) -> None:
    # Another restart may be under way: the second one finds nothing to stop.
    with contextlib.suppress(AssertionError):
        await asyncio.to_thread(server.stop, "immediate")
    await asyncio.sleep(1)
    with contextlib.suppress(AssertionError):
        await asyncio.to_thread(server.start)


async def _calm(stage: Stage, report: Report) -> None:
    """Mend everything and wait until nothing waits."""
    await stage.faults(clear=True)
    await stage.faults(**HANGS)
    await stage.faults(bucket={"size": 10**6, "rate": 1000})
    # A process that dies between the renewal of a token and its commit costs the requester his
    # permission; his next command brings a new one, and what has waited for it goes on.
    await stage.type("/invite", user=OLGA, chat=CHATS[0])
    try:
        await stage.until(lambda: _nothing_waits(stage), SETTLE)
    except AssertionError:
        report.wrong.append(f"{stage.count(WAITING)} commands still wait")


async def _nothing_waits(stage: Stage) -> bool:
    deliveries = await stage.get("deliveries")
    arrived = all(one["status"] is not None or one["error"] for one in deliveries)
    return arrived and not stage.count(WAITING)


def _judge(portal: Portal, router: Router, report: Report, aside: set[int]) -> None:
    journal, state = portal.state.journal, portal.state
    joined = Counter(row["user_id"] for row in journal.memberships if row["joined"])
    in_chats, privately = (_said(state, system=system) for system in (True, False))
    typed = {
        message.id: int(message.text.partition("id")[2])
        for number in CHATS
        for message in state.chats[number].messages
        if message.text.startswith("/invite id")
    }
    report.taken = len(router.taken)
    report.set_aside = len(aside)
    # A kill can hit what is being watched, and then it looks as if that had been the reason.
    if privately.count(TOLD) < len(aside) or len(aside) > report.killed + report.stopped + 3:
        report.wrong.append(f"{len(aside)} commands set aside, {privately.count(TOLD)} told so")
    if 15 in portal.state.groups[15].invited:
        report.wrong.append("the command that ends processes was carried out")
    for message_id in aside & typed.keys():
        if joined[typed[message_id]] > 1:
            report.wrong.append(f"person {typed[message_id]} joined more than once")
    for message_id in sorted((router.taken & typed.keys()) - aside):
        person = typed[message_id]
        mention = f"[USER={person}]"
        answers = in_chats.count(mention) + privately.count(mention)
        report.answered_again += answers > 1
        if joined[person] != 1:
            report.wrong.append(f"person {person} joined {joined[person]} times")
        # Where two processes died over the same answer, a third one tells the requester alone.
        if not answers or in_chats.count(mention) > 2 or privately.count(mention) > 2:
            report.wrong.append(f"the command for {person} was answered {answers} times")
    for call in journal.call_rows():
        if call["method"].lower() == ADD and call["user_id"] not in (OLGA, None):
            report.wrong.append(f"a change was made with the token of {call['user_id']}")


def _said(state: State, *, system: bool) -> str:
    """Put together what the bot has said: within the chats, or privately."""
    return "\n".join(
        message.text
        for chat in state.chats.values()
        for message in chat.messages
        if message.system == system and (system or message.author_id == 456)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(10**6)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="switchboard-chaos-") as folder:
        report = asyncio.run(play(chosen.database, chosen.commands, seed, Path(folder)))
        if report.wrong:
            lines = (Path(folder) / "log").read_text().splitlines()
            telling = [line for line in lines if " [error" in line or "unanswered" in line]
            print(*lines[-20:], *telling[-40:], sep="\n")  # noqa: T201
    print(report, *report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
