"""The text after a command, while it is read: how far one is, and where it stops making sense."""

import re
import unicodedata
from enum import StrEnum
from typing import Any

MAX_ID = 2**31 - 1

END = r"(?=[\s,]|$)"
NUMBER = r"([1-9][0-9]{0,9})"
WORD = re.compile(r"[^\W\d_]+")
ANYTHING = re.compile(r"[^\s,]+")
QUOTED = re.compile(r'"([^"]{1,255})"|«([^»]{1,255})»')
# Phones turn two hyphens into a dash.
DASH = re.compile(r"(?:--|—|–)")

_SEPARATOR = re.compile(r"[ ,]*")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_QUOTES = dict.fromkeys(map(ord, "“”„‟"), '"')
_SPACES = re.compile(r"\s+")


class Problem(StrEnum):
    """What is wrong at the place."""

    UNKNOWN = "unknown"
    EVERYONE = "everyone"
    WHICH_ITEM = "which_item"
    NOT_NUMBER = "not_number"
    NOT_GROUP = "not_group"
    FOREIGN = "foreign"
    DURATION = "duration"
    TOO_LONG = "too_long"


class Unclear(ValueError):
    """The text stops making sense at ``place``, counted in characters of ``text``.

    ``word`` is what stands there; ``instead`` is a text that would make sense.
    """

    def __init__(
        self,
        text: str,
        place: int,
        problem: Problem = Problem.UNKNOWN,
        word: str = "",
        instead: str = "",
    ) -> None:
        super().__init__(place)
        self.text = text
        self.place = place
        self.problem = problem
        self.word = word
        self.instead = instead


def normalise(text: str) -> str:
    """Make what keyboards and phones write differently the same."""
    visible = unicodedata.normalize("NFC", text.translate(_INVISIBLE)).translate(_QUOTES)
    return _SPACES.sub(" ", visible).strip()


class Line:
    """The text, how far it is read, and what has been found so far.

    ``host`` is the portal's: links lead to no other.
    """

    def __init__(self, text: str, host: str = "") -> None:
        self.text = normalise(text)
        self.place = 0
        self.parts: dict[str, Any] = {}
        self._host = host.casefold()
        self.skip()

    @property
    def at_end(self) -> bool:
        """Whether nothing is left to read."""
        return self.place >= len(self.text)

    def skip(self) -> None:
        """Pass over what separates the parts."""
        self.take(_SEPARATOR)

    def see(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Say what stands here, and stay."""
        return pattern.match(self.text, self.place)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what stands here."""
        if found := self.see(pattern):
            self.place = found.end()
        return found

    def word(self) -> str:
        """Give the word that comes next, in small letters."""
        found = self.see(WORD)
        return found[0].casefold() if found else ""

    def take_number(self, pattern: re.Pattern[str]) -> int:
        """Read the number that has to stand here. Raises ``Unclear``."""
        if found := self.take(pattern):
            return self.number(found)
        self.skip()
        raise self.unclear(Problem.NOT_NUMBER)

    def number(self, found: re.Match[str], group: int = 1) -> int:
        """Give the number that was found. Raises ``Unclear`` where no portal has so high a one."""
        number = int(found[group])
        if number > MAX_ID:
            self.place = found.start(group)
            raise self.unclear(Problem.NOT_NUMBER)
        return number

    def check_host(self, found: re.Match[str]) -> None:
        """Raise ``Unclear`` where a link, its host in the first group, leads elsewhere."""
        if found[1] and self._host and found[1].casefold() != self._host:
            self.place = found.start()
            raise self.unclear(Problem.FOREIGN)

    def instead(self, length: int, words: str) -> str:
        """Write the text with other words at this place."""
        return self.text[: self.place] + words + self.text[self.place + length :]

    def unclear(self, problem: Problem = Problem.UNKNOWN, instead: str = "") -> Unclear:
        """Make the error that says: it stops making sense here."""
        found = self.see(ANYTHING)
        return Unclear(self.text, self.place, problem, found[0] if found else "", instead)
