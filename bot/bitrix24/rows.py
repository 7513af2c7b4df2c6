"""What a portal gives, read as far as it can be: the rest of it is let be."""

from collections.abc import Mapping
from typing import Any

from bot.bitrix24.numerals import read_number


def rows(found: object) -> list[Mapping[str, Any]]:
    """Give the maps of a list, or of the map that PHP makes of a list with gaps."""
    listed = list(found.values()) if isinstance(found, Mapping) else found
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def row(found: object, name: str) -> Mapping[str, Any]:
    """Give the map of this name in an answer; an empty one where there is none."""
    inner = found.get(name) if isinstance(found, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def text(value: object) -> str:
    """Give words, or a number as words; nothing where something else stands in their place."""
    if isinstance(value, str):
        return value
    number = read_number(value)
    return "" if number is None else str(number)


def flag(value: object) -> bool:
    """Read a flag, which is ``true``, ``1``, ``"Y"`` or the like. Doubtful ones are set."""
    return value not in ("", "0", "N", "n", "false", 0, None)
