"""Administrators who decide at the same time, and forms that come late or in part."""

import asyncio

import pytest
from app_page import opened, posted, words_of
from settings_form import fields_of, form, on_duty, send, settings
from stage import ANNA, BOSS, IVAN, ON_SQLITE, Stage


async def the_boss_s_form(stage: Stage, language: str = "ru") -> dict[str, str]:
    await stage.faults(user={"id": BOSS, "admin": True})
    _, page = await opened(stage, BOSS, language=language)
    return fields_of(await posted(stage, page, view="settings"))


@ON_SQLITE
async def test_what_two_have_changed_holds_together(stage: Stage) -> None:
    mine, theirs = await form(stage), await the_boss_s_form(stage)

    await send(stage, mine, add=f"{ANNA}", minutes="30")
    page = await send(stage, theirs, trail="1", by_chat="never")

    assert settings(stage).model_dump(exclude_defaults=True) == {
        "duty": (ANNA,), "take_within": 1800, "trail": True, "by_chat": "never",
    }  # fmt: skip
    assert on_duty(page) == [ANNA]
    assert "Пока эта страница была открыта" not in words_of(page)


@ON_SQLITE
async def test_whom_another_has_taken_out_stays_out(stage: Stage) -> None:
    await send(stage, await form(stage), add=f"{ANNA}, {IVAN}")
    mine, theirs = await form(stage), await the_boss_s_form(stage)

    await send(stage, mine, **{f"remove[{ANNA}]": "1"})
    await send(stage, theirs, trail="1")

    assert (settings(stage).duty, settings(stage).trail) == ((IVAN,), True)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ru", "Они остались в силе, проверьте их: Дежурные Сколько ждать ответа"),
        ("en", "Theirs hold, please check them: People on duty How long to wait"),
    ],
)
async def test_what_both_have_changed_stays_the_first_one_s_and_is_told_of(
    stage: Stage, language: str, told: str
) -> None:
    mine, theirs = await form(stage), await the_boss_s_form(stage, language)
    await send(stage, mine, add=f"{ANNA}", minutes="30", at_end="administrator")

    page = await send(stage, theirs, add=f"{IVAN}", minutes="40", at_end="administrator", trail="1")

    kept = settings(stage)
    assert (kept.duty, kept.take_within, kept.trail) == ((ANNA,), 1800, True)
    assert told in words_of(page)
    # What is shown now is what holds, so that the next time it is changed.
    page = await send(stage, fields_of(page), minutes="40")
    assert settings(stage).take_within == 2400


@ON_SQLITE
async def test_a_form_that_is_sent_again_the_next_morning_takes_nothing_back(
    stage: Stage,
) -> None:
    evening = await form(stage)
    await send(stage, evening, minutes="10")
    await send(stage, await form(stage), minutes="15", trail="1")

    await send(stage, evening, minutes="10")

    assert (settings(stage).take_within, settings(stage).trail) == (900, True)


async def test_forms_that_come_at_once_lose_nothing(stage: Stage) -> None:
    fields = await form(stage)
    changes = [{"minutes": "10"}, {"trail": "1"}, {"by_chat": "never"}, {"errors_in_chat": "1"},
               {"not_needed": "leave"}, {"enterprise": "1"}, {"language": "en"}]  # fmt: skip

    await asyncio.gather(*(send(stage, fields, **one) for one in changes))

    assert len(settings(stage).model_dump(exclude_defaults=True)) == len(changes)


@ON_SQLITE
@pytest.mark.parametrize("was", [None, "", "{", "[]", '{"duty": "x"}'])
async def test_a_form_that_has_lost_its_end_decides_nothing(stage: Stage, was: str | None) -> None:
    await send(stage, await form(stage), add=f"{ANNA}")
    before = settings(stage)
    fields = {"session": (await form(stage))["session"], "view": "save"}

    page = await send(stage, fields, **({} if was is None else {"was": was}))

    assert "Форма пришла не целиком, ничего не сохранено." in words_of(page)
    assert "Сохранено." not in words_of(page)
    assert settings(stage) == before


@ON_SQLITE
async def test_nobody_comes_on_duty_by_a_form_that_is_said_to_have_had_them(stage: Stage) -> None:
    """Whoever is on duty was found on the portal, whatever a form tells of what it was."""
    fields = await form(stage)
    fields["was"] = fields["was"].replace('"duty":[]', '"duty":[599,33]')

    for duty in ({}, {"duty[0]": "33", "duty[1]": "599"}, {"duty[0]": "599", "duty[1]": "33"}):
        await send(stage, fields, **duty)

    assert settings(stage).duty == ()
