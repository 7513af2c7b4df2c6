"""Forged commands by the dozen keep nobody waiting, and have nobody asked or told without end."""

import asyncio
import time
from collections.abc import Callable
from itertools import count

import pytest
from attacking import TYPED, as_bots, forged, garbage, post, put, rows
from stage import BOSS, BOT, CUSTOMER, DRIVER, IVAN, ON_SQLITE, SEND, Stage

import bot.app
from bot.inbox import backlog


@ON_SQLITE
@pytest.mark.parametrize("name", [lambda _: BOSS, lambda number: 50_000 + number], ids="1n")
async def test_forged_commands_do_not_keep_the_operators_waiting(
    monkeypatch: pytest.MonkeyPatch, known: Stage, name: Callable[[int], int]
) -> None:
    """Two hundred in one name or in many, with tokens that the portal has to be asked about."""
    # Nobody waits in the end for what is left of them.
    monkeypatch.setattr(bot.app, "STOP_PATIENCE", 0.1)
    for number in range(200):
        user = name(number)
        fields = forged(known, TYPED, user=user, data__chat__dialogId=f"chat{number + 1}")
        made_up = {"auth[access_token]": f"1{number}" * 20,
                   "data[bot][auth][access_token]": f"2{number}" * 20}  # fmt: skip
        await put(known, {**fields, **garbage(user), **as_bots(garbage(BOT)), **made_up})
    before = len(await known.requests())

    await known.type(TYPED)
    await known.joined(IVAN)

    # Two at least; on a slow machine more of the others slip in between.
    assert len(await known.requests()) - before <= 20


async def test_forged_lines_do_not_hold_a_chat_up(known: Stage) -> None:
    """Lines of older messages, whose earlier lines never come: each new one waits for them.

    They go on coming, so whoever waits for them waits for ever.
    """
    words = f"/who\n/check id12\n{TYPED}"
    numbers = count(1)

    async def flood() -> None:
        while True:
            older = {"data__message__id": str(next(numbers)), "data__message__text": words}
            await put(known, forged(known, TYPED, user=BOSS, **older))
            await asyncio.sleep(0.4)

    before = known.stored()
    flooding = asyncio.create_task(flood())
    try:
        await known.until(lambda: _has_more(known, before))
        await known.type(f"/invite id{DRIVER}")
        await known.joined(DRIVER)
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def _has_more(stage: Stage, stored: int) -> bool:
    return stage.stored() > stored


@pytest.mark.parametrize("user", [BOSS, 50_000], ids=["a colleague", "nobody"])
async def test_forged_commands_leave_nothing_behind(known: Stage, user: int) -> None:
    """As long as a message may be, and about none of them anybody is told but of the first."""
    long = f"{TYPED} -- {'x' * 19_000}"
    for number in range(40):
        there = {"data__chat__dialogId": f"chat{number + 1}"}
        await put(known, forged(known, long, user=user, **there))
    await known.settled()

    left = rows(known, "SELECT id FROM inbox WHERE requester_id = :user", user=user)

    # The page shows ten that the person may mean; several may be looked at at once.
    assert len(left) <= (25 if user == BOSS else 0)


@ON_SQLITE
async def test_nobody_has_the_bot_talk_to_a_colleague_again_and_again(known: Stage) -> None:
    before = len(await known.told_privately(BOSS))
    for number in range(10):
        there = {"data__chat__dialogId": f"chat{number + 1}"}
        await put(known, forged(known, "/help", user=BOSS, **there))
    await known.settled()

    # A minute may end meanwhile.
    assert len(await known.told_privately(BOSS)) - before <= 2

    # What is their own is answered as often as they like.
    for number in range(3):
        there = {"data__chat__dialogId": f"chat{number + 100}", **known.bots_token()}
        await put(known, forged(known, "/help", user=BOSS, **there))
    await known.settled()
    assert len(await known.told_privately(BOSS)) - before >= 4


@ON_SQLITE
@pytest.mark.parametrize("user", [CUSTOMER, BOSS])
async def test_that_too_much_waits_is_told_to_colleagues_alone_and_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, known: Stage, user: int
) -> None:
    monkeypatch.setattr(backlog, "REQUESTER_LIMIT", 20)
    await known.faults(method="profile", delay=2.0, times=None)
    for number in range(30):
        fields = forged(known, TYPED, user=user, data__chat__dialogId=f"chat{number + 1}")
        await put(known, {**fields, **garbage(user), **as_bots(garbage(BOT))})
    await known.faults(clear=True)
    await known.settled()

    sent = [one["params"] for one in await known.calls(SEND)]
    told = [str(one["fields"]["message"]) for one in sent if str(one["dialogId"]) == str(user)]
    full = [one for one in told if "команд уже ждёт" in one]
    # A minute may end meanwhile.
    assert len(full) in ((1, 2) if user == BOSS else (0,))


@ON_SQLITE
async def test_no_portal_has_the_authorization_server_asked_without_end(
    monkeypatch: pytest.MonkeyPatch, known: Stage
) -> None:
    """It takes no ``profile`` for a while, so that server is asked whose a token is."""
    monkeypatch.setattr(bot.app, "STOP_PATIENCE", 0.1)
    busy = {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 300}
    await known.faults(method="profile", error=busy)
    before, began = len(await known.get("refreshes")), time.monotonic()
    for number in range(200):
        user = 50_000 + number
        fields = forged(known, TYPED, user=user, data__chat__dialogId=f"chat{number + 1}")
        made_up = {"data[bot][auth][access_token]": f"2{number}" * 20}
        await put(known, {**fields, **as_bots(garbage(BOT)), **made_up})
    await known.until(lambda: _is_refreshed(known, before + 40))
    await asyncio.sleep(1.0)

    refreshes = len(await known.get("refreshes")) - before
    # What fits into a bucket at once, and two a second.
    assert refreshes <= 50 + 2 * (time.monotonic() - began) + 4


async def _is_refreshed(stage: Stage, times: int) -> bool:
    return len(await stage.get("refreshes")) >= times


@ON_SQLITE
async def test_the_portal_is_asked_once_about_a_token_that_it_does_not_know(known: Stage) -> None:
    before = len(await known.calls())

    await post(known, {**forged(known, TYPED, user=BOSS), **garbage(BOSS)})

    calls = (await known.calls())[before:]
    assert len([one for one in calls if one["error"] and not one["batch"]]) == 1
