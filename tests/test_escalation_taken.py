"""An escalation that somebody takes: what counts as taking it, and who hears of it."""

import json
import re
import time

import pytest
import tab_page
from acting import DELETE, press_at
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    TAKE,
    called,
    card,
    deciding,
    ended,
    ends,
    in_chat,
    next_one,
    passed_on,
    passes_on,
    speaking,
    takes,
    time_passes,
)
from sqlalchemy import text
from stage import BOSS, CHAT, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, SEND, UNHURRIED, Stage


@LANGUAGES_AND_DATABASES
async def test_who_presses_takes_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    await time_passes(stage, 99.5)

    await press_at(stage, number, TAKE, RESPONSIBLE)
    await ended(stage, "taken")

    assert (await stage.told_privately(RESPONSIBLE))[-1] == words["thanks"]
    assert (await in_chat(stage))[-1] == words["line"]
    assert (await stage.told_privately())[-1] == words["taken"]
    await time_passes(stage, 3600)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert (await in_chat(stage)).count(words["line"]) == 1


@ON_SQLITE
@pytest.mark.parametrize("revision", [32, 36])
async def test_a_line_that_can_no_longer_be_an_answer_is_not_for_the_customer(
    empty_stage: Stage, revision: int
) -> None:
    stage = empty_stage
    await stage.faults(revision=revision)
    words = await speaking(stage, "en")
    await stage.faults(events={"late": 660})
    await stage.say("/escalate")

    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")

    lines = [one for one in (await stage.chat())["messages"] if "took it" in one["text"]]
    assert [(one["system"], one["to_customer"]) for one in lines] == [(True, False)]
    assert words["thanks"] in await stage.told_privately(RESPONSIBLE)
    assert (await stage.calls(SEND))[-1]["error"] is None


@ON_SQLITE
@LANGUAGES
async def test_what_is_taken_at_once_took_no_zero_seconds(
    empty_stage: Stage, language: str
) -> None:
    await speaking(empty_stage, language)
    await empty_stage.say("/escalate")

    await takes(empty_stage, RESPONSIBLE)
    await ended(empty_stage, "taken")

    told = [*await in_chat(empty_stage), *await empty_stage.told_privately()]
    assert re.search(r"через \d+ секунд|after \d+ s", "\n".join(told))
    assert not re.search(r"\b0 (секунд|s\b)", "\n".join(told))


@ON_SQLITE
@pytest.mark.parametrize("how", ["writes", "types a command", "is the operator"])
async def test_what_else_counts_as_taking(stage: Stage, how: str) -> None:
    await stage.say("/escalate")
    match how:
        case "writes":
            await time_passes(stage, 60)
            await stage.type("Здравствуйте, чем помочь?", user=RESPONSIBLE)
            # The bot does not hear of it: the next look finds it.
            await time_passes(stage, 241)
        case "types a command":
            await stage.type("/who", user=RESPONSIBLE)
        case "is the operator":
            stage.portal.state.chats[CHAT].owner = RESPONSIBLE
            await time_passes(stage, 301)

    await ended(stage, "taken")

    assert "[USER=21]Роман Соколов[/USER], через " in (await in_chat(stage))[-1]
    assert await called(stage) == [RESPONSIBLE]


@ON_SQLITE
async def test_who_wrote_before_has_not_taken_it(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.type("Добрый день", user=RESPONSIBLE)
    assert "«Поставка оборудования». Уже в чате [CHAT=8773]" in await stage.say("/escalate")

    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert ends(stage) == [None]


@ON_SQLITE
async def test_from_the_tab_who_wrote_before_has_not_taken_it(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.type("Добрый день", user=RESPONSIBLE)
    _, page = await tab_page.opened(stage)

    await tab_page.pressed(stage, page, escalate="1")
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert ends(stage) == [None]


@ON_SQLITE
async def test_who_has_been_the_operator_before_has_not_taken_it(stage: Stage) -> None:
    stage.portal.state.chats[CHAT].members.append(RESPONSIBLE)
    stage.portal.state.chats[CHAT].owner = RESPONSIBLE
    assert "Уже в чате" in await stage.say("/escalate")

    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    await stage.type("/who", user=RESPONSIBLE)
    await ended(stage, "taken")


@ON_SQLITE
@UNHURRIED
@LANGUAGES
async def test_the_first_may_take_it_when_the_next_was_called(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await passed_on(stage)
    await takes(stage, BOSS)
    await ended(stage, "taken")

    assert words["not needed"] in (await stage.told_privately(RESPONSIBLE))[-1]
    await takes(stage, RESPONSIBLE)

    assert "[USER=3]Борис Волков[/USER]" in (await stage.told_privately(RESPONSIBLE))[-1]
    assert ends(stage) == ["taken"]
    assert RESPONSIBLE in await stage.members()


@UNHURRIED
async def test_who_is_not_needed_leaves_where_the_portal_wants_that(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave", duty=(IVAN,))
    await stage.say("/escalate")
    await passes_on(stage, RESPONSIBLE)
    await next_one(stage, BOSS)
    assert RESPONSIBLE not in await stage.members()
    await time_passes(stage, 301)
    await next_one(stage, IVAN)

    await takes(stage, IVAN)
    await ended(stage, "taken")

    members = await stage.members()
    assert IVAN in members
    assert BOSS not in members
    assert (await stage.told_privately(BOSS))[-1].endswith(
        "Ваша помощь больше не нужна, в чате вас уже нет."
    )
    assert {call["user_id"] for call in await stage.calls(DELETE)} == {OLGA}


@ON_SQLITE
async def test_who_has_become_the_operator_stays_in_any_case(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave")
    await passed_on(stage)
    stage.portal.state.chats[CHAT].owner = BOSS
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")

    assert {RESPONSIBLE, BOSS} <= {*await stage.members()}
    reply = await stage.say("/undo")
    assert "Больше не в этом чате: [USER=21]Роман Соколов[/USER]." in reply
    assert "[USER=3]Борис Волков[/USER] — оператор диалога" in reply
    assert BOSS in await stage.members()


@ON_SQLITE
async def test_from_another_chat_the_line_is_left_out(stage: Stage) -> None:
    await stage.whisper("/escalate deal 288")
    await stage.settled()
    before = await in_chat(stage)

    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")

    assert await in_chat(stage) == before
    assert "принята (чат [CHAT=8773]" in (await stage.told_privately())[-1]


@ON_SQLITE
async def test_after_ten_minutes_the_line_needs_the_bot_in_the_chat(stage: Stage) -> None:
    """Command.answer posts nothing any more: it goes as a message that stays inside."""
    with_bot = await _late(stage)
    assert "✅ Эскалация принята: " in with_bot[-1]


@ON_SQLITE
async def test_where_the_bot_is_not_in_the_chat_only_the_requester_hears(
    empty_stage: Stage,
) -> None:
    assert await empty_stage.install() == 200

    lines = await _late(empty_stage)

    assert not any("принята" in one for one in lines)
    assert [one for one in await empty_stage.told_privately() if "принята" in one] != []


async def _late(stage: Stage) -> list[str]:
    await stage.say("/escalate")
    with stage.engine.begin() as connection:
        told = json.loads(connection.exec_driver_sql("SELECT event FROM escalations").scalar_one())
        told["ts"] = time.time() - 700
        change = text("UPDATE escalations SET event = :event")
        connection.execute(change, {"event": json.dumps(told)})
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")
    return await in_chat(stage)
