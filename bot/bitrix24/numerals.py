"""Numbers as the portal writes them: ``12`` or ``"12"``, lists of them, and moments."""

import math
import time
from collections.abc import Mapping

# The portal counts the running time of a method within so many seconds.
LONGEST_REST = 600.0

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


def read_numbers(values: object, most: int = MOST_NUMBERS) -> tuple[int, ...]:
    """Read a list of ids, or the map that PHP makes of one with gaps.

    What is no id is left out, and so is what comes after so many.
    """
    rows = list(values.values()) if isinstance(values, Mapping) else values
    return tuple(filter(None, map(read_number, rows[:most]))) if isinstance(rows, list) else ()


def read_reset(times: object) -> float | None:
    """Read when a method opens again off the times of an answer: unix seconds.

    It is ten minutes from now at most, whatever the portal says.
    """
    value = times.get("operating_reset_at") if isinstance(times, Mapping) else None
    if not isinstance(value, float):
        value = read_number(value)
    if value is None or not math.isfinite(value):
        return None
    return min(float(value), time.time() + LONGEST_REST)
