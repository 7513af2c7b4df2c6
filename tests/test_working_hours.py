"""Working hours and times of an escalation: set on the page, and what they decide."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from app_page import opened, posted, words_of
from settings_form import fields_of, form, send, settings
from stage import ADMIN, ANNA, IVAN, ON_SQLITE, RESPONSIBLE, Stage

from bot.commands.policy import is_working, order
from bot.portals.settings import PortalSettings, WorkingHours
from bot.portals.time_zones import time_zone

ALL_DAY = {"begin": "00:00", "end": "00:00", "hours_zone": "UTC"}
NINE_TO_SIX = WorkingHours(days=(0, 1, 2, 3, 4), zone="Europe/Moscow")
NIGHTS = WorkingHours(days=(4,), begin=22 * 60, end=6 * 60, zone="+03:00")
# 2026-11-27 is a Friday; Moscow is three hours ahead.
FRIDAY = datetime(2026, 11, 27, tzinfo=UTC)
SATURDAY_NOON = FRIDAY + timedelta(days=1, hours=12)


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
