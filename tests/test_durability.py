"""A portal that hangs, more than fits: nothing that got its 200 is lost, and what is old goes."""

import asyncio
import time

import pytest
from aiohttp import ClientSession
from stage import (
    ADD,
    ANNA,
    CHAT,
    CLIENT_ID,
    CLIENT_SECRET,
    IVAN,
    OLGA,
    OTHER_CHAT,
    Stage,
    bot_running,
    settings_for,
)
from test_events import post, sample

import bot.app
from bot.bitrix24.events import CommandEvent
from bot.inbox import backlog
from bot.inbox.accepted import Accepted
from bot.settings import Settings
from bot.store.database import Database, engine_for
from sandbox.server import Portal, running


@pytest.mark.settings(rest_timeout=30)
async def test_commands_of_a_chat_wait_for_each_other_and_chats_do_not(stage: Stage) -> None:
    await stage.faults(method="batch", delay=6)
    await stage.type("/invite id12\n/invite id15\n/invite id41")
    await stage.until(lambda: _arrived(stage, 3))
    await stage.until(lambda: _has_begun(stage))

    await stage.type("/invite id12", chat=OTHER_CHAT)
    await stage.joined(IVAN, OTHER_CHAT)

    assert await stage.members() == [OLGA, 599]
    await stage.settled()
    asked = [
        call["params"]["USER_ID"]
        for call in await stage.calls(ADD)
        if call["params"]["CHAT_ID"] == str(CHAT)
    ]
    assert asked == ["12", "15", "41"]


@pytest.mark.settings(rest_timeout=30)
async def test_whoever_waits_behind_a_slow_command_is_told_so_once(stage: Stage) -> None:
    await stage.say(f"/invite id{ANNA}")
    await stage.faults(method="batch", delay=9)
    await stage.type("/invite id12")
    await stage.type("/who", user=ANNA)
    await stage.type("/who", user=ANNA)

    await stage.until(lambda: stage.told_privately(ANNA))
    assert stage.waiting() == 3
    await stage.settled()

    assert sum("отвечает медленно" in one for one in await stage.told_privately(ANNA)) == 1
    assert sum("отвечает медленно" in one for one in await stage.told_privately()) == 1


async def test_whoever_has_too_much_waiting_is_told_so(stage: Stage) -> None:
    await stage.faults(method="batch", delay=4.0, times=None)
    limit = backlog.REQUESTER_LIMIT
    body = sample(stage)
    for number in range(limit + 3):
        fields = {**body, "data[message][id]": str(100_000 + number), "data[language]": "ru"}
        status, _ = await post(stage, fields)
        assert status == 200

    await stage.until(lambda: _has_heard(stage, "Слишком много команд уже ждёт"))
    anna = {**body, "data[message][id]": "200000", "data[user][id]": str(ANNA),
            "data[message][authorId]": str(ANNA), "data[chat][id]": str(OTHER_CHAT),
            "data[chat][dialogId]": f"chat{OTHER_CHAT}",
            "auth[user_id]": str(ANNA),
            "auth[access_token]": stage.portal.state.tokens.issue(ANNA, "user").access,
            "data[chat][entityData2]": "DEAL|301"}  # fmt: skip
    await stage.faults(clear=True)
    await stage.faults(user={"id": ANNA, "history": "any"})
    await post(stage, anna)
    await stage.joined(IVAN, OTHER_CHAT)


async def test_what_other_processes_have_answered_takes_no_room(database_url: str) -> None:
    event = CommandEvent.model_validate(
        {"bot": {"id": 456}, "command": {"id": 24, "command": "/who"}, "message": {"id": 1},
         "chat": {"dialog_id": "chat1"}, "user": {"id": OLGA}}
    )  # fmt: skip
    database = Database(engine_for(database_url))
    counted = backlog.Backlog(database)
    for number in range(backlog.REQUESTER_LIMIT):
        counted.added(Accepted(number, event, 0.0, 0.0))

    rooms = await asyncio.gather(*(counted.room(event) for _ in range(5)))
    await database.close()

    assert rooms == [backlog.Room.ENOUGH] * 5


async def test_one_portal_hangs_and_the_other_does_not_notice(
    monkeypatch: pytest.MonkeyPatch, portal: Portal, settings: Settings
) -> None:
    # Nobody waits in the end for the portal that hangs.
    monkeypatch.setattr(bot.app, "STOP_PATIENCE", 0.1)
    async with running(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, member_id="f" * 32
    ) as other:
        both = settings.model_copy(
            update={"bitrix24_oauth_urls": [portal.oauth_url, other.oauth_url]}
        )
        async with ClientSession() as session, bot_running(both):
            hanging, healthy = (Stage(one, both, session) for one in (portal, other))
            assert [await hanging.install(), await healthy.install()] == [200, 200]
            await hanging.faults(method="*", delay=60, times=None)
            for chat in (CHAT, OTHER_CHAT):
                await hanging.type("/invite id12\n/invite id15", chat=chat)
            await hanging.until(lambda: _arrived(hanging, 4))

            await healthy.type("/invite id12")
            await healthy.joined(IVAN)

            assert hanging.waiting() >= 4
            for stage in (hanging, healthy):
                stage.engine.dispose()


async def test_a_command_and_its_answer_survive_a_portal_that_counts_differently(
    stage: Stage,
) -> None:
    # The portal's bucket is far smaller than the bot thinks.
    await stage.faults(bucket={"size": 2, "rate": 4})

    for number in (12, 15, 41):
        await stage.type(f"/invite id{number}")
    await stage.settled(30)

    assert {12, 15, 41} <= set(await stage.members())
    assert len(await stage.heard()) >= 3


@pytest.mark.settings(retry_for=20)
async def test_a_method_whose_time_is_used_up_is_left_alone_until_it_is_taken_again(
    stage: Stage,
) -> None:
    told = {
        "status": 429,
        "code": "OPERATION_TIME_LIMIT",
        "description": "",
        "operating_reset_in": 2,
    }
    await stage.faults(method=ADD, error=told)
    began = time.time()

    await stage.type("/invite id12")
    await stage.until(lambda: _has_called(stage, ADD))
    await stage.type("/invite id15", chat=OTHER_CHAT)
    await stage.settled(20)

    calls = await stage.calls(ADD)
    assert [call["error"] for call in calls] == ["OPERATION_TIME_LIMIT", None, None]
    assert min(call["at"] for call in calls[1:]) >= began + 0.9
    assert IVAN in await stage.members()


async def test_what_is_old_is_forgotten(stage: Stage) -> None:
    await stage.say("/invite id12")
    with stage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE inbox SET done_at = done_at - 15 * 86400")
        connection.exec_driver_sql("UPDATE journal SET begun_at = begun_at - 366 * 86400")

    # A bot looks for what is old when it starts.
    again = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(again):
        await stage.until(lambda: _is_empty(stage))


async def test_the_number_of_a_forgotten_command_is_not_given_again(stage: Stage) -> None:
    await stage.say("/invite id12")
    with stage.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM inbox")

    await stage.say("/remove id12")

    assert IVAN not in await stage.members()


async def _has_begun(stage: Stage) -> bool:
    return stage.count("SELECT count(*) FROM journal") > 0


async def _arrived(stage: Stage, count: int) -> bool:
    deliveries = await stage.get("deliveries")
    return sum(one["status"] == 200 for one in deliveries) >= count


async def _has_heard(stage: Stage, words: str) -> bool:
    return any(words in said for said in await stage.told_privately())


async def _has_called(stage: Stage, method: str) -> bool:
    return bool(await stage.calls(method))


async def _is_empty(stage: Stage) -> bool:
    return not stage.stored() and not stage.count("SELECT count(*) FROM journal")
