"""PHP-style forms: ``data[chat][id]=5`` to nested dicts, and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from yarl import query_to_pairs

from bot.bitrix24.bodies import NUL, REPLACEMENT, storable

MAX_PARAMETERS = 10_000
MAX_DEPTH = 20

# All the names in all the keys, or all that a JSON text is made of. An event has some 200.
MAX_PARTS = 20_000

# Longer keys are not remembered: strangers can send them too.
LONG_KEY = 100


class MalformedForm(ValueError):
    """The body cannot be read; the message says why and holds nothing of the body."""


def decode(body: bytes, content_type: str) -> dict[str, Any]:
    """Read a request body into nested dicts.

    Keys made of digits stay keys: whether a map is a list is known only to who asks for it.
    Raises ``MalformedForm``.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedForm("the body is not UTF-8") from None
    return _from_json(text) if content_type == "application/json" else _from_form(text)


def _from_form(text: str) -> dict[str, Any]:
    if "%00" in text or NUL in text:
        text = text.replace("%00", REPLACEMENT).replace(NUL, REPLACEMENT)
    try:
        pairs = query_to_pairs(text, max_fields=MAX_PARAMETERS)
    except ValueError:
        raise MalformedForm(f"more than {MAX_PARAMETERS} parameters") from None
    # Counted by the name only where there may be too many.
    brackets = sum(map(text.count, ("[", "%5B", "%5b")))
    if (
        len(pairs) + brackets > MAX_PARTS
        and sum(len(_read_key(key).path) for key, _ in pairs) > MAX_PARTS
    ):
        raise MalformedForm(f"keys of more than {MAX_PARTS} parts")
    return _tree(pairs)


class _Key(NamedTuple):
    """``data[chat][id]``: the group it is in, its name there, and all its parts."""

    group: str | None
    name: str
    path: tuple[str, ...]


def _read_key(key: str) -> _Key:
    head, bracket, rest = key.partition("[")
    path = (head, *rest[:-1].split("][")) if bracket and rest.endswith("]") else (key,)
    if len(path) > MAX_DEPTH:
        raise MalformedForm(f"parameters nested deeper than {MAX_DEPTH}")
    # Where a part is empty, each key means another group.
    group = key.rpartition("[")[0] if len(path) > 1 else ""
    return _Key(group if all(path[:-1]) else None, path[-1], path)


# Every event has the same keys.
_known_key = lru_cache(maxsize=1024)(_read_key)


def _tree(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Put pairs into groups; one that was found is found again by what stands before its key."""
    root: dict[str, Any] = {}
    known: dict[str | None, dict[str, Any]] = {"": root}
    for key, value in pairs:
        group_name, name, path = (_known_key if len(key) < LONG_KEY else _read_key)(key)
        group = known.get(group_name)
        if group is None:
            group = root
            for part in path[:-1]:
                group = group.setdefault(part or str(len(group)), {})
                if not isinstance(group, dict):
                    raise MalformedForm("a parameter is both a value and a group")
            if group_name is not None:
                known[group_name] = group
        name = name or str(len(group))
        if name in group and isinstance(group[name], dict):
            raise MalformedForm("a parameter is both a value and a group")
        group[name] = value
    return root


def _from_json(text: str) -> dict[str, Any]:
    if sum(map(text.count, ",[{")) > MAX_PARTS:
        raise MalformedForm(f"JSON of more than {MAX_PARTS} parts")
    try:
        tree = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedForm("the body is not JSON") from None
    if not isinstance(tree, dict):
        raise MalformedForm("the body is not a JSON object")
    _check_size(tree)
    # What no database takes comes into JSON as an escape only.
    return (
        {str(storable(key)): storable(one) for key, one in tree.items()} if "\\u" in text else tree
    )


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _check_size(tree: dict[str, Any]) -> None:
    seen = 0
    level: list[Any] = [tree]
    for _ in range(MAX_DEPTH):
        seen += len(level)
        if seen > MAX_PARAMETERS:
            raise MalformedForm(f"more than {MAX_PARAMETERS} parameters")
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    if level:
        raise MalformedForm(f"parameters nested deeper than {MAX_DEPTH}")


def encode(params: Mapping[str, Any], flags: tuple[str, str] = ("1", "0")) -> str:
    """Write parameters the way PHP's ``http_build_query`` does: ``USER_ID[0]=12``.

    ``None`` and empty lists leave no trace; ``flags`` stand for true and false.
    """
    pairs = _flatten(params, flags)
    quoted = [
        (name, one if one.isalnum() and one.isascii() else quote_plus(one)) for name, one in pairs
    ]
    return "&".join([f"{_quoted_name(name)}={value}" for name, value in quoted])


# Every call has the same ones.
_quoted_name = lru_cache(maxsize=1024)(quote_plus)


def _flatten(
    node: Mapping[str, Any] | Sequence[Any], flags: tuple[str, str], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, Mapping | Sequence):
            yield from _flatten(value, flags, name)
        elif isinstance(value, bool):
            yield name, flags[0] if value else flags[1]
        elif value is not None:
            yield name, str(value)
