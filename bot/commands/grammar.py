"""Text after a command to typed parts. No I/O; what is not understood is never guessed.

What may be written how is in ``patterns`` and ``vocabulary``; parts come in any order.
"""

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Someone
from bot.commands import vocabulary
from bot.commands.links import MAX_ID, ForeignHost, read_link
from bot.commands.patterns import CLOSING, OPENING, SEEN
from bot.commands.vocabulary import DASHES, STOPS, near, normalise

MAX_REASON = 500
# No command needs as many: what is longer is read no further.
MOST_PARTS = 300
# How short and how long, in seconds, what takes its time may be.
BOUNDS = {"lasting": (5 * 60, 7 * 86_400), "wait": (60, 3 * 3600)}

EVERYTHING = frozenset({"item", "chat_id", "people", "dry", "yes", "lasting", "wait", "reason"})


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

    @property
    def at_end(self) -> bool:
        """Whether nothing is left to read."""
        return self.place >= len(self.text)

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


def asks_for_help(text: str) -> bool:
    """Say whether somebody wants to know how the command goes: ``help``, ``?``."""
    asked = normalise(text)
    words = vocabulary.readings(asked.strip(f"?/.!-{DASHES}"))
    return any(word in vocabulary.HELP for word in words) or asked.strip("?") == "" != asked


def parse(text: str, wanted: Collection[str] = EVERYTHING, host: str = "") -> dict[str, Any]:
    """Read the text after a command into parts by name; those not ``wanted`` are not understood.

    ``host`` is the portal's: links to another one are refused. Raises ``Unclear``, and nothing
    else.
    """
    line = Line(normalise(text), wanted, host)
    if not _reads(line):
        raise _suspect(line)
    people = {"people": tuple(line.people.values())} if line.people else {}
    return line.parts | people


def _reads(line: Line) -> bool:
    """Read part after part, and say whether that was the whole text. Raises ``Unclear``."""
    line.take("between")
    for _ in range(MOST_PARTS):
        if line.at_end:
            return True
        known = any(part in line.wanted and read(line) for part, read in _READERS)
        if not known and not _option(line):
            return False
        line.take("stops")
        line.take("between")
    return line.at_end


def option_in(reason: str, wanted: Collection[str]) -> str:
    """Give the first option that stands in a reason, and so is only text; else nothing.

    It may be what the reason begins with: ``for 2h``, where a blank came behind the dashes.
    """
    first = Line(f"--{reason}", wanted, "")
    if (said := _option_at(first)) and first.see("closed"):
        return said
    later = (found.start() for found in SEEN["late option"].finditer(reason))
    return next(filter(None, (_option_at(Line(reason, wanted, "", start)) for start in later)), "")


def _option_at(line: Line) -> str:
    """Read the option that stands here, and give it without its dashes; nothing where none does."""
    start = line.place
    with suppress(Unclear):
        if _option(line):
            return line.text[start : line.place].lstrip(f"-{DASHES}")
    return ""


def split_command(typed: str) -> tuple[bool, str, str]:
    """Part a typed line into the command's name and what follows it.

    Says first whether there is a slash; the bot's own name after the command's is left out, as in
    ``/invite@switchboard``.
    """
    found = SEEN["command"].fullmatch(normalise(typed))
    return ("/" in found[1], found[2], found[3].lstrip(" .,;:!…")) if found else (False, "", "")


def plain(text: str) -> str:
    """Write mentions as people see them: ``@Ivan``."""
    return SEEN["mention"].sub(lambda found: f"@{found[2].strip() or found[1]}", text)


def numbered(text: str) -> str:
    """Write mentions with whom they really mean: ``@Ivan (id12)``."""
    return SEEN["mention"].sub(lambda found: f"@{found[2].strip()} (id{found[1]})", text)


def _word(line: Line) -> bool:
    if line.parts or line.see("option") or not (found := line.take("anything")):
        return False
    # In small letters two characters may become one: «ſ» with an accent.
    line.parts["word"] = normalise(found[0].casefold()).strip(f"/{STOPS}")
    return True


def _reason(line: Line) -> bool:
    named_late = not line.people and "number" not in line.wanted and line.see("dash and colleague")
    if named_late or not (found := line.take("reason")):
        return False
    if len(line.text) - found.end() > MAX_REASON:
        line.place += MAX_REASON
        raise line.unclear(Problem.TOO_LONG)
    line.parts["reason"] = line.text[line.place :]
    line.place = len(line.text)
    return True


def _option(line: Line) -> bool:
    start, found = line.place, line.see("option")
    part = _option_part(found[1]) if found else ""
    if not found or part not in line.wanted:
        return False
    line.place = found.end()
    line.put(part, _VALUES[part](line), start)
    return True


def _option_part(name: str) -> str:
    known, name = vocabulary.OPTIONS, name.casefold()
    return known.get(name) or known.get(vocabulary.other_layout(name), "")


def _flag(line: Line) -> bool:
    if not line.see("end"):
        raise line.unclear()
    return True


def _duration(line: Line, part: str, problem: Problem) -> int:
    line.take("is")
    start, seconds = line.place, 0.0
    while found := line.see("time"):
        unit = vocabulary.UNITS.get(found[2].casefold(), 0)
        # "hour" alone is one hour, a letter alone is nothing.
        if not unit or not (found[1] or (len(found[2]) > 2 and not seconds)):
            break
        seconds += _amount(found[1] or "1") * unit
        line.place = found.end()
    shortest, longest = BOUNDS[part]
    is_read = bool(line.see("end"))
    if shortest <= seconds <= longest and is_read:
        return int(seconds)
    read = line.text[start : line.place].strip() if is_read else ""
    line.place = start
    unclear = line.unclear(problem)
    unclear.word = read or unclear.word.strip(f"-{DASHES}")
    raise unclear


def _amount(said: str) -> float:
    return vocabulary.AMOUNTS.get(said.casefold()) or float(said.replace(",", "."))


def _chat_number(line: Line) -> int:
    line.take("is")
    if found := line.take("chat"):
        return line.number(found)
    if line.word() in vocabulary.CHAT:
        line.take("word")
    linked: int | None = _link_to(line, "chat_id")
    return linked or line.number_after_word(Problem.NOT_CHAT)


_VALUES: dict[str, Callable[[Line], int]] = {
    "dry": _flag,
    "yes": _flag,
    "lasting": partial(_duration, part="lasting", problem=Problem.DURATION),
    "wait": partial(_duration, part="wait", problem=Problem.WAIT),
    "chat_id": _chat_number,
}


def _group(line: Line) -> bool:
    start = line.place
    if line.take("to group") and (linked := _link_to(line, "group")):
        line.put("group", linked, start)
        return True
    line.place = start
    if "group" in line.parts or not (found := line.see("group")):
        return False
    # After a colleague, a name in quotation marks is another one.
    if line.people and not found[0][0].isalnum():
        return False
    name = next(filter(None, found.groups()[1:]), "").strip()
    if not name and not found[1]:
        return False
    line.parts["group"] = Group(name=name) if name else Group(id=line.number(found))
    line.place = found.end()
    return True


def _link(line: Line) -> bool:
    start = line.place
    if not (found := _seen(line)) or found[0] not in line.wanted:
        return False
    part, value, line.place = found
    line.put(part, value, start)
    return True


def _link_to(line: Line, part: str) -> Any:
    """Read the link that stands where a number could; ``None`` where it leads to no such part."""
    start = line.place
    line.take("between")
    if (found := _seen(line)) and found[0] == part:
        line.place = found[2]
        return found[1]
    line.place = start
    return None


def _seen(line: Line) -> tuple[str, Any, int] | None:
    """Say what the link that stands here leads to, and where it ends: perhaps in brackets."""
    if tag := line.see("tag"):
        text, end = tag[1] or tag[2], tag.end()
    elif found := line.see("address"):
        inner = found[0].lstrip(OPENING)
        opening, text = len(found[0]) - len(inner), inner.rstrip(f".,;!?:…{CLOSING}")
        closing = inner[len(text) :][:opening]
        end = line.place + opening + len(text) + (len(closing) if closing in CLOSING else 0)
    else:
        return None
    part = _linked(line, text)
    return part and (*part, end)


def _linked(line: Line, text: str) -> tuple[str, Any] | None:
    if found := SEEN["email"].fullmatch(text):
        return "people", _by_email(line, found)
    try:
        return read_link(text, line.host)
    except ForeignHost:
        raise line.unclear(Problem.FOREIGN) from None


def _item(line: Line) -> bool:
    start = line.place
    type_ = vocabulary.ITEMS.get(line.word())
    if type_ is None:
        return False
    line.take("word")
    item = _link_to(line, "item") or CrmItem(type=type_, id=line.number_after_word())
    line.put("item", item, start)
    if item.type != type_:
        line.place = start
        raise line.unclear()
    return True


def _chat(line: Line) -> bool:
    start = line.place
    if not line.see("chat") and line.word() not in vocabulary.CHAT:
        return False
    line.put("chat_id", _chat_number(line), start)
    return True


def _preposition(line: Line) -> bool:
    """Read ``in`` of ``in deal 288``; the item itself comes next.

    Raises ``Unclear`` where only a number does: in a colleague there is nobody.
    """
    if _is_lasting(line) or not line.take("preposition"):
        return False
    if "number" not in line.wanted and line.see("number"):
        raise line.unclear(Problem.WHICH_ITEM)
    return True


def _is_lasting(line: Line) -> bool:
    return "lasting" in line.wanted and line.see("lasting") is not None


def _numbered(line: Line) -> bool:
    """Read the number of an item of which nobody has said what it is."""
    if "item" in line.parts or not (found := line.see("number")):
        return False
    start, number = line.place, line.number(found)
    line.place = found.end()
    line.put("number", number, start)
    return True


def _mention(line: Line) -> bool:
    """Read what nearly everybody is named by, and nothing else begins like."""
    return _someone(line, "mention", _mentioned)


def _person(line: Line) -> bool:
    return any(_someone(line, kind, read) for kind, read in _PEOPLE)


def _someone(line: Line, kind: str, read: Callable[[Line, re.Match[str]], Someone | None]) -> bool:
    start = line.place
    if (found := line.take(kind)) and (someone := read(line, found)):
        line.put("people", someone, start)
        return True
    line.place = start
    return False


def _mentioned(line: Line, found: re.Match[str]) -> Someone | None:
    if found[1].lower() == "all":
        return _everyone(line, found)
    number = int(found[1])
    return Person(id=number, name=found[2].strip()) if 0 < number <= MAX_ID else None


def _by_id(line: Line, found: re.Match[str]) -> Someone | None:
    is_item = "number" in line.wanted and found[0].startswith(("#", "№"))
    return Person(id=int(found[1])) if int(found[1]) <= MAX_ID and not is_item else None


def _by_email(line: Line, found: re.Match[str]) -> Someone | None:
    # Beyond ASCII another case may be another word, or none: «İ» becomes two characters.
    return Email(address=found[1].lower() if found[1].isascii() else found[1])


def _by_quotes(line: Line, found: re.Match[str]) -> Someone | None:
    name = next(filter(None, found.groups())).strip()
    return Named(name=name) if name else None


def _by_name(line: Line, found: re.Match[str]) -> Someone | None:
    first = found[1].partition(" ")[0]
    word = first.casefold().rstrip(".")
    if word in vocabulary.EVERYONE:
        return _everyone(line, found)
    someone = Me() if word in vocabulary.ME else vocabulary.ROLES.get(word)
    if someone is None:
        return Named(name=found[1].rstrip("."))
    # A role is one word: what follows it is not a part of it.
    line.place = found.start(1) + len(first)
    return someone


def _oneself(line: Line, found: re.Match[str]) -> Someone | None:
    return Me()


def _everyone(line: Line, found: re.Match[str]) -> Someone | None:
    line.place = found.start()
    raise line.unclear(Problem.EVERYONE)


def _suspect(line: Line) -> Unclear:
    """Say what is wrong here, and what may have been meant."""
    if "group" in line.wanted and "group" not in line.parts and not line.people:
        return line.unclear(Problem.NOT_GROUP)
    if _is_lasting(line):
        return line.unclear(instead=_instead(line, "", "--"))
    if "lasting" in line.wanted and (found := line.see("until")):
        return replace(line.unclear(Problem.DURATION), word=found[0].lstrip(f"-{DASHES}"))
    if "item" in line.wanted and line.see("other card"):
        return line.unclear(Problem.WHICH_ITEM)
    is_other = line.see("id") or line.see("word and time")
    if "item" in line.wanted and not is_other and (found := line.see("word and number")):
        meant = near(found[1], vocabulary.ITEMS)
        return line.unclear(Problem.WHICH_ITEM, _instead(line, found[1], meant))
    if found := line.see("option"):
        offered = [name for name, part in vocabulary.OPTIONS.items() if part in line.wanted]
        meant = near(found[1], offered, 0.6)
        if meant or _option_part(found[1]):
            return line.unclear(instead=_instead(line, found[0], meant and f"--{meant}"))
    if instead := _unmarked(line):
        return replace(line.unclear(instead=instead), word="")
    if "reason" in line.wanted and (found := line.see("hyphen")):
        return line.unclear(instead=_instead(line, found[0], "-- "))
    if "number" in line.wanted and (found := line.see("number")):
        return line.unclear(instead=_instead(line, found[0], f"id{line.number(found)}"))
    return line.unclear()


def _unmarked(line: Line) -> str:
    """Write the text with the sign that names or a reason lack, or without one too many."""
    before, rest = line.text[: line.place], line.text[line.place :]
    if "people" not in line.wanted or vocabulary.invisible(rest):
        return ""
    if not line.people and (found := line.see("dash and colleague")):
        return before + line.text[found.end() :]
    # In an escalation small letters rather begin a reason.
    are_names = not line.people and "number" not in line.wanted
    found = line.see("unmarked")
    if found and (_is_title(found[0]) or (are_names and not SEEN["named"].search(rest))):
        marked = SEEN["begins a name"].sub(lambda one: f"{one[0]}@", found[0])
        return _readable(before + marked + rest[len(found[0]) :], line)
    if "reason" in line.wanted and not are_names and line.see("said"):
        return _readable(f"{before}-- {rest.lstrip(f'-{DASHES}')}", line)
    return ""


def _is_title(names: str) -> bool:
    """Say whether all words of names begin with a capital letter."""
    words = names.replace(",", " ").replace(";", " ").split()
    return all(one[0].isupper() for one in words if one not in vocabulary.CONJUNCTIONS)


def _readable(text: str, line: Line) -> str:
    """Give a text that a command can be read from, perhaps with ``--`` before how long."""
    other = Line(text, line.wanted, line.host)
    with suppress(Unclear):
        if _reads(other):
            return text
        if _is_lasting(other):
            text = _instead(other, "", "--")
            return text if _reads(Line(text, line.wanted, line.host)) else ""
    return ""


def _instead(line: Line, words: str, others: str) -> str:
    """Write the text with other words at this place; nothing where there are none."""
    rest = line.text[line.place + len(words) :]
    return others and f"{line.text[: line.place]}{others}{rest}"


_PEOPLE: tuple[tuple[str, Callable[[Line, re.Match[str]], Someone | None]], ...] = (
    ("id", _by_id),
    ("email", _by_email),
    ("name", _by_name),
    ("quoted", _by_quotes),
    ("me", _oneself),
    ("everyone", _everyone),
)

# What is read where which part is wanted, the surer first.
_READERS: tuple[tuple[str, Callable[[Line], bool]], ...] = (
    ("people", _mention),
    ("word", _word),
    ("reason", _reason),
    ("group", _group),
    ("people", _link),
    ("item", _preposition),
    ("item", _item),
    ("item", _chat),
    ("number", _numbered),
    ("people", _person),
)
