"""What an escalation outlasts: lost tokens, another operator, a silent portal, an erasure."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from acting import press_at, said
from connecting import connected, offered
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    called,
    ended,
    ends,
    in_chat,
    next_one,
    passed_on,
    speaking,
    stop_button,
    takes,
    time_passes,
)
from installing import departed
from stage import (
    ADD,
    ADMIN,
    ANNA,
    BOSS,
    BOT,
    CHAT,
    CUSTOMER,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    RESPONSIBLE,
    SEND,
    Stage,
    bot_running,
    settings_for,
)
from terminal import ran

import bot.inbox.due


@LANGUAGES_AND_DATABASES
async def test_it_waits_for_its_requesters_permission(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    await stage.faults(tokens="revoked", user_id=OLGA)

    await time_passes(stage, 301)

    assert words["connect"] in await said(stage, "🔑")
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert ends(stage) == [None]
    status, _page = await connected(stage, await offered(stage))
    assert status == 200
    await next_one(stage, BOSS)
    assert (await called(stage))[-1] == BOSS


@ON_SQLITE
@LANGUAGES
@pytest.mark.parametrize("not_needed", ["stay", "leave"])
async def test_that_it_is_taken_is_told_without_its_requesters_permission(
    empty_stage: Stage, language: str, not_needed: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language, not_needed=not_needed, trail=True)
    await passed_on(stage)
    await stage.faults(tokens="revoked", user_id=OLGA)

    await takes(stage, BOSS)
    await ended(stage, "taken")

    told = "\n".join(await stage.told_privately())
    assert words["connect"] not in told
    assert "[USER=3]Борис Волков[/USER]" in told.splitlines()[-1]
    assert "[USER=3]Борис Волков[/USER]" in (await in_chat(stage))[-1]
    assert words["not needed"] in (await stage.told_privately(RESPONSIBLE))[-1]
    # Nobody can be taken out as her now.
    assert RESPONSIBLE in await stage.members()


@ON_SQLITE
async def test_it_is_stopped_without_its_requesters_permission(stage: Stage) -> None:
    await passed_on(stage)
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.faults(events={"tokens": "none"})

    await press_at(stage, *await stop_button(stage), OLGA)
    await ended(stage, "stopped")

    for person in (RESPONSIBLE, BOSS):
        assert "вызов отменён" in (await stage.told_privately(person))[-1]


@ON_SQLITE
async def test_a_dialog_that_is_passed_on_goes_on(stage: Stage) -> None:
    await stage.say("/escalate")
    chat = stage.portal.state.chats[CHAT]
    chat.owner, chat.members = ANNA, [ANNA, CUSTOMER, BOT]

    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


FULL = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}


@ON_SQLITE
@pytest.mark.settings(retry_for=1.5)
@pytest.mark.parametrize("fault", [{"html": 503}, {"error": FULL}])
async def test_a_portal_that_does_not_answer_holds_it_up(
    stage: Stage, fault: dict[str, Any]
) -> None:
    await stage.say("/escalate")
    await stage.faults(method="*", times=None, **fault)
    await time_passes(stage, 301)

    async def is_put_off() -> bool:
        late = "SELECT count(*) FROM escalations WHERE due_at > until AND due_at < until + 3600"
        return bool(stage.count(late)) and not stage.waiting()

    await stage.until(is_put_off, 20)
    await stage.faults(clear=True)
    await time_passes(stage, 61)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_a_portal_that_is_down_for_long_loses_nothing(stage: Stage) -> None:
    await stage.say("/escalate")
    full = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "x"}
    await stage.faults(method="batch", error=full, times=3)
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_call_without_an_answer_is_neither_lost_nor_doubled(
    stage: Stage, drop: str
) -> None:
    await stage.say("/escalate")
    await stage.faults(method=ADD, drop=drop)
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    await stage.settled()

    assert (await called(stage)).count(BOSS) <= (2 if drop == "before" else 1)
    assert (await stage.members()).count(BOSS) == 1
    assert ends(stage) == [None]
    cards = [one for one in await stage.told_privately(BOSS) if "зовёт вас" in one]
    assert len(cards) == 1


@ON_SQLITE
@pytest.mark.parametrize("is_said", [False, True])
async def test_where_its_requester_is_dismissed_the_administrator_hears_of_it_in_time(
    stage: Stage, is_said: bool
) -> None:
    await stage.say("/escalate -- срочно")
    with stage.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tokens WHERE user_id = 7")
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.faults(user={"id": OLGA, "active": False})
    if is_said:
        # Whoever was called has their time all the same.
        with stage.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE escalations SET due_at = 0")
        await stage.until(lambda: has_looked(stage))
        assert ends(stage) == [None]
    await time_passes(stage, 301)

    await ended(stage, "nobody")

    told = await said(stage, "⚠️ Никто не взял вопрос за 5 минут", ADMIN)
    assert "Помощь нужна: [USER=7]" in told
    assert "срочно" in told
    assert await called(stage) == [RESPONSIBLE]


async def has_looked(stage: Stage) -> bool:
    return bool(stage.count("SELECT count(*) FROM escalations WHERE due_at = until"))


@ON_SQLITE
async def test_who_is_erased_has_no_part_in_it_and_it_goes_on(stage: Stage) -> None:
    """Erased are Roman, who was called, and then Olga, who has asked: with her it is gone."""
    await stage.say("/escalate")
    member_id = stage.portal.state.settings.member_id
    forget = ("forget", "--portal", member_id, "--yes", "--person")

    assert (await ran(stage.settings, *forget, str(RESPONSIBLE))).code == 0
    await stage.faults(user={"id": RESPONSIBLE, "absent": "2027-12-01T00:00:00+03:00"})
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    assert (await said(stage, "⏭")).startswith("⏭ В чат [CHAT=8773]")
    assert (await ran(stage.settings, *forget, str(OLGA))).code == 0
    assert ends(stage) == []


@ON_SQLITE
async def test_where_the_clock_jumps_nobody_is_called_early_or_twice(stage: Stage) -> None:
    await stage.say("/escalate")
    await time_passes(stage, -7200)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    await time_passes(stage, 7200 + 3600)
    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_a_process_whose_clock_is_ahead_holds_nothing_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks what is due, and one whose clock is right carries that out."""
    await stage.say("/escalate")
    ahead = SimpleNamespace(time=lambda: time.time() + 301)
    monkeypatch.setattr(bot.inbox.due, "time", ahead)

    await next_one(stage, BOSS)
    await ended(stage, "nobody")

    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
@pytest.mark.parametrize("clean", [False, True])
async def test_who_installs_anew_does_not_carry_it_on(stage: Stage, clean: bool) -> None:
    """The pairs went with the app: its requester is asked again."""
    await stage.say("/escalate")
    await stage.post("uninstall", {"clean": clean})
    await departed(stage)
    assert await stage.install() == 200
    await time_passes(stage, 301)

    async def is_asked() -> bool:
        return any("🔑" in str(call["params"]) for call in await stage.calls(SEND))

    await stage.until(is_asked)
    await stage.settled()

    assert await called(stage) == [RESPONSIBLE]


@ON_POSTGRESQL
async def test_two_processes_call_the_next_one_once(stage: Stage) -> None:
    settings = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(settings):
        await stage.say("/escalate")
        await time_passes(stage, 301)
        await next_one(stage, BOSS)
        await time_passes(stage, 301)
        await ended(stage, "nobody")

    assert await called(stage) == [RESPONSIBLE, BOSS]
    assert len([one for one in await stage.told_privately() if one.startswith("⏭")]) == 1
    assert len([one for one in await stage.told_privately() if "Никто не взял вопрос" in one]) == 1
