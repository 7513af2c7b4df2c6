"""Numbers as the portal writes them: ``12`` or ``"12"``, and lists of them."""

from collections.abc import Mapping
from typing import Any

# No id is larger, neither the portal's nor the database's; nor is it written with more digits.
LARGEST = 2**63 - 1
MOST_DIGITS = 19

# The members of the largest chats and groups.
MOST_NUMBERS = 10_000


def read_number(value: object) -> int | None:
    """Read a whole number that is not negative; ``None`` where it is anything else."""
    if isinstance(value, str) and len(value) <= MOST_DIGITS:
        # Other scripts have digits, too; the portal writes none of them.
        value = int(value) if value.isascii() and value.isdecimal() else None
    return value if type(value) is int and 0 <= value <= LARGEST else None


def listed(found: object) -> list[Any]:
    """Give what is in a list, or in the map that PHP makes of one with gaps; else nothing."""
    if isinstance(found, Mapping):
        return list(found.values())
    return found if isinstance(found, list) else []


def read_numbers(values: object, most: int = MOST_NUMBERS) -> tuple[int, ...]:
    """Read a list of ids. What is no id is left out, and so is what comes after so many."""
    read = [one if type(one) is int else read_number(one) for one in listed(values)[:most]]
    return tuple(one for one in read if one and 0 < one <= LARGEST)
