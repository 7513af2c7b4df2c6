"""Who is meant: a mention, a number, an address, a role, a name."""

import re
from collections.abc import Callable
from typing import Any

from bot.bitrix24.entities import Email, Me, Named, Person, Someone
from bot.commands import vocabulary
from bot.commands.line import END, MAX_ID, NUMBER, QUOTED, Line, Problem, Unclear

_NAME_WORD = r"[^\W\d_]\w{0,39}(?:['’.\-](?!-)\w{1,39}){0,4}\.?"

MENTION = re.compile(r"\[USER=([0-9]{1,10}|all)(?: REPLACE)?\](.{0,255}?)\[/USER\]", re.I)
NAME = re.compile(rf"@({_NAME_WORD}(?: {_NAME_WORD}){{0,3}}){END}")

_ID = re.compile(rf"(?:(?:id|user|#):?|@){NUMBER}(?![\w@.])", re.I)
_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}" + END)
_SHORT_WORD = re.compile(r"[^\W\d_]{1,2}" + END)


def read_people(line: Line) -> None:
    """Read everybody who is named here, each once. Raises ``Unclear``."""
    people: dict[Any, Someone] = {}
    line.skip()
    while (someone := _read(line)) is not None:
        people.setdefault(someone.id if isinstance(someone, Person) else someone, someone)
        line.skip()
    line.parts["people"] = tuple(people.values())


def is_named(line: Line) -> bool:
    """Say whether somebody is named here, and stay. Raises ``Unclear``."""
    start = line.place
    someone = _read(line)
    line.place = start
    return someone is not None


def plain(text: str) -> str:
    """Write mentions as people see them: ``@Ivan``."""
    return MENTION.sub(lambda found: f"@{found[2].strip() or found[1]}", text)


def _read(line: Line) -> Someone | None:
    start = line.place
    for pattern, read in _READERS:
        if found := line.take(pattern):
            if (someone := read(line, found)) is not None:
                return someone
            line.place = start
    return None


def _mentioned(line: Line, found: re.Match[str]) -> Someone | None:
    if found[1].lower() == "all":
        raise _everyone(line, found)
    number = int(found[1])
    return Person(id=number, name=found[2].strip()) if 0 < number <= MAX_ID else None


def _by_id(line: Line, found: re.Match[str]) -> Someone | None:
    return Person(id=int(found[1])) if int(found[1]) <= MAX_ID else None


def _by_email(line: Line, found: re.Match[str]) -> Someone | None:
    # Beyond ASCII another case may be another word, or none: «İ» becomes two characters.
    return Email(address=found[0].lower() if found[0].isascii() else found[0])


def _named(line: Line, found: re.Match[str]) -> Someone | None:
    name = found[1]
    key = name.casefold()
    if key in vocabulary.EVERYONE:
        raise _everyone(line, found)
    if key in vocabulary.ME:
        return Me()
    first, space, _ = key.partition(" ")
    if (role := vocabulary.ROLES.get(first)) is not None:
        # A role is one word: what follows it is not a part of it.
        line.place = found.start() + 1 + len(first) if space else found.end()
        return role
    return Named(name=_before_target(line, found, name))


def _before_target(line: Line, found: re.Match[str], name: str) -> str:
    """End a name where an item begins: ``@Ivan in deal 288`` is not a name of three words."""
    words = name.split(" ")
    for count, word in enumerate(words[1:], 1):
        after = words[count + 1] if count + 1 < len(words) else ""
        begins = word.casefold() in vocabulary.PREPOSITIONS and after.casefold() in vocabulary.ITEMS
        if begins:
            name = " ".join(words[:count])
            line.place = found.start() + 1 + len(name)
            return name
    return name


def _by_quotes(line: Line, found: re.Match[str]) -> Someone | None:
    name = (found[1] or found[2]).strip()
    return Named(name=name) if name else None


def _oneself(line: Line, found: re.Match[str]) -> Someone | None:
    return Me() if found[0].casefold() in vocabulary.ME else None


def _everyone(line: Line, found: re.Match[str]) -> Unclear:
    line.place = found.start()
    return line.unclear(Problem.EVERYONE)


Reader = Callable[[Line, re.Match[str]], Someone | None]

_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (MENTION, _mentioned),
    (_ID, _by_id),
    (_EMAIL, _by_email),
    (NAME, _named),
    (QUOTED, _by_quotes),
    (_SHORT_WORD, _oneself),
)
