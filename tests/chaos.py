"""Commands typed while everything breaks: is each one that got its 200 carried out once, and
answered?

    python tests/chaos.py --database sqlite --commands 300
    python tests/chaos.py --database postgresql --seed 7

Processes are killed, the database is stopped and started, the portal refuses, hangs and drops
connections after having acted. One command ends whatever process runs it: it is to be set aside,
and the rest goes on. The seed decides when and what; it is printed. Meanwhile escalations go from
one to the next: each has to end once, and to call nobody twice.

    python tests/chaos.py --chains 200 --commands 600
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from crowd import CHATS, PEOPLE, populate
from hosting import Bots, Router, are_ready, routed
from postgres import Server, running_server
from sqlalchemy import Engine, text
from stage import ADD, ANNA, CLIENT_ID, CLIENT_SECRET, OLGA, Stage, free_port, settings_for
from verdict import CALLED, IN_CHAIN, TOLD, Report, judge, judge_chains

from bot.portals.settings import PortalSettings, PortalSettingsStore
from bot.store.database import Database, engine_for
from bot.store.migrate import migrate
from sandbox.model import User
from sandbox.server import Portal, running

SECONDS_A_COMMAND = 0.05
SETTLE = 120.0
WAITING = "SELECT count(*) FROM inbox WHERE done_at IS NULL"
ASKED = "SELECT message_id FROM inbox WHERE outcome = 'asked'"
# Whose requester had too much waiting: it was refused, and they were told so.
REFUSED = "SELECT message_id FROM inbox WHERE replace(lane, '/refused', '') <> lane"
# Where a process has ended while it told so, another one has told what was noted.
ASIDE = (
    "SELECT message_id FROM inbox"
    " WHERE code = 'ends_processes' OR outcome = 'told' AND replies LIKE :told"
)

# How long each has whom an escalation calls.
TAKE_WITHIN = 1
RUNNING = "SELECT count(*) FROM escalations WHERE ended_at IS NULL"
AN_HOUR = "UPDATE escalations SET due_at = due_at - 3600 WHERE ended_at IS NULL AND due_at > until"

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


async def play(database: str, commands: int, seed: int, folder: Path, chains: int = 0) -> Report:
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
            report = await _play(portal, server, session, folder, commands, seed, chains)
    report.seconds = time.monotonic() - began
    return report


async def _play(
    portal: Portal,
    server: Server | None,
    session: ClientSession,
    folder: Path,
    commands: int,
    seed: int,
    chains: int,
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
        engine = engine_for(url)
        migrate(engine)
        await _decide(engine, portal)
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
        for number in CHATS:
            portal.state.chats[number].members.append(ANNA)
        for number in range(chains):
            for one in _called(number):
                portal.state.users[one] = User(one, "Помощник", str(one), "M", "Эксперт", [5])
        await bots.start()
        supervisor = asyncio.create_task(bots.supervise())
        try:
            await stage.until(lambda: are_ready(stage, webs), 30)
            await stage.until(lambda: _installed(stage), 30)
            await stage.faults(user={"id": ANNA, "history": "any"})
            poison = asyncio.create_task(_poison(stage, bots))
            colleagues = asyncio.create_task(_answer(stage, chains))
            report = await _storm(stage, router, bots, server, commands, seed, chains)
            await _calm(stage, report)
        finally:
            supervisor.cancel()
            poison.cancel()
            colleagues.cancel()
            codes = await bots.stop()
        with stage.engine.connect() as connection:
            aside = set(connection.execute(text(ASIDE), {"told": f"%{TOLD}%"}).scalars())
            refused = set(connection.exec_driver_sql(REFUSED).scalars())
            # Two processes have died over it before anything had proven it: it waits for a word.
            asked = set(connection.exec_driver_sql(ASKED).scalars())
            rows = connection.exec_driver_sql("SELECT chain, ended_as FROM escalations").all()
        router.taken -= refused
        judge(portal, router, report, aside, asked)
        judge_chains(portal, router, report, aside | asked, [(row[0], row[1]) for row in rows])
        report.wrong += [f"a process ended with {code}" for code in codes if code != 0]
        stage.engine.dispose()
    return report


async def _installed(stage: Stage) -> bool:
    # A machine that is busy elsewhere may take longer than the portal is given.
    return await stage.install() == 200


async def _storm(
    stage: Stage,
    router: Router,
    bots: Bots,
    server: Server | None,
    commands: int,
    seed: int,
    chains: int,
) -> Report:
    """Type, and meanwhile break things, in the order that the seed says."""
    rng = random.Random(seed)  # noqa: S311  # a seed has to repeat itself
    report = Report(seed)
    breaking: set[asyncio.Task[None]] = set()
    # The last of them are to go on while things break, too.
    every = max(1, commands * 3 // 4 // max(1, chains))
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
        if number % every == 0 and report.chains < chains:
            people = " ".join(f"id{one}" for one in _called(report.chains))
            await stage.type(f"/escalate {people}", user=ANNA, chat=chat)
            report.chains += 1
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
    for user in (OLGA, ANNA):
        await stage.type("/invite", user=user, chat=CHATS[0])
    try:
        await stage.until(lambda: _nothing_waits(stage), SETTLE)
        await stage.until(lambda: _nothing_runs(stage), SETTLE)
    except AssertionError:
        waiting, running = stage.count(WAITING), stage.count(RUNNING)
        report.wrong.append(f"{waiting} commands still wait, {running} escalations still run")


async def _nothing_waits(stage: Stage) -> bool:
    deliveries = await stage.get("deliveries")
    arrived = all(one["status"] is not None or one["error"] for one in deliveries)
    return arrived and not stage.count(WAITING)


async def _nothing_runs(stage: Stage) -> bool:
    """Say whether all escalations have ended; those that were put off come to their time."""
    if not await _nothing_waits(stage):
        return False
    with stage.engine.begin() as connection:
        connection.exec_driver_sql(AN_HOUR)
    return not stage.count(RUNNING)


def _called(number: int) -> range:
    """Give the people whom an escalation names."""
    return range(CALLED + 10 * number, CALLED + 10 * number + IN_CHAIN)


async def _decide(engine: Engine, portal: Portal) -> None:
    database = Database(engine)
    store = PortalSettingsStore(database)
    member_id = portal.state.settings.member_id
    await store.change(member_id, lambda _before: PortalSettings(take_within=TAKE_WITHIN))
    await database.close()


async def _answer(stage: Stage, chains: int) -> None:
    """Be the people called: a third takes it, a third passes it on first, a third does nothing."""
    state, pressed = stage.portal.state, set()
    while True:
        await asyncio.sleep(0.1)
        for person in (one for number in range(chains) for one in _called(number)):
            chat = state.private_chat(456, person)
            cards = [one.id for one in chat.messages if one.keyboard] if chat else []
            number, place = divmod(person - CALLED, 10)
            if cards and cards[0] not in pressed and number % 3:
                pressed.add(cards[0])
                button = 1 if number % 3 == 1 and place == 0 else 0
                body = {"message_id": cards[0], "button": button, "user_id": person}
                await stage.post("presses", body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--chains", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(10**6)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="switchboard-chaos-") as folder:
        report = asyncio.run(
            play(chosen.database, chosen.commands, seed, Path(folder), chosen.chains)
        )
        if report.wrong:
            lines = (Path(folder) / "log").read_text().splitlines()
            telling = [line for line in lines if " [error" in line or "unanswered" in line]
            print(*lines[-20:], *telling[-40:], sep="\n")  # noqa: T201
    print(report, *report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
