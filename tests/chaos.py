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
import dataclasses
import json
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
from sqlalchemy import Engine, text
from stage import ADD, ANNA, CLIENT_ID, CLIENT_SECRET, OLGA, Stage, free_port, settings_for

from bot.portals.settings import PortalSettings, PortalSettingsStore
from bot.store.database import Database, engine_for
from bot.store.migrate import migrate
from sandbox.model import User
from sandbox.server import Portal, running
from sandbox.state import State

SECONDS_A_COMMAND = 0.05
SETTLE = 120.0
WAITING = "SELECT count(*) FROM inbox WHERE done_at IS NULL"
ASKED = "SELECT message_id FROM inbox WHERE outcome = 'asked'"
# Whose requester had too much waiting: it was refused, and they were told so.
REFUSED = "SELECT message_id FROM inbox WHERE replace(lane, '/refused', '') <> lane"
TOLD = "дважды остановила бота"
# Where a process has ended while it told so, another one has told what was noted.
ASIDE = (
    "SELECT message_id FROM inbox"
    " WHERE code = 'ends_processes' OR outcome = 'told' AND replies LIKE :told"
)

# Whom an escalation names, ten numbers for each; how long each has; and how it is told of.
CALLED, IN_CHAIN = 40_000, 3
TAKE_WITHIN = 1
RUNNING = "SELECT count(*) FROM escalations WHERE ended_at IS NULL"
AN_HOUR = "UPDATE escalations SET due_at = due_at - 3600 WHERE ended_at IS NULL AND due_at > until"
TOLD_END = ("Эскалация принята", "Никто не взял вопрос", "больше никого бот не зовёт")

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
    chains: int = 0
    ended: Counter[str] = dataclasses.field(default_factory=Counter)
    seconds: float = 0.0
    wrong: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.typed} typed, {self.taken} got their 200; {self.killed} "
            f"processes killed, database stopped {self.stopped} times, {self.faults} faults of "
            f"the portal; {self.answered_again} answered again, {self.set_aside} set aside; "
            f"{self.chains} escalations: {dict(self.ended)}; "
            f"{self.seconds:.0f} s; "
            f"{len(self.wrong)} wrong"
        )


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
        _judge(portal, router, report, aside)
        _judge_chains(portal, router, report, aside | asked, [(row[0], row[1]) for row in rows])
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
    await store.save(member_id, PortalSettings(take_within=TAKE_WITHIN))
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


def _judge_chains(
    portal: Portal,
    router: Router,
    report: Report,
    aside: set[int],
    rows: list[tuple[str, str | None]],
) -> None:
    """Each escalation that was taken has ended once, and has called nobody twice."""
    state = portal.state
    joined = Counter(one["user_id"] for one in portal.state.journal.memberships if one["joined"])
    talk = state.private_chat(456, ANNA)
    told = [one.text for one in talk.messages if one.author_id == 456] if talk else []
    found = {json.loads(chain)["named"][0]["id"]: (json.loads(chain), how) for chain, how in rows}
    report.ended = Counter(how or "running" for _chain, how in rows)
    typed = {
        int(message.text.split()[1].removeprefix("id")): message.id
        for number in CHATS
        for message in state.chats[number].messages
        if message.text.startswith("/escalate")
    }
    if len(rows) != len(found):
        report.wrong.append("an escalation was begun twice")
    for first, message_id in typed.items():
        people = range(first, first + IN_CHAIN)
        chain, how = found.get(first, (None, None))
        if chain is None and (message_id in aside or message_id not in router.taken):
            continue
        if how not in ("taken", "nobody"):
            report.wrong.append(f"the escalation of {first} came to {how}")
            continue
        assert chain is not None
        callees = [one["person"]["id"] for one in chain["callees"]]
        if len(callees) != len(set(callees)) or any(joined[one] > 1 for one in people):
            report.wrong.append(f"the escalation of {first} called somebody twice: {callees}")
        missing = [one for one in callees if not joined[one]]
        if missing or callees != list(people)[: len(callees)]:
            report.wrong.append(f"the escalation of {first} called {callees}, {missing} not in")
        mentions = [f"[USER={one}]" for one in people]
        ends = [
            one
            for one in told
            if any(words in one for words in TOLD_END) and any(who in one for who in mentions)
        ]
        # What may have been lost is said once more.
        if not 1 <= len(ends) <= 2 and message_id not in aside:
            report.wrong.append(f"the end of the escalation of {first} was told {len(ends)} times")
        for one in callees:
            chat = state.private_chat(456, one)
            cards = [line for line in chat.messages if line.keyboard] if chat else []
            if not 1 <= len(cards) <= 2 and message_id not in aside:
                report.wrong.append(f"{one} got {len(cards)} cards")


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
        person = int(call["params"].get("USER_ID") or 0)
        whose = ANNA if person >= CALLED else OLGA
        if call["method"].lower() == ADD and call["user_id"] not in (whose, None):
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
