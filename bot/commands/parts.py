"""Reads the parts of a command from its text, one after the other, in any order.

What may be written how is in ``patterns`` and ``vocabulary``; what is not understood is never
guessed.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Someone
from bot.commands import vocabulary
from bot.commands.line import Line, Problem
from bot.commands.links import MAX_ID, ForeignHost, read_link
from bot.commands.patterns import CLOSING, OPENING, SEEN, plain
from bot.commands.vocabulary import DASHES, STOPS, normalise

MAX_REASON = 500
# No command needs as many: what is longer is read no further.
MOST_PARTS = 300
# How short and how long, in seconds, what takes its time may be.
BOUNDS = {"lasting": (5 * 60, 7 * 86_400), "wait": (60, 3 * 3600)}


def reads(line: Line) -> bool:
    """Read part after part, and say whether that was the whole text. Raises ``Unclear``."""
    line.take("between")
    for _ in range(MOST_PARTS):
        if line.place >= len(line.text):
            return True
        known = any(part in line.wanted and read(line) for part, read in _READERS)
        if not known and not option(line):
            return False
        line.take("stops")
        line.take("between")
    return line.place >= len(line.text)


def _word(line: Line) -> bool:
    if line.parts or line.see("option") or not (found := line.take("anything")):
        return False
    # In small letters two characters may become one: «ſ» with an accent.
    line.parts["word"] = normalise(found[0].casefold()).strip(f"/{STOPS}")
    return True


def _reason(line: Line) -> bool:
    late = "dash and colleague" if "number" not in line.wanted else "colleague alone"
    if (not line.people and line.see(late)) or _is_only_time(line):
        return False
    if not (found := line.take("reason")):
        return False
    if len(line.text) - found.end() > MAX_REASON:
        line.place += MAX_REASON
        raise line.unclear(Problem.TOO_LONG)
    line.parts["reason"] = plain(line.text[line.place :])
    line.place = len(line.text)
    return True


def _is_only_time(line: Line) -> bool:
    """Say whether nothing but a time stands behind the dashes, where it may be for how long."""
    is_wanted = "lasting" in line.wanted and "wait" not in line.wanted
    return is_wanted and "lasting" not in line.parts and bool(line.see("only a time"))


def option(line: Line) -> bool:
    """Read the option that stands here, if the command takes it. Raises ``Unclear``."""
    start, found = line.place, line.see("option")
    part = option_part(found[1]) if found else ""
    if not found or part not in line.wanted:
        return False
    line.place = found.end()
    line.put(part, _VALUES[part](line), start)
    return True


def option_part(name: str) -> str:
    """Give the part that an option of this name is; nothing where there is none."""
    known, name = vocabulary.OPTIONS, name.casefold()
    return known.get(name) or known.get(vocabulary.other_layout(name), "")


def _flag(line: Line) -> bool:
    line.take("run")
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
        seconds += unit / 2 if line.take("and half") else 0
    shortest, longest = BOUNDS[part]
    is_read = bool(line.see("end"))
    if shortest <= seconds <= longest and is_read:
        return int(seconds)
    end = line.place if is_read else found.end() if found and found[1] else start
    read = line.text[start:end].strip()
    line.place = start
    unclear = line.unclear(problem)
    unclear.word = read or unclear.word.strip(f"-{DASHES}")
    raise unclear


def _amount(said: str) -> float:
    words = said.casefold()
    half = next((one for one in vocabulary.AND_HALF if words.endswith(f" {one}")), "")
    whole = words.removesuffix(half).rstrip()
    amount = vocabulary.AMOUNTS.get(whole) or float(whole.replace(",", "."))
    return amount + (0.5 if half else 0)


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
    if line.take("this chat"):
        return True
    start = line.place
    if not line.see("chat") and line.word() not in vocabulary.CHAT:
        return False
    line.put("chat_id", _chat_number(line), start)
    return True


def _preposition(line: Line) -> bool:
    """Read ``in`` of ``in deal 288``, or ``to`` of ``to @head``; what it is about comes next.

    Raises ``Unclear`` where only a number does: in a colleague there is nobody.
    """
    if "number" in line.wanted and not line.people and line.take("towards"):
        return True
    if line.see("lasting") or is_lasting(line) or line.see("until"):
        return False
    is_time = "lasting" in line.wanted and line.see("for a number")
    if not line.take("preposition"):
        return False
    if "number" not in line.wanted and line.see("number"):
        raise line.unclear(Problem.DURATION if is_time else Problem.WHICH_ITEM)
    return True


def is_lasting(line: Line) -> bool:
    """Say whether it is said here for how long, or how long to wait, where that can be said."""
    return any(part in line.wanted and line.see(part) for part in BOUNDS)


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
    return _someone(line, "quoted mention", _mentioned)


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
    first, _, further = found[1].partition(" ")
    # Before a surname a letter with a full stop is an initial.
    word = first.casefold() if further else first.casefold().rstrip(".")
    if word in vocabulary.EVERYONE:
        return _everyone(line, found)
    someone = Me() if word in vocabulary.ME else vocabulary.ROLES.get(word)
    if someone is None:
        return Named(name=found[1].rstrip("."))
    # A role is one word: what follows it is not a part of it.
    line.place = found.start(1) + len(first)
    return someone


def _everyone(line: Line, found: re.Match[str]) -> Someone | None:
    line.place = found.start()
    raise line.unclear(Problem.EVERYONE)


_PEOPLE: tuple[tuple[str, Callable[[Line, re.Match[str]], Someone | None]], ...] = (
    ("id", _by_id),
    ("email", _by_email),
    ("name", _by_name),
    ("quoted", _by_quotes),
    ("me", lambda _line, _found: Me()),
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
