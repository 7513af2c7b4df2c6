"""What portals and strangers do who mean harm to all the others of one bot.

Each runs until it is told to end, in a process of its own: nobody else pays for what it takes.
"""

import asyncio
import dataclasses
import itertools
import logging
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from multiprocessing.connection import Connection
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientTimeout
from crowd import populate
from hostile import exchange, request
from process import nursery
from stage import ADD, CLIENT_ID, CLIENT_SECRET, OLGA, Stage
from test_events import sample

from bot.settings import Settings
from sandbox.faults import RESULT, MethodFault
from sandbox.hostile import HOSTILE, bomb
from sandbox.server import running

CHATS = range(30_001, 30_201)
LIMIT = {
    "status": 429,
    "code": "OPERATION_TIME_LIMIT",
    "description": "",
    "operating_reset_at": "abc",
}
LARGE = "/invite id12 -- " + "щ" * 50_000

# What their bodies take: all the same for the bot, whose events come without such a header.
STRANGER = 7


@dataclasses.dataclass(frozen=True)
class Assault:
    """Who does what: ``portals`` install the bot, ``run`` goes on until it is cancelled."""

    number: str
    words: str
    portals: int
    run: Callable[[Sequence[Stage]], Awaitable[None]]


async def swollen(stages: Sequence[Stage]) -> None:
    """Answer with gigabytes that are packed, with no end, or a byte at a time."""
    for stage, kind in zip(stages, HOSTILE, strict=True):
        await stage.faults(tokens="expired")
        await stage.faults(method="*", answer=kind, times=None)
        await stage.faults(oauth=kind)
    await _typing(stages, "/invite @Никто", 0.1)


async def no_number(stages: Sequence[Stage]) -> None:
    """Name a moment that is none, at which a method may be called again."""
    for stage in stages:
        await stage.faults(method=ADD, error=LIMIT, times=None)
    await _typing(stages, "/invite id12", 0.1)


async def look_alikes(stages: Sequence[Stage]) -> None:
    """List thousands of people whose names can hardly be told apart."""
    name = " ".join(["а" * 39] * 5)
    alike = [{"ID": str(n), "NAME": name, "LAST_NAME": "", "ACTIVE": True} for n in range(15_000)]
    for stage in stages:
        stage.portal.state.faults.add(MethodFault("user.search", RESULT, alike, None))
    await _typing(stages, "/invite @" + " ".join(["а" * 39] * 4), 1.0)


async def slow(stages: Sequence[Stage]) -> None:
    """Take four seconds for each answer, with something to be done in two hundred chats."""
    for stage in stages:
        await stage.faults(method="*", delay=4, times=None)
    await asyncio.gather(*(_typing([one], "/invite id12", 0.05) for one in stages))


async def large(stages: Sequence[Stage]) -> None:
    """Hang, and send six hundred events of nearly a megabyte, each of another employee."""
    [stage] = stages
    await stage.faults(method="*", delay=60, times=None)
    more = {"data[message][text]": LARGE, "data[command][params]": LARGE, "data[user][name]": LARGE}
    event = sample(stage, **more)
    sending = []
    for number in range(600):
        chat = CHATS[number % len(CHATS)]
        event.update(
            {
                "data[message][id]": str(200_000 + number),
                "data[message][authorId]": str(1_000 + number),
                "data[user][id]": str(1_000 + number),
                "auth[user_id]": str(1_000 + number),
                "data[chat][id]": str(chat),
                "data[chat][dialogId]": f"chat{chat}",
            }
        )
        sent = request(urlencode(event).encode(), sender=STRANGER)
        sending.append(asyncio.create_task(exchange(stage.settings.port, sent, 1)))
        await asyncio.sleep(0.025)
    await asyncio.gather(*sending)


async def endless(stages: Sequence[Stage]) -> None:
    """Begin a hundred large bodies and end none."""
    [stage] = stages
    begun = request(b"event=" + b"x" * 1_048_000, sender=STRANGER)[:200_000]

    async def begins() -> None:
        while True:
            await exchange(stage.settings.port, begun, 1)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(begins() for _ in range(100)))


async def empty(stages: Sequence[Stage]) -> None:
    """Post two hundred empty bodies a second, and updates of the app that never were."""
    [stage] = stages
    portal = stage.portal.state.settings
    update = urlencode({"event": "ONAPPUPDATE", "auth[member_id]": portal.member_id,
                        "auth[application_token]": portal.application_token})  # fmt: skip
    wrong = [request(b"", sender=STRANGER)] * 19
    sent = b"".join([*wrong, request(update.encode(), sender=STRANGER)])
    while True:
        await asyncio.gather(exchange(stage.settings.port, sent, 20), asyncio.sleep(0.1))


ASSAULTS = [
    Assault("S2", "answers that swell or never end", len(HOSTILE), swollen),
    Assault("S7", "a number that is none", 1, no_number),
    Assault("S8", "15,000 names that look alike", 1, look_alikes),
    Assault("S9", "four slow portals", 4, slow),
    Assault("S10", "600 events of 0.9 MB, while the portal hangs", 1, large),
    Assault("S11", "100 bodies that never end", 1, endless),
    Assault("S12", "200 empty posts a second", 1, empty),
]


class Assailant:
    """The process of an assault, as the one sees it that measures."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def told(self) -> object:
        return await asyncio.to_thread(self._connection.recv)

    async def tell(self, what: object) -> None:
        self._connection.send(what)
        assert await self.told() == "done"


@asynccontextmanager
async def assailant(assault: Assault) -> AsyncIterator[Assailant]:
    """Start it: it tells its authorization servers, wants the settings, then to begin."""
    ours, theirs = multiprocessing.Pipe()
    process = nursery.Process(target=_run, args=(theirs, ASSAULTS.index(assault)))
    process.start()
    try:
        yield Assailant(ours)
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(connection: Connection, which: int) -> None:
    # Whom the bot hangs up on would tell of it with every answer.
    logging.disable()
    asyncio.run(_assault(connection, ASSAULTS[which]))


async def _assault(connection: Connection, assault: Assault) -> None:
    keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "bucket_size": 10**6}
    async with AsyncExitStack() as stack:
        portals = [
            await stack.enter_async_context(running(**keys, member_id=f"{number:x}" * 32))
            for number in range(1, assault.portals + 1)
        ]
        await asyncio.to_thread(bomb)
        connection.send([one.oauth_url for one in portals])
        settings: Settings = await asyncio.to_thread(connection.recv)
        session = await stack.enter_async_context(ClientSession(timeout=ClientTimeout(total=60)))
        stages = [Stage(one, settings, session) for one in portals]
        for stage in stages:
            await stage.until(partial(is_installed, stage), 60)
            populate(stage.portal, 0, CHATS)
        connection.send("done")
        await asyncio.to_thread(connection.recv)
        connection.send("done")
        await assault.run(stages)
        await asyncio.Event().wait()


async def is_installed(stage: Stage) -> bool:
    try:
        return await stage.install() == 200
    except AssertionError:
        # The bot has said that it is ready, and has not been reached all the same.
        return False


async def _typing(stages: Sequence[Stage], words: str, every: float) -> None:
    """Type in one chat after the other."""
    for chat in itertools.cycle(CHATS):
        for stage in stages:
            await stage.type(words, user=OLGA, chat=chat)
            await asyncio.sleep(every)
