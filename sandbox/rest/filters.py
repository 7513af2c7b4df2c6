"""Filters of list methods: `{"NAME": ..., "%LAST_NAME": ..., "@ID": [...], ">=ID": ...}`."""

import re
from collections.abc import Callable, Mapping

from sandbox.rest.params import flag, integer

_PREFIX = re.compile(r"^(!@|!=?%?|>=|<=|=%|%=|[=%@><])?(.*)$", re.DOTALL)


def matches(row: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Whether the row fits every condition; a field it has not fits none."""
    return all(_fits(row, key, value) for key, value in wanted.items())


def _fits(row: Mapping[str, object], key: str, value: object) -> bool:
    match = _PREFIX.match(key)
    prefix, name = (match[1] or "", match[2]) if match else ("", key)
    if name not in row:
        return False
    if prefix in _ORDERED:
        return _ordered(row[name], value, _ORDERED[prefix])
    found = _any_equal(row[name], value, partly="%" in prefix)
    return not found if prefix.startswith("!") else found


_ORDERED: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}


def _ordered(actual: object, value: object, compare: Callable[[int, int], bool]) -> bool:
    left, right = integer(actual), integer(value)
    return left is not None and right is not None and compare(left, right)


def _any_equal(actual: object, value: object, *, partly: bool) -> bool:
    actuals = actual if isinstance(actual, list) else [actual]
    values = value if isinstance(value, list) else [value]
    return any(_equal(one, other, partly=partly) for one in actuals for other in values)


def _equal(actual: object, value: object, *, partly: bool) -> bool:
    if isinstance(actual, bool):
        return flag(value) is actual
    left, right = str(actual).casefold(), str(value).casefold()
    return right.strip("%") in left if partly else left == right
