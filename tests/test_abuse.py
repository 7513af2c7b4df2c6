"""Floods of nonsense, slow bodies, crowds: clear answers, bounded memory, nobody else harmed."""

import asyncio
import os
import resource
import signal
import time
from asyncio.subprocess import Process
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import ClientError, ClientSession
from hostile import dribble, exchange, flood, large, memory, request, small
from process import bot_process, ready
from stage import CHAT, IVAN, ON_SQLITE, Stage
from test_events import post, sample

from bot.settings import Settings
from bot.web.requests import LARGE_A_SECOND
from sandbox.server import Portal

# `make flood`, which is a part of CI, sends fifty thousand.
REQUESTS = int(os.environ.get("FLOOD", "5000"))
LARGE = 300
SLOW = 200
# What a flood may add, in MiB: bodies under way are bounded at 32, the rest is Python's heap.
PEAK, LASTING = 96.0, 48.0
FILES = 256
CLEAR = {200, 400, 403, 404, 405, 408, 413, 429, 503}

pytestmark = [
    pytest.mark.timeout(240),
    ON_SQLITE,
    pytest.mark.settings(trusted_proxies=1, log_level="WARNING"),
]


async def test_a_flood_of_nonsense_is_answered_and_nothing_of_it_stays(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    log, port = tmp_path / "log", settings.port
    async with ClientSession() as session, bot_process(settings, log=log) as process:
        stage = Stage(portal, settings, session)
        await ready(settings, session)
        assert await stage.install() == 200
        makers = small(sample(stage))
        # Python takes its heap with the first few thousand.
        warm = await flood(port, makers, 3_000, lanes=10, pipelined=50)
        before = dict(memory(process.pid))

        slow = asyncio.create_task(dribble(port, SLOW))
        floods = asyncio.gather(
            flood(port, makers, REQUESTS - LARGE, lanes=10, pipelined=50),
            flood(port, large(), LARGE, lanes=4, pipelined=1),
        )
        await stage.say("/invite id12")
        many, big = await floods
        told = await slow
        after = dict(memory(process.pid))
        stored = stage.stored()
        stage.engine.dispose()
    answers = Counter(warm) + many + big + told
    words = log.read_text()

    assert IVAN in portal.state.chats[CHAT].members
    assert stored == 1
    assert answers.keys() <= CLEAR, answers
    assert {400, 403, 413, 429} <= answers.keys()
    assert told == {408: SLOW}
    assert after["VmHWM"] - before["VmRSS"] < PEAK
    assert after["VmRSS"] - before["VmRSS"] < LASTING
    assert "Traceback" not in words
    assert len(words.splitlines()) < 2_000


async def test_a_crowd_that_says_nothing_keeps_nobody_out(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    crowd = []
    async with (
        ClientSession() as session,
        bot_process(settings, log=tmp_path / "log") as process,
    ):
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FILES, hard))
        stage = Stage(portal, settings, session)
        await ready(settings, session)
        for number in range(FILES * 2):
            _, writer = await asyncio.open_connection("127.0.0.1", settings.port)
            writer.write(request(b"x", sender=number)[:40])
            crowd.append(writer)

        assert await stage.install() == 200
        await stage.say("/invite id12")
        held = len(os.listdir(f"/proc/{process.pid}/fd"))
        stage.engine.dispose()
        for writer in crowd:
            writer.transport.abort()

    assert IVAN in portal.state.chats[CHAT].members
    assert held < FILES


@pytest.mark.settings(portal_bucket=10_000, portal_rate=1_000)
async def test_whoever_got_a_200_while_the_bot_starts_and_stops_is_stored(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        await stage.faults(bucket={"size": 10**6, "rate": 10**6})
        async with bot_process(settings, log=tmp_path / "log"):
            await ready(settings, session)
            assert await stage.install() == 200
        answers: Counter[int] = Counter()
        event = sample(stage)
        async with bot_process(settings, log=tmp_path / "log") as process:
            lanes = [asyncio.create_task(_keep_sending(stage, event, lane, answers, process))
                     for lane in range(4)]  # fmt: skip
            await stage.until(lambda: _are_taken(answers))
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 25) == 0
        await asyncio.gather(*lanes)
        stored = stage.stored()
        stage.engine.dispose()

    assert answers.keys() <= {0, 200, 503}, answers
    assert stored == answers[200]


@pytest.mark.settings(trusted_proxies=1)
async def test_only_who_is_wrong_runs_out_of_credit(stage: Stage) -> None:
    strangers = [request(b"event=1&auth[member_id]=%d" % n, sender=1) for n in range(200)]
    large = b"event=" + b"x" * 200_000
    address = ("127.0.0.1", stage.settings.port)

    # In one go: what they have used comes back by the second.
    *told, again = await exchange(address[1], b"".join([*strangers, request(large, sender=1)]), 201)
    [other] = await exchange(address[1], request(b"event=1", sender=2), 1)
    event = sample(stage)
    [known] = await exchange(address[1], request(urlencode(event).encode(), sender=1), 1)

    assert told[0] == 403
    assert told[-1] == again == 429
    assert other == 403
    assert known == 200


async def test_bodies_that_never_end_keep_no_event_out(stage: Stage) -> None:
    announced = request(b"event=" + b"x" * 1_048_570, sender=1)[:400]
    crowd = [await _connected(stage, announced) for _ in range(100)]
    large = sample(
        stage, **{"data[message][text]": "/invite [USER=12]Ann Lee[/USER]\n" + "щ" * 40_000}
    )
    small = sample(stage, **{"data[message][id]": "90312"})

    statuses = [(await post(stage, event))[0] for event in (large, small)]

    for writer in crowd:
        writer.transport.abort()
    assert statuses == [200, 200]


async def test_one_address_does_not_hold_all_connections(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    begun = request(b"event=" + b"x" * 20_000, sender=1)[:400]
    async with (
        ClientSession() as session,
        bot_process(settings, log=tmp_path / "log", files=FILES),
    ):
        stage = Stage(portal, settings, session)
        await ready(settings, session)
        assert await stage.install() == 200
        crowd = []
        for _ in range(FILES):
            crowd.append(asyncio.create_task(exchange(settings.port, begun, 1)))
            # Whoever is turned away has gone before the next one comes.
            await asyncio.wait(crowd[-1:], timeout=0.05)

        events = [sample(stage, **{"data[message][id]": str(number)}) for number in range(1, 6)]
        statuses = [
            await exchange(settings.port, request(urlencode(one).encode()), 1) for one in events
        ]

        stage.engine.dispose()
        for task in crowd:
            task.cancel()
    assert statuses == [[200]] * 5


async def test_large_bodies_are_read_at_their_pace_and_small_ones_at_once(stage: Stage) -> None:
    text = "/who\n" + "щ" * 40_000
    large = [
        sample(stage, **{"data[message][id]": str(number), "data[message][text]": text})
        for number in range(1, 9)
    ]
    began = time.monotonic()
    reading = asyncio.gather(*(post(stage, event) for event in large))
    small, _ = await post(stage, sample(stage))
    is_early = not reading.done()
    statuses = [status for status, _ in await reading]

    assert small == 200
    assert is_early
    assert statuses == [200] * len(large)
    assert time.monotonic() - began > 0.9 * (len(large) - 1) / LARGE_A_SECOND


async def test_who_has_no_credit_does_not_spend_that_of_others(stage: Stage) -> None:
    await _wrong(stage, 1_500, senders=1)

    [other] = await exchange(stage.settings.port, request(b"event=1", sender=2), 1)

    assert other == 403


async def test_who_has_proven_himself_does_not_pay_for_strangers(stage: Stage) -> None:
    await stage.say("/who")
    await _wrong(stage, 2_000, senders=20)
    large = sample(stage, **{"data[message][text]": "/who\n" + "щ" * 40_000})

    [stranger] = await exchange(stage.settings.port, request(b"event=1", sender=99), 1)
    known, _ = await post(stage, large)

    assert stranger == 429
    assert known == 200


@pytest.mark.settings(trusted_proxies=0)
async def test_nobody_hides_behind_a_header_where_no_proxy_is_trusted(stage: Stage) -> None:
    strangers = [request(b"event=1", sender=number) for number in range(200)]

    told = await exchange(stage.settings.port, b"".join(strangers), len(strangers))

    assert told[-1] == 429


async def _wrong(stage: Stage, count: int, senders: int) -> None:
    """Have so many addresses post what is wrong."""
    wrong = [request(b"", sender=1_000 + number % senders) for number in range(count)]
    for start in range(0, count, 100):
        await exchange(stage.settings.port, b"".join(wrong[start : start + 100]), 100)


async def _connected(stage: Stage, sent: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", stage.settings.port)
    writer.write(sent)
    return writer


async def _keep_sending(
    stage: Stage, event: dict[str, str], lane: int, answers: Counter[int], process: Process
) -> None:
    number = 0
    while process.returncode is None:
        number += 1
        fields = {**event, "data[message][id]": str(lane * 10**6 + number)}
        url = f"{stage.settings.public_url}/bitrix24/events"
        try:
            async with stage.session.post(url, data=fields) as response:
                answers[response.status] += 1
        except ClientError:
            answers[0] += 1
        await asyncio.sleep(0.01)


async def _are_taken(answers: Counter[int]) -> bool:
    return answers[200] >= 40
