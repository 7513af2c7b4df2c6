"""The part of the settings' form that is about escalations."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from bot.bitrix24.numerals import read_number, read_numbers
from bot.commands.parts import BOUNDS
from bot.portals.settings import AtEnd, NotNeeded, PortalSettings, WorkingHours
from bot.portals.time_zones import time_zone
from bot.web.frame import Form

# Whom an escalation may look for.
ROLES = ("responsible", "head", "duty")
AT_END = get_args(AtEnd)
NOT_NEEDED = get_args(NotNeeded)

# How many minutes one who is called may be given: as many as with an option of the command.
_SHORTEST, _LONGEST = BOUNDS["wait"]
MINUTES = range(_SHORTEST // 60, _LONGEST // 60 + 1)

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::\d\d)?", re.ASCII)


def decided(posted: Form, before: PortalSettings) -> tuple[PortalSettings, list[str]]:
    """Give the settings with what the form decides, and which of them could not be read.

    What could not be read stays as it was ``before``.
    """
    changed: dict[str, Any] = {
        "escalation": _order(posted),
        "at_end": one_of(posted.get("at_end"), AT_END) or before.at_end,
        "not_needed": one_of(posted.get("not_needed"), NOT_NEEDED) or before.not_needed,
        "trail": "trail" in posted,
    }
    unread = []
    for name, read in (("take_within", _seconds), ("hours", _hours)):
        try:
            changed[name] = read(posted, before)
        except ValueError:
            unread.append(name)
    return before.model_copy(update=changed), unread


def duty(posted: Form, before: Sequence[int]) -> tuple[list[int], list[int]]:
    """Read those on duty in their order, and whom the form names who has not been ``before``.

    A button that was pressed has moved one of them, or taken one out.
    """
    places = mapping(posted, "duty")
    ordered = sorted(places, key=lambda place: (read_number(place) or 0, place))
    numbers = list(dict.fromkeys(read_numbers([places[place] for place in ordered])))
    for number in _pressed(posted, "remove"):
        numbers = [one for one in numbers if one != number]
    for number in _pressed(posted, "up"):
        _move(numbers, number, -1)
    for number in _pressed(posted, "down"):
        _move(numbers, number, 1)
    # A form can be made up, and may name thousands.
    known = set(before)
    new = [*(one for one in numbers if one not in known), *_pressed(posted, "put")]
    return [one for one in numbers if one in known], new


def one_of(value: Any, choices: Sequence[str]) -> str:
    """Give the value if it is one of the choices, else nothing."""
    return value if isinstance(value, str) and value in choices else ""


def mapping(posted: Form, name: str) -> Mapping[str, Any]:
    """Give the fields of a group; none where there is no such group."""
    value = posted.get(name)
    return value if isinstance(value, Mapping) else {}


def _pressed(posted: Form, button: str) -> tuple[int, ...]:
    """Read whose button was pressed: at most one, as browsers send it."""
    return read_numbers([read_number(name) for name in mapping(posted, button)])[:1]


def _move(numbers: list[int], number: int, by: int) -> None:
    if number in numbers:
        place = numbers.index(number)
        numbers.insert(max(0, place + by), numbers.pop(place))


def _order(posted: Form) -> tuple[str, ...]:
    """Read the order of an escalation: each role once, none where it says so."""
    places = mapping(posted, "role")
    chosen = [one_of(places.get(str(place)), ROLES) for place in range(len(ROLES))]
    return tuple(dict.fromkeys(role for role in chosen if role))


def _seconds(posted: Form, before: PortalSettings) -> int:
    """Read how long one who is called has. Raises ``ValueError``."""
    if "minutes" not in posted:
        return before.take_within
    minutes = read_number(str(posted["minutes"]).strip()) or 0
    if minutes not in MINUTES:
        raise ValueError(minutes)
    return minutes * 60


def _hours(posted: Form, _before: PortalSettings) -> WorkingHours | None:
    """Read the working hours; none where no day is ticked. Raises ``ValueError``."""
    days = tuple(day for day in range(7) if str(day) in mapping(posted, "day"))
    if not days:
        return None
    begin, end = (_minute(str(posted.get(name, ""))) for name in ("begin", "end"))
    zone = str(posted.get("hours_zone", "")).strip()
    if time_zone(zone) is None:
        raise ValueError(zone)
    return WorkingHours(days=days, begin=begin, end=end, zone=zone)


def _minute(told: str) -> int:
    time = _TIME.fullmatch(told.strip())
    if time is None:
        raise ValueError(told)
    return int(time[1]) * 60 + int(time[2])
