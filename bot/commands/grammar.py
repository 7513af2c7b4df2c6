"""Text after a command to typed parts, and lines to commands. No I/O.

``line`` is the text while it is read, ``parts`` reads it. Where it makes no sense, it is said here
what may have been meant.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bot.commands import vocabulary
from bot.commands.line import Line, Problem, Unclear
from bot.commands.parts import is_lasting, option, option_part, reads
from bot.commands.patterns import SEEN
from bot.commands.vocabulary import DASHES, near, normalise

EVERYTHING = frozenset({"item", "chat_id", "people", "dry", "yes", "lasting", "wait", "reason"})


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
    if not reads(line):
        raise _explain(line)
    people = {"people": tuple(line.people.values())} if line.people else {}
    return line.parts | people


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
        if option(line):
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


def _explain(line: Line) -> Unclear:
    """Say what is wrong here, and what may have been meant."""
    if "group" in line.wanted and "group" not in line.parts and not line.people:
        return line.unclear(Problem.NOT_GROUP)
    if is_lasting(line):
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
        # Of a short word one letter is much.
        meant = near(found[1], offered, 0.6 if len(found[1]) < 5 else 0.7)
        if meant or option_part(found[1]):
            return line.unclear(instead=_instead(line, found[0], meant and f"--{meant}"))
    if instead := _unmarked(line):
        return replace(line.unclear(instead=instead), word="")
    if "reason" in line.wanted and (found := line.see("hyphen")):
        return line.unclear(instead=_instead(line, found[0], "-- "))
    # Digits alone may be the rest of the item's number.
    found = line.see("number")
    if "number" in line.wanted and found and not found[0][0].isdigit():
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
        if reads(other):
            return text
        if is_lasting(other):
            text = _instead(other, "", "--")
            return text if reads(Line(text, line.wanted, line.host)) else ""
    return ""


def _instead(line: Line, words: str, others: str) -> str:
    """Write the text with other words at this place; nothing where there are none."""
    rest = line.text[line.place + len(words) :]
    return others and f"{line.text[: line.place]}{others}{rest}"
