"""Escalations beside each other in one chat: each is its own, and none takes another's people."""

import pytest
import tab_page
from acting import press_at, said
from app_page import words_of
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    deciding,
    ended,
    ends,
    invited_and_called,
    next_one,
    passed_on,
    passes_on,
    speaking,
    takes,
    time_passes,
    with_anna,
)
from stage import ANNA, BOSS, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage


async def undo_button(stage: Stage) -> int:
    """The first message of the chat that has buttons: to undo is the first of them."""
    messages = (await stage.chat())["messages"]
    return next(one["id"] for one in messages if one["keyboard"])


@ON_SQLITE
async def test_its_own_button_undoes_one_that_is_not_the_newest(stage: Stage) -> None:
    await stage.say("/escalate -- первая")
    await stage.say("/escalate @12 -- вторая")

    await press_at(stage, await undo_button(stage), 0, OLGA)

    assert ends(stage) == ["undone", None]
    members = await stage.members()
    assert RESPONSIBLE not in members
    assert IVAN in members


@ON_SQLITE
async def test_undo_takes_them_back_one_by_one(stage: Stage) -> None:
    await stage.say("/escalate -- первая")
    await stage.say("/escalate -- вторая")
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    # The first one has brought in both, so nobody leaves with the second.
    assert "🛑 Эскалация остановлена" in await stage.say("/undo")
    assert ends(stage) == [None, "undone"]
    assert {RESPONSIBLE, BOSS} <= {*await stage.members()}
    assert "Больше не в этом чате" in await stage.say("/undo")
    assert ends(stage) == ["undone", "undone"]
    assert not {RESPONSIBLE, BOSS} & {*await stage.members()}
    assert (await stage.say("/undo")).startswith("Отменять нечего")


@ON_SQLITE
async def test_one_that_is_over_is_undone_once_and_then_the_one_before(stage: Stage) -> None:
    await stage.say("/escalate -- первая")
    await stage.say("/escalate @12 -- вторая")
    await passes_on(stage, IVAN)
    await said(stage, "⚠️")

    assert "Больше не в этом чате: [USER=12]" in await stage.say("/undo")
    assert "Больше не в этом чате: [USER=21]" in await stage.say("/undo")

    assert ends(stage) == ["undone", "nobody"]
    assert (await stage.say("/undo")).startswith("Отменять нечего")


@ON_SQLITE
@pytest.mark.parametrize("order", [(OLGA, OLGA, ANNA), (ANNA, OLGA, OLGA)])
async def test_whoever_has_asked_twice_is_answered_once(
    stage: Stage, order: tuple[int, ...]
) -> None:
    await with_anna(stage)
    for asker in order:
        await stage.say("/escalate", user=asker)

    # The newest card. What somebody else has asked for is answered by itself.
    await takes(stage, RESPONSIBLE)

    await ended(stage, *("taken" if one == order[-1] else None for one in order))
    assert "через" in (await stage.told_privately(order[-1]))[-1]


KEPT = {
    "ru": "↩️ Отменено. Остаются для другой эскалации: [USER=21]Роман Соколов[/USER].",
    "en": "↩️ Undone. Still needed by another escalation: [USER=21]Роман Соколов[/USER].",
}


@LANGUAGES_AND_DATABASES
@pytest.mark.parametrize("is_taken", [False, True])
async def test_undo_leaves_whom_a_colleague_s_escalation_needs(
    empty_stage: Stage, language: str, is_taken: bool
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await with_anna(stage)
    await stage.say("/escalate -- первая")
    await stage.say("/escalate -- вторая", user=ANNA)
    if is_taken:
        await takes(stage, RESPONSIBLE)
        await ended(stage, None, "taken")

    assert await stage.say("/undo") == KEPT[language]
    assert (await stage.say("/undo")).startswith(
        {"ru": "Отменять нечего", "en": "Nothing to undo"}[language]
    )

    assert RESPONSIBLE in await stage.members()
    # Nobody tells them that they are not needed: they are.
    assert not any(words["off"] in one for one in await stage.told_privately(RESPONSIBLE))


STAYS = {
    "ru": "Остаются для эскалации: [USER=21]Роман Соколов[/USER]. Всё равно убрать: "
    "[b]/remove @коллега[/b]",
    "en": "Still needed by an escalation: [USER=21]Роман Соколов[/USER]. To take them out all the "
    "same: [b]/remove @colleague[/b]",
}


@ON_SQLITE
@LANGUAGES
@pytest.mark.parametrize("is_taken", [False, True])
async def test_undo_of_an_invitation_leaves_whom_an_escalation_needs(
    empty_stage: Stage, language: str, is_taken: bool
) -> None:
    stage = empty_stage
    await invited_and_called(stage, language, is_taken=is_taken)

    reply = await stage.say("/undo")

    assert reply.startswith("↩️")
    assert reply.endswith(STAYS[language])
    assert "[USER=12]" in reply
    members = await stage.members()
    assert RESPONSIBLE in members
    assert IVAN not in members
    # Their time is as before.
    assert stage.count("SELECT count(*) FROM stays WHERE ended_at IS NULL") == 1


@ON_SQLITE
async def test_whom_an_escalation_needed_can_be_taken_back_once_it_is_over(stage: Stage) -> None:
    await with_anna(stage)
    await stage.say("/invite id21")
    await stage.say("/escalate", user=ANNA)

    # Nothing has changed: the chat need not hear of it.
    assert await stage.say("/undo") == f"ℹ️ Ничего не изменилось. {STAYS['ru']}"
    assert STAYS["ru"] in (await stage.told_privately())[-1]
    await passes_on(stage, RESPONSIBLE)

    assert "Больше не в этом чате: [USER=21]" in await stage.say("/undo")
    assert RESPONSIBLE not in await stage.members()


@ON_SQLITE
async def test_an_escalation_that_was_over_before_needs_nobody_who_is_invited(
    stage: Stage,
) -> None:
    await with_anna(stage)
    await stage.say("/escalate", user=ANNA)
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")
    await stage.say("/remove id21")
    await stage.say("/invite id21")

    assert "Больше не в этом чате: [USER=21]" in await stage.say("/undo")


@ON_SQLITE
async def test_two_chains_in_one_chat_keep_whom_the_other_needs(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave")
    await with_anna(stage)
    await passed_on(stage)
    await stage.say("/escalate @21", user=ANNA)
    await takes(stage, RESPONSIBLE)
    await ended(stage, None, "taken")
    await takes(stage, BOSS)
    await ended(stage, "taken", "taken")

    assert RESPONSIBLE in await stage.members()


@ON_SQLITE
@LANGUAGES
async def test_who_has_taken_what_is_undone_is_told(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await passed_on(stage)
    await takes(stage, BOSS)
    await ended(stage, "taken")
    before = await stage.told_privately(RESPONSIBLE)

    await stage.say("/undo")

    assert words["off"] in (await stage.told_privately(BOSS))[-1]
    # They have been told already.
    assert await stage.told_privately(RESPONSIBLE) == before


@ON_SQLITE
async def test_who_is_taken_out_by_undo_is_told_so(stage: Stage) -> None:
    await stage.say("/escalate")

    await stage.say("/undo")

    assert (await stage.told_privately(RESPONSIBLE))[-1].endswith(
        "Ваша помощь больше не нужна, в чате вас уже нет."
    )


@ON_SQLITE
@pytest.mark.parametrize("newest", ["runs", "is over"])
async def test_the_tab_shows_each_one_that_runs(stage: Stage, newest: str) -> None:
    await with_anna(stage)
    await stage.say("/escalate -- первая")
    await stage.say("/escalate @12 -- вторая", user=ANNA)
    if newest == "is over":
        await passes_on(stage, IVAN)
        await said(stage, "⚠️", ANNA)

    _, page = await tab_page.opened(stage)

    told = words_of(page)
    assert ("Эскалация, просит Анна Орлова" in told) == (newest == "runs")
    assert "Роман Соколов ответственный, ждём ответа" in told
    await tab_page.pressed(stage, page, stop=tab_page.number_of(page, "stop"))
    await stage.until(lambda: _is_stopped(stage))
    # Another one's is not theirs to stop.
    assert ends(stage)[1] == (None if newest == "runs" else "nobody")


async def _is_stopped(stage: Stage) -> bool:
    return ends(stage)[0] == "stopped" and not stage.waiting()
