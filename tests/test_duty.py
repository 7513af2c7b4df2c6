"""Who is on duty: the list of the settings page."""

import re

import pytest
from acting import hide_addresses
from app_page import words_of
from settings_form import fields_of, form, on_duty, send, settings
from stage import ANNA, BOSS, DINA, IVAN, ON_SQLITE, PAVEL, Stage

from sandbox.model import User


@ON_SQLITE
async def test_the_list_is_ordered_by_buttons(stage: Stage) -> None:
    page = await send(stage, await form(stage), add=f"Анна Орлова, {BOSS}, {IVAN}")
    assert on_duty(page) == [ANNA, BOSS, IVAN]
    assert re.search(r'formaction="#duty-3"\s+aria-label="Выше: Борис Волков"', page)

    page = await send(stage, fields_of(page), **{f"up[{IVAN}]": "1"})
    assert on_duty(page) == [ANNA, IVAN, BOSS]
    page = await send(stage, fields_of(page), **{f"down[{ANNA}]": "1"})
    assert on_duty(page) == [IVAN, ANNA, BOSS]
    page = await send(stage, fields_of(page), **{f"remove[{ANNA}]": "1"})

    assert on_duty(page) == [IVAN, BOSS]
    assert settings(stage).duty == (IVAN, BOSS)


@ON_SQLITE
async def test_what_cannot_go_further_stays(stage: Stage) -> None:
    page = await send(stage, await form(stage), add=f"{ANNA}, {BOSS}")
    assert page.count("disabled>") == 2

    for button in (f"up[{ANNA}]", f"down[{BOSS}]", "up[999]", "up[x]", "remove[]"):
        page = await send(stage, fields_of(page), **{button: "1"})

    assert on_duty(page) == [ANNA, BOSS]


@ON_SQLITE
@pytest.mark.parametrize("words", ["12", " Анна  ", "orlova@example.test"])
async def test_people_are_found_by_number_name_and_address(stage: Stage, words: str) -> None:
    page = await send(stage, await form(stage), add=words)

    assert on_duty(page) == [IVAN if words == "12" else ANNA]


@ON_SQLITE
async def test_nobody_is_put_on_duty_by_an_address_that_the_app_may_not_see(stage: Stage) -> None:
    await hide_addresses(stage)

    page = await send(stage, await form(stage), add="orlova@example.test")

    assert on_duty(page) == []
    assert "Нет сотрудника по запросу «orlova@example.test»." in page


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "add", "told"),
    [
        ("ru", "Никто Такой", "Нет сотрудника по запросу «Никто Такой»."),
        ("en", "Nobody", 'No colleague found for "Nobody".'),
        ("ru", "999", "Нет сотрудника по запросу «999»."),
        ("ru", "9" * 40, f"Нет сотрудника по запросу «{'9' * 40}»."),
        ("ru", "599", "Нет сотрудника по запросу «599»."),
        ("ru", str(PAVEL), f"Учётная запись отключена, дежурить нельзя: {PAVEL}"),
        ("en", str(PAVEL), f"The account is off and cannot be on duty: {PAVEL}"),
        ("ru", str(DINA), f"Это внешний пользователь, дежурить нельзя: {DINA}"),
        ("en", str(DINA), f"An external user cannot be on duty: {DINA}"),
    ],
)
async def test_who_cannot_be_on_duty_is_told_of(
    stage: Stage, language: str, add: str, told: str
) -> None:
    page = await send(stage, await form(stage, language), add=f"{add}, {ANNA}")

    assert told in words_of(page)
    assert on_duty(page) == [ANNA]


@ON_SQLITE
async def test_people_who_cannot_be_told_apart_are_chosen_by_a_button(stage: Stage) -> None:
    page = await send(stage, await form(stage), add="Иван Петров")

    assert "Несколько сотрудников подходят под «Иван Петров»" in words_of(page)
    assert on_duty(page) == []
    assert f'name="put[{IVAN}]"' in page

    page = await send(stage, fields_of(page), **{f"put[{IVAN}]": "1"})

    assert on_duty(page) == [IVAN]


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "told"), [("ru", "Битрикс24 сейчас не ответил"), ("en", "does not answer now")]
)
async def test_nobody_is_unknown_because_the_portal_is_silent(
    stage: Stage, language: str, told: str
) -> None:
    fields = await form(stage, language)
    error = {"status": 500, "code": "INTERNAL_SERVER_ERROR", "description": ""}
    await stage.faults(method="user.get", times=None, error=error)

    page = await send(stage, fields, add=str(ANNA))

    assert told in words_of(page)
    assert on_duty(page) == []


@ON_SQLITE
async def test_a_list_made_by_hand_puts_nobody_unknown_on_duty(stage: Stage) -> None:
    fields = await form(stage)
    made = {f"duty[{place}]": str(number) for place, number in enumerate((999, ANNA, PAVEL))}

    page = await send(stage, fields, **made, **{"duty[x]": "y"})

    assert on_duty(page) == [ANNA]
    assert "Нет сотрудника по запросу «999»." in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "told"),
    [("ru", "Добавьте остальных отдельно:"), ("en", "Add the others separately:")],
)
async def test_who_is_one_too_many_to_be_found_at_once_is_told_of(
    stage: Stage, language: str, told: str
) -> None:
    people = range(101, 113)
    for number in people:
        stage.portal.state.users[number] = User(number, "Гость", str(number), departments=[5])

    page = await send(stage, await form(stage, language), add=", ".join(map(str, people)))

    assert on_duty(page) == list(people[:10])
    assert f"{told} 111, 112" in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize(("language", "mark"), [("ru", "отключена"), ("en", "account off")])
async def test_who_is_dismissed_meanwhile_is_marked(stage: Stage, language: str, mark: str) -> None:
    page = await send(stage, await form(stage, language), add=f"{ANNA}, {IVAN}")
    assert mark not in words_of(page)
    await stage.faults(user={"id": ANNA, "active": False})

    page = await send(stage, fields_of(page))

    assert on_duty(page) == [ANNA, IVAN]
    assert page.count('<span class="tag">') == 1
    assert mark in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "mark"),
    [("ru", "отсутствует до 1 декабря 2026"), ("en", "absent until 1 December 2026")],
)
async def test_who_is_absent_is_marked(stage: Stage, language: str, mark: str) -> None:
    await stage.faults(user={"id": ANNA, "absent": "2026-12-01T00:00:00+03:00"})

    page = await send(stage, await form(stage, language), add=f"{ANNA}, {IVAN}")

    assert f"Анна Орлова 15 {mark}" in words_of(page)


@ON_SQLITE
async def test_no_more_are_on_duty_than_anybody_calls(stage: Stage) -> None:
    people = range(101, 134)
    for number in people:
        stage.portal.state.users[number] = User(number, "Гость", str(number), departments=[5])
    page = ""
    fields = await form(stage)
    for start in range(101, 134, 10):
        add = ", ".join(str(one) for one in people if start <= one < start + 10)
        page = await send(stage, fields, add=add)
        fields = fields_of(page)

    assert len(on_duty(page)) == 30
    assert "В списке уже 30 дежурных, больше нельзя: 131" in words_of(page)
