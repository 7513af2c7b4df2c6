"""Who is on duty: the settings page's list, times and working hours, and whom they have called."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from acting import hide_addresses
from app_page import opened, posted, words_of
from stage import ADMIN, ANNA, BOSS, DINA, IVAN, ON_SQLITE, PAVEL, RESPONSIBLE, Stage
from test_app_page import one_row

from bot.commands.policy import is_working, order
from bot.portals.settings import PortalSettings, WorkingHours
from bot.portals.time_zones import time_zone
from sandbox.model import User

STORED = "SELECT settings FROM portal_settings"
ALL_DAY = {"begin": "00:00", "end": "00:00", "hours_zone": "UTC"}


async def form(stage: Stage, language: str = "ru") -> dict[str, str]:
    """Open the settings as a browser has them: everything that its form would send."""
    _, page = await opened(stage, ADMIN, language=language)
    return fields_of(await posted(stage, page, view="settings"))


async def send(stage: Stage, fields: dict[str, str], **changed: str) -> str:
    """Send the form with what somebody has changed, or with the button that they pressed."""
    return await posted(
        stage, f'name="session" value="{fields["session"]}"', **{**fields, **changed}
    )


def fields_of(page: str) -> dict[str, str]:
    inside = page[page.index("</nav>") :]
    fields = {}
    for tag in re.findall(r"<input [^>]*>", inside):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if told["type"] not in ("checkbox", "radio") or re.search(r"\schecked", tag):
            fields[told["name"]] = unescape(told.get("value", ""))
    for name, options in re.findall(
        r'<select [^>]*name="([^"]+)">(.*?)</select>', inside, re.DOTALL
    ):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        fields[name] = chosen[0] if chosen else ""
    return fields


def on_duty(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'name="duty\[\d+\]" value="(\d+)"', page)]


def settings(stage: Stage) -> PortalSettings:
    return PortalSettings.model_validate_json(one_row(stage, STORED))


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


async def test_times_and_ends_are_stored_and_shown(stage: Stage) -> None:
    fields = await form(stage)
    assert (fields["minutes"], fields["at_end"], fields["not_needed"]) == ("5", "requester", "stay")

    page = await send(
        stage, fields, minutes=" 12 ", at_end="administrator", not_needed="leave", trail="1",
        begin="22:00", end="06:30", hours_zone="Europe/Moscow", **{"day[0]": "1", "day[6]": "1"},
    )  # fmt: skip

    stored = settings(stage)
    assert (stored.take_within, stored.at_end, stored.not_needed, stored.trail) == (
        720, "administrator", "leave", True,
    )  # fmt: skip
    assert stored.hours == WorkingHours(
        days=(0, 6), begin=22 * 60, end=6 * 60 + 30, zone="Europe/Moscow"
    )
    shown = fields_of(page)
    assert (shown["minutes"], shown["at_end"], shown["trail"]) == ("12", "administrator", "1")
    assert (shown["begin"], shown["end"], shown["hours_zone"]) == (
        "22:00",
        "06:30",
        "Europe/Moscow",
    )
    assert [name for name in shown if name.startswith("day")] == ["day[0]", "day[6]"]

    for name in ("day[0]", "day[6]", "trail"):
        del shown[name]
    await send(stage, shown)
    assert (settings(stage).hours, settings(stage).trail) == (None, False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("changed", "russian", "english"),
    [
        ({"minutes": minutes}, "целое число минут от 1 до 180", "number of minutes, 1 to 180")
        for minutes in ("0", "181", "-3", "1.5", "", "пять", "9" * 30)
    ]
    + [
        ({"day[0]": "1", **wrong}, "Рабочее время не изменено", "working hours are as before")
        for wrong in (
            {"begin": "25:00"}, {"end": ""}, {"hours_zone": "Mars/Phobos"}, {"hours_zone": ""},
            {"hours_zone": "../../etc/passwd"}, {"hours_zone": "+15:00"},
        )
    ],
)  # fmt: skip
async def test_what_is_no_time_changes_nothing_and_is_told(
    stage: Stage, changed: dict[str, str], russian: str, english: str
) -> None:
    for language, told in (("ru", russian), ("en", english)):
        page = await send(stage, await form(stage, language), add=str(ANNA), **changed)

        assert told in words_of(page)
        stored = settings(stage)
        assert (stored.take_within, stored.hours, stored.duty) == (300, None, (ANNA,))


@ON_SQLITE
async def test_the_visitors_time_zone_is_suggested(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="settings", zone="Asia/Yekaterinburg")

    assert fields_of(page)["hours_zone"] == "Asia/Yekaterinburg"
    assert 'data-guess="zone"' in page


@ON_SQLITE
async def test_outside_working_hours_duty_is_called_first(stage: Stage) -> None:
    other_day = (datetime.now(UTC) + timedelta(days=3)).weekday()
    fields = await form(stage)
    page = await send(stage, fields, add=str(IVAN), **ALL_DAY, **{f"day[{other_day}]": "1"})

    await stage.type("/escalate")
    await stage.settled()
    assert IVAN in await stage.members()
    assert RESPONSIBLE not in await stage.members()

    every_day = {f"day[{day}]": "1" for day in range(7)}
    await send(stage, fields_of(page), **every_day)
    await stage.type("/escalate")
    await stage.settled()
    assert RESPONSIBLE in await stage.members()


NINE_TO_SIX = WorkingHours(days=(0, 1, 2, 3, 4), zone="Europe/Moscow")
NIGHTS = WorkingHours(days=(4,), begin=22 * 60, end=6 * 60, zone="+03:00")
# 2026-11-27 is a Friday; Moscow is three hours ahead.
FRIDAY = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "after", "is_within"),
    [
        (NINE_TO_SIX, timedelta(hours=5, minutes=59), False),
        (NINE_TO_SIX, timedelta(hours=6), True),
        (NINE_TO_SIX, timedelta(hours=14, minutes=59), True),
        (NINE_TO_SIX, timedelta(hours=15), False),
        (NINE_TO_SIX, timedelta(days=1, hours=8), False),
        (NINE_TO_SIX, timedelta(days=3, hours=8), True),
        (NIGHTS, timedelta(hours=18, minutes=59), False),
        (NIGHTS, timedelta(hours=19), True),
        (NIGHTS, timedelta(hours=22), True),
        (NIGHTS, timedelta(days=1, hours=2, minutes=59), True),
        (NIGHTS, timedelta(days=1, hours=3), False),
        (NIGHTS, timedelta(days=1, hours=20), False),
        (WorkingHours(days=(4,), begin=0, end=0), timedelta(hours=23, minutes=59), True),
        (WorkingHours(days=(4,), begin=0, end=0), timedelta(hours=24), False),
        (WorkingHours(days=(4,), zone="Gone/Away"), timedelta(hours=9), True),
    ],
)
def test_working_hours(hours: WorkingHours, after: timedelta, is_within: bool) -> None:
    assert is_working(hours, FRIDAY + after) is is_within


SATURDAY_NOON = FRIDAY + timedelta(days=1, hours=12)


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({}, ("responsible", "head", "duty")),
        ({"hours": NINE_TO_SIX}, ("responsible", "head", "duty")),
        ({"hours": NINE_TO_SIX, "duty": (12,)}, ("duty", "responsible", "head")),
        ({"hours": NINE_TO_SIX, "duty": (12,), "escalation": ("head",)}, ("duty", "head")),
        ({"hours": NIGHTS, "duty": (12,)}, ("duty", "responsible", "head")),
        ({"duty": (12,)}, ("responsible", "head", "duty")),
    ],
)
def test_the_order_of_an_escalation(decided: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert order(PortalSettings(**decided), SATURDAY_NOON) == expected


def test_within_working_hours_the_order_is_the_portals_own() -> None:
    decided = PortalSettings(hours=NINE_TO_SIX, duty=(12,), escalation=("head", "duty"))

    assert order(decided, FRIDAY + timedelta(hours=8)) == ("head", "duty")


@pytest.mark.parametrize(
    ("name", "offset"),
    [("+3", 3.0), ("UTC+3", 3.0), ("-03:30", -3.5), ("+0530", 5.5), ("\u22124", -4.0), ("UTC", 0.0),
     ("Asia/Yekaterinburg", 5.0), ("UTC+05:00", 5.0)],
)  # fmt: skip
def test_time_zones_by_name_and_by_offset(name: str, offset: float) -> None:
    zone = time_zone(name)

    assert zone is not None
    assert zone.utcoffset(FRIDAY.replace(tzinfo=None)) == timedelta(hours=offset)
    assert time_zone(str(zone)) is not None


@pytest.mark.parametrize("name", ["", "Mars", "+15", "-14:30", "3", "a/../../b", "x" * 300, "\0"])
def test_what_is_no_time_zone(name: str) -> None:
    assert time_zone(name) is None
