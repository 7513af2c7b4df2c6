"""What a portal gives, read as far as it can be: the rest of it is let be."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.bitrix24.numerals import listed, read_number

# So many rows the portal's own lists have on a page.
PAGE = 50

# The names of people, departments, groups, cards and chats.
LONGEST_NAME = 255


def rows(found: object, most: int = PAGE) -> list[Mapping[str, Any]]:
    """Give the maps of a list. What comes after so many rows is left out."""
    return [one for one in listed(found)[:most] if isinstance(one, Mapping)]


def part(found: object, name: str) -> Any:
    """Give what has this name in an answer; ``None`` where there is none."""
    return found.get(name) if isinstance(found, Mapping) else None


def row(found: object, name: str) -> Mapping[str, Any]:
    """Give the map of this name in an answer; an empty one where there is none."""
    inner = part(found, name)
    return inner if isinstance(inner, Mapping) else {}


def text(value: object, longest: int = LONGEST_NAME) -> str:
    """Give words, or a number as words; nothing where something else stands in their place.

    There are so many characters at most.
    """
    if isinstance(value, str):
        return value[:longest]
    number = read_number(value)
    return "" if number is None else str(number)


def flag(value: object) -> bool:
    """Read a flag, which is ``true``, ``1``, ``"Y"`` or the like. Doubtful ones are set."""
    return value not in ("", "0", "N", "n", "false", 0, None)


def moment(value: object) -> float | None:
    """Read a moment, ``2026-12-01T10:00:00+03:00``, in unix seconds; ``None`` for what is none."""
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
