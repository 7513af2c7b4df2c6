"""What portals and authorization servers answer is read within bounds: others notice nothing."""

import asyncio
import time
import traceback
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from hostile import memory
from process import bot_process, ready
from pydantic import SecretStr
from stage import ADD, ANNA, CHAT, CLIENT_ID, CLIENT_SECRET, KEY, ON_SQLITE, OTHER_CHAT, Stage
from test_events import post, sample

from bot.bitrix24.bodies import Arriving, TooLarge
from bot.bitrix24.errors import Busy, error_of
from bot.bitrix24.events import CommandEvent
from bot.inbox import backlog
from bot.inbox.accepted import Accepted
from bot.inbox.inbox import Inbox
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.database import Database, engine_for
from sandbox.faults import RESULT, MethodFault
from sandbox.model import User
from sandbox.server import Portal, running


class Piece(bytearray):
    """One that can be watched."""


# What the worst answers may add to the process, in MiB; unpacked the bomb is six times as large.
GROWTH = 64.0
NOTICED = 8.0
EVENTS = 40
LIMIT = {"status": 429, "code": "OPERATION_TIME_LIMIT", "description": ""}

ATTACKS: list[dict[str, Any]] = [
    {"method": "*", "answer": "bomb", "times": None},
    {"method": "*", "answer": "endless", "times": None},
    {"method": "*", "answer": "drip", "times": None},
    {"oauth": "bomb"},
    {"oauth": "endless"},
    {"oauth": "drip"},
]


@ON_SQLITE
@pytest.mark.settings(rest_timeout=1.0, retry_for=1.0)
async def test_answers_that_never_end_or_unpack_to_gigabytes(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with _two_portals(portal, settings, tmp_path) as (evil, healthy, pid):
        await _invited(healthy, 20_000)
        before = dict(memory(pid))
        for number, attack in enumerate(ATTACKS):
            tried = len(await evil.calls()) + len(await evil.get("refreshes"))
            await evil.faults(tokens="expired")
            await evil.faults(**attack)
            for chat in (CHAT, OTHER_CHAT):
                await evil.type("/invite @Никто", chat=chat)
            await evil.until(partial(_has_tried, evil, tried + 2))
            await _invited(healthy, 20_001 + number)
            await evil.faults(clear=True)
        after = dict(memory(pid))

    assert after["VmHWM"] - before["VmRSS"] < GROWTH


@ON_SQLITE
@pytest.mark.settings(retry_for=10)
async def test_a_moment_that_is_none_stops_no_other_portal(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with _two_portals(portal, settings, tmp_path) as (evil, healthy, _):
        await evil.faults(method=ADD, error={**LIMIT, "operating_reset_at": "abc"})
        await evil.type(f"/invite id{ANNA}")
        await evil.until(partial(_is_limited, evil))

        await healthy.faults(method=ADD, error={**LIMIT, "operating_reset_in": 1})
        await _invited(healthy, 20_000, 10)


@pytest.mark.parametrize(
    ("told", "pause"),
    [("abc", None), ([1], None), ({"a": 1}, None), (True, None), (-1, None), (10**400, None),
     (float("nan"), None), (float("inf"), None), (10**15, 600), (1e15, 600), (str(10**15), 600)],
)  # fmt: skip
def test_a_pause_is_a_number_and_ten_minutes_at_most(told: object, pause: float | None) -> None:
    error = error_of({"error": LIMIT["code"], "time": {"operating_reset_at": told}}, 429)

    assert isinstance(error, Busy)
    assert error.until == (pause and pytest.approx(time.time() + pause, abs=5))


@ON_SQLITE
async def test_thousands_of_look_alikes_do_not_hold_up_the_others(stage: Stage) -> None:
    alike = [{"ID": str(n), "NAME": " ".join(["а" * 38] * 5), "ACTIVE": True} for n in range(5_000)]
    stage.portal.state.faults.add(MethodFault("user.search", RESULT, alike, None))
    await stage.type("/invite @" + " ".join(["а" * 39] * 4))

    # Of this process's own time: how long the machine lets it wait is another matter.
    slowest = 0.0
    while not stage.stored() or stage.waiting():
        asked = time.process_time()
        async with stage.session.get(f"{stage.settings.public_url}/healthz") as response:
            assert response.status == 200
        slowest = max(slowest, time.process_time() - asked)

    assert slowest < NOTICED
    assert "нет" in (await stage.told_privately())[-1]


@ON_SQLITE
async def test_what_a_portal_lists_is_cut_to_a_page(stage: Stage) -> None:
    rows = [{"ID": n, "NAME": "Гость", "LAST_NAME": "Я" * 5_000} for n in range(1_000, 1_400)]
    stage.portal.state.faults.add(MethodFault("user.search", RESULT, rows, None))

    reply = await stage.say("/invite @Гость")

    assert "найдено несколько человек" in reply
    [picker] = (await stage.get("dialogs/7"))["messages"][-1:]
    assert all(len(one["TEXT"]) < 300 for one in picker["keyboard"])


@ON_SQLITE
@pytest.mark.parametrize("result", ["nonsense" * 5_000, [], {"a": 1}, 10**30, 8773.5, True, False])
async def test_whatever_answers_a_change_its_requester_is_told(
    stage: Stage, result: object
) -> None:
    await stage.faults(method=ADD, result=result)

    reply = await stage.say("/invite id12")

    assert "добавил" in reply or "чата" in reply
    assert "произошёл сбой" not in reply
    assert stage.count("SELECT max(length(result)) FROM journal") < 10_000


@ON_SQLITE
async def test_whatever_the_portal_says_of_an_error_is_stored_without_the_token(
    stage: Stage,
) -> None:
    code, description = "ODD\0\n" + "X" * 300, "\ud800\0 auth={auth} " + "y" * 5_000
    await stage.faults(method=ADD, error={"status": 400, "code": code, "description": description})

    await stage.say("/invite id12")

    with stage.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT code, answered_at, result FROM journal")
        [row] = [dict(one) for one in rows.mappings()]
    assert row["answered_at"] is not None
    assert row["code"].startswith("ODD")
    assert len(row["code"]) == 64
    assert row["code"].isprintable()
    assert "auth=***" in row["result"]
    assert len(row["result"]) < 2_000


@ON_SQLITE
@pytest.mark.settings(rest_timeout=30, retry_for=30)
async def test_large_events_take_neither_memory_nor_disk(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with _two_portals(portal, settings, tmp_path) as (evil, healthy, pid):
        await _invited(healthy, 20_000)
        await evil.faults(method="*", delay=60, times=None)
        before, stored = dict(memory(pid)), _disk(tmp_path)
        large = "/invite id12\n" + "щ" * 150_000
        for number in range(EVENTS):
            fields = {
                "data[message][id]": str(200_000 + number),
                "data[message][text]": large,
                "data[chat][entityData1]": "x" * 40_000,
                "data[user][name]": "x" * 40_000,
            }
            assert (await post(evil, sample(evil, **fields)))[0] in (200, 503)
        await _invited(healthy, 20_001)
        after = dict(memory(pid))

        assert after["VmHWM"] - before["VmRSS"] < GROWTH
        assert _disk(tmp_path) - stored < EVENTS * 100_000 / 2**20


async def accepted(inbox: Inbox, event: CommandEvent) -> Accepted:
    command = await inbox.accept(event)
    assert command is not None
    return command


async def test_what_waits_is_bounded_in_bytes_too(database_url: str) -> None:
    event = CommandEvent.model_validate(
        {"member_id": "m" * 32, "bot": {"id": 456}, "message": {"id": 1, "text": "щ" * 10**6},
         "command": {"id": 24, "command": "/who"}, "chat": {"dialog_id": "chat1"},
         "user": {"id": 7}}
    )  # fmt: skip
    database = Database(engine_for(database_url))
    counted, inbox = backlog.Backlog(database), Inbox(database, Cipher([SecretStr(KEY)]))
    rooms = []
    for number in range(250):
        message = event.message.model_copy(update={"id": number})
        another = event.model_copy(update={"message": message})
        rooms.append(await counted.room(another))
        counted.added(await accepted(inbox, another))
    await database.close()

    assert len(event.message.text) == 20_000
    assert [rooms.index(one) for one in backlog.Room] == [
        0, *(pytest.approx(n * backlog.REQUESTER_SIZE / 40_500, abs=3) for n in (1, 2))
    ]  # fmt: skip


@ON_SQLITE
async def test_the_fuller_it_is_the_less_may_wait_of_one_portal(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "TOTAL_LIMIT", 64)
    database = Database(engine_for(database_url))
    counted, inbox = backlog.Backlog(database), Inbox(database, Cipher([SecretStr(KEY)]))
    taken = []
    for portal in ("a" * 32, "b" * 32, "c" * 32, "d" * 32):
        for number in range(64):
            event = CommandEvent.model_validate(
                {"member_id": portal, "bot": {"id": 456}, "message": {"id": number},
                 "command": {"id": 24, "command": "/who"}, "chat": {"dialog_id": "chat1"},
                 "user": {"id": number + 1}}
            )  # fmt: skip
            if await counted.room(event) is not backlog.Room.ENOUGH:
                break
            counted.added(await accepted(inbox, event))
        taken.append(number)
    await database.close()

    # Half of what is left, whoever comes.
    assert taken == [32, 16, 8, 4]


async def test_what_has_arrived_is_held_once_and_not_by_what_went_wrong() -> None:
    came = asyncio.Event()
    held = [Piece(b"x" * 1_000), Piece(b"x" * 1_000)]
    seen = [weakref.ref(one) for one in held]

    async def pieces() -> AsyncIterator[bytes]:
        yield held.pop()
        came.set()
        await asyncio.sleep(0)
        yield held.pop()

    reading = asyncio.create_task(Arriving(10_000).read(pieces(), "somebody", 1_500))
    await came.wait()
    assert [one() is None for one in seen] == [False, True]

    with pytest.raises(TooLarge) as raised:
        await reading
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    locals_ = [value for frame in frames for value in frame.f_locals.values()]
    assert not [value for value in locals_ if isinstance(value, bytearray) and len(value) > 1_000]


@asynccontextmanager
async def _two_portals(
    portal: Portal, settings: Settings, folder: Path
) -> AsyncIterator[tuple[Stage, Stage, int]]:
    """Give two portals of one bot, and the bot's process, which is killed at the end."""
    async with (
        running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, member_id="f" * 32) as other,
        ClientSession() as session,
    ):
        servers = {"bitrix24_oauth_urls": [portal.oauth_url, other.oauth_url]}
        both = settings.model_copy(update=servers)
        async with bot_process(both, log=folder / "log") as process:
            await ready(both, session)
            first, second = (Stage(one, both, session) for one in (portal, other))
            assert [await first.install(), await second.install()] == [200, 200]
            yield first, second, process.pid
            for stage in (first, second):
                stage.engine.dispose()


def _disk(folder: Path) -> float:
    """Give what the database takes, in MiB."""
    return sum(one.stat().st_size for one in folder.glob("bot.db*")) / 2**20


async def _invited(stage: Stage, person: int, patience: float = NOTICED) -> None:
    """Have somebody invited, and see that it does not take long."""
    stage.portal.state.users[person] = User(person, "Гость", str(person), "M", "", [5])
    await stage.type(f"/invite id{person}")
    await stage.until(partial(_is_member, stage, person), patience)


async def _is_member(stage: Stage, person: int) -> bool:
    return person in await stage.members()


async def _has_tried(stage: Stage, count: int) -> bool:
    return len(await stage.calls()) + len(await stage.get("refreshes")) >= count


async def _is_limited(stage: Stage) -> bool:
    return any(one["error"] == LIMIT["code"] for one in await stage.calls(ADD))
