"""Text after a command to typed parts. No I/O; what is not understood is never guessed."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from bot.bitrix24.entities import Person
from bot.errors import EveryoneNamed

MAX_ID = 2**31 - 1

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_SPACES = re.compile(r"[\s\u00a0]+")
_SEPARATOR = re.compile(r"[ ,]*")

_MENTION = re.compile(r"\[USER=(\d{1,10}|all)(?:\s+REPLACE)?\](.{0,255}?)\[/USER\]", re.I)
_ID = re.compile(r"(?:id|user|#):?(\d{1,10})(?![\w@.])|@(\d{1,10})(?![\w@.])", re.I)
_HELP = re.compile(r"(?:help|\?|помощь|справка)", re.I)


class Unclear(ValueError):
    """The text stops making sense at ``place``, counted in characters of ``text``."""

    def __init__(self, text: str, place: int) -> None:
        super().__init__(place)
        self.text = text
        self.place = place


def normalise(text: str) -> str:
    """Make what keyboards and phones write differently the same."""
    visible = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    return _SPACES.sub(" ", visible).strip()


def asks_for_help(text: str) -> bool:
    """Say whether somebody wants to know how the command goes: ``help``, ``?``."""
    return _HELP.fullmatch(normalise(text)) is not None


def plain(text: str) -> str:
    """Write mentions as people see them: ``@Ivan``."""
    return _MENTION.sub(lambda found: f"@{found[2].strip() or found[1]}", text)


def parse(text: str) -> dict[str, Any]:
    """Read the text after a command into parts by name: ``people``.

    Raises ``Unclear``, ``EveryoneNamed``.
    """
    line = normalise(text)
    people: dict[int, Person] = {}
    place = _SEPARATOR.match(line).end()  # type: ignore[union-attr]  # matches everywhere
    while place < len(line):
        person, place = _person(line, place)
        people.setdefault(person.id, person)
    return {"people": tuple(people.values())} if people else {}


def _person(line: str, place: int) -> tuple[Person, int]:
    readers: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Person | None]]] = [
        (_MENTION, _mentioned),
        (_ID, _numbered),
    ]
    for pattern, read in readers:
        found = pattern.match(line, place)
        if found and (person := read(found)):
            after = _SEPARATOR.match(line, found.end())
            return person, after.end() if after else found.end()
    raise Unclear(line, place)


def _mentioned(found: re.Match[str]) -> Person | None:
    if found[1].lower() == "all":
        raise EveryoneNamed
    return _numbered_as(found[1], found[2].strip())


def _numbered(found: re.Match[str]) -> Person | None:
    return _numbered_as(found[1] or found[2], "")


def _numbered_as(number: str, name: str) -> Person | None:
    value = int(number)
    return Person(id=value, name=name) if 0 < value <= MAX_ID else None
