"""The text after a command while it is read, and the error where it stops making sense."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.bitrix24.entities import Person, Someone
from bot.commands.links import MAX_ID
from bot.commands.patterns import SEEN


class Problem(StrEnum):
    """What is wrong at the place."""

    UNKNOWN = "unknown"
    EVERYONE = "everyone"
    WHICH_ITEM = "which_item"
    NOT_NUMBER = "not_number"
    NOT_CHAT = "not_chat"
    NOT_GROUP = "not_group"
    FOREIGN = "foreign"
    DURATION = "duration"
    WAIT = "wait"
    TOO_LONG = "too_long"


@dataclass(eq=False)
class Unclear(ValueError):
    """The text stops making sense at ``place``, counted in characters of ``text``.

    ``word`` is what stands there; ``instead`` is a text that would make sense.
    """

    text: str
    place: int
    problem: Problem
    word: str
    instead: str


@dataclass(eq=False, slots=True)
class Line:
    """The text, how far it is read, and what has been found so far.

    ``wanted`` are the parts that the command takes; links lead to no other ``host``.
    """

    text: str
    wanted: Collection[str]
    host: str
    place: int = 0
    parts: dict[str, Any] = field(default_factory=dict)
    people: dict[object, Someone] = field(default_factory=dict)

    def see(self, what: str) -> re.Match[str] | None:
        """Say what stands here, if it is of this kind, and stay."""
        return SEEN[what].match(self.text, self.place)

    def take(self, what: str) -> re.Match[str] | None:
        """Read what stands here, if it is of this kind."""
        if found := SEEN[what].match(self.text, self.place):
            self.place = found.end()
        return found

    def word(self) -> str:
        """Give the word that comes next, in small letters."""
        found = self.see("word")
        return found[0].casefold() if found else ""

    def put(self, part: str, value: Any, start: int) -> None:
        """Keep what was read from ``start`` on. Raises ``Unclear`` where it contradicts."""
        if part == "people":
            self.people.setdefault(value.id if isinstance(value, Person) else value, value)
        elif self.parts.setdefault(part, value) != value:
            self.place = start
            raise self.unclear()

    def number(self, found: re.Match[str]) -> int:
        """Give the number that was found. Raises ``Unclear`` where no portal has so high a one."""
        number = int(found[1])
        if number > MAX_ID:
            self.place = found.start(1)
            raise self.unclear(Problem.NOT_NUMBER)
        return number

    def number_after_word(self, problem: Problem = Problem.NOT_NUMBER) -> int:
        """Read the number that has to stand here. Raises ``Unclear`` with the ``problem``."""
        if found := self.take("after word"):
            return self.number(found)
        self.take("between")
        raise self.unclear(problem)

    def unclear(self, problem: Problem = Problem.UNKNOWN, instead: str = "") -> Unclear:
        """Make the error that says: it stops making sense here."""
        found = self.see("mention") or self.see("anything")
        return Unclear(self.text, self.place, problem, found[0] if found else "", instead)
