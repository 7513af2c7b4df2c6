"""Forms as PHP writes (`http_build_query`) and reads them (`parse_str`)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote_plus

MAX_FIELDS = 10_000
MAX_DEPTH = 20

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_PART = re.compile(r"\[([^\[\]]*)\]")


class FormRefused(ValueError):
    """The form is too big, too deep or contradicts itself."""


def encode(fields: Mapping[str, object]) -> str:
    """The fields as a form body: flags 1/0, null an empty value, empty arrays left out."""
    return "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in _flatten(fields, ""))


def _quoted(text: str) -> str:
    # Half of a surrogate pair can come in by JSON and has no place in UTF-8.
    return quote_plus(text, errors="replace")


def _flatten(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flatten(inner, f"{key}[{name}]" if key else str(name))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{key}[{index}]")
    else:
        yield key, _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def decode(body: str) -> dict[str, object]:
    """The nested fields of a form body or a query string."""
    if body.count("&") >= MAX_FIELDS:
        raise FormRefused("too many fields")
    return nest(parse_qsl(body, keep_blank_values=True))


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Brackets become maps, and maps with the keys 0..n-1 lists, as in a PHP array."""
    root: dict[str, object] = {}
    for count, (key, value) in enumerate(pairs):
        if count >= MAX_FIELDS:
            raise FormRefused("too many fields")
        _put(root, _path(key), value)
    return {key: _listed(value) for key, value in root.items()}


def _path(key: str) -> list[str]:
    match = _KEY.fullmatch(key)
    if match is None:
        return [key]
    path = [match[1], *_PART.findall(match[2])]
    if len(path) > MAX_DEPTH:
        raise FormRefused("too deeply nested")
    return path


def _put(root: dict[str, object], path: list[str], value: str) -> None:
    place = root
    for part in path[:-1]:
        inner = place.setdefault(part or _next_index(place), {})
        if not isinstance(inner, dict):
            raise FormRefused(f"{path[0]} is both a value and a map")
        place = inner
    place[path[-1] or _next_index(place)] = value


def _next_index(place: dict[str, object]) -> str:
    return str(max((int(key) for key in place if key.isdecimal()), default=-1) + 1)


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    if list(inner) == [str(index) for index in range(len(inner))]:
        return list(inner.values())
    return inner
