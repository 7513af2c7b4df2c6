"""What may have been meant where a command's text stops making sense."""

from contextlib import suppress
from dataclasses import replace

from bot.commands import vocabulary
from bot.commands.line import Line, Problem, Unclear
from bot.commands.parts import is_lasting, option_part, reads
from bot.commands.patterns import SEEN
from bot.commands.vocabulary import DASHES, near

# One mistake may hide another one: so many are mended in one offer.
MOST_MENDED = 3


def explain(line: Line) -> Unclear:
    """Say what is wrong here, and what may have been meant."""
    unclear = _explained(line)
    return replace(unclear, instead=_mended(unclear.instead, line))


def in_one_alphabet(line: Line) -> str:
    """Write a text that cannot be read with other letters that look the same, if it then can be."""
    text = vocabulary.unmixed(line.text)
    return text if text != line.text and _is_readable(text, line) else ""


def _mended(text: str, line: Line) -> str:
    """Mend what else is wrong with an offered text; nothing where that does not make it clear."""
    with suppress(Unclear):
        for _ in range(MOST_MENDED):
            other = Line(text, line.wanted, line.host)
            if not text or reads(other):
                return text
            text = _explained(other).instead
    return ""


def _explained(line: Line) -> Unclear:
    if "group" in line.wanted and "group" not in line.parts and not line.people:
        return _without_group(line)
    if unclear := _misfitting(line):
        return unclear
    if found := line.see("option"):
        offered = [name for name, part in vocabulary.OPTIONS.items() if part in line.wanted]
        # Of a short word one letter is much.
        meant = near(found[1], offered, 0.6 if len(found[1]) < 5 else 0.7)
        if meant or option_part(found[1]):
            return line.unclear(instead=_instead(line, found[0], meant and f"--{meant}"))
    if instead := _unmarked(line):
        return replace(line.unclear(instead=instead), word="")
    if "reason" in line.wanted and (found := line.see("hyphen")):
        return replace(line.unclear(instead=_instead(line, found[0], "-- ")), word="")
    # Digits alone may be the rest of the item's number.
    found = line.see("number")
    if "number" in line.wanted and found and not found[0][0].isdigit():
        return line.unclear(instead=_instead(line, found[0], f"id{line.number(found)}"))
    return line.unclear()


def _without_group(line: Line) -> Unclear:
    unclear = line.unclear(Problem.NOT_GROUP)
    if not (found := line.see("group name")):
        return unclear
    instead = _readable(_instead(line, found[0], f"«{found[1]}» "), line)
    return replace(unclear, word=found[1], instead=instead) if instead else unclear


def _misfitting(line: Line) -> Unclear | None:
    """Say what is wrong where a time or a record is told of in a way that is not read."""
    if is_lasting(line):
        return replace(line.unclear(instead=_instead(line, "", "--")), word="")
    if "lasting" in line.wanted and (unclear := _mistimed(line)):
        return unclear
    if "item" not in line.wanted:
        return None
    if line.see("other card"):
        return line.unclear(Problem.WHICH_ITEM)
    is_other = line.see("id") or line.see("word and time")
    if not is_other and (found := line.see("word and number")):
        meant = near(found[1], vocabulary.ITEMS)
        return line.unclear(Problem.WHICH_ITEM, _instead(line, found[1], meant))
    return None


def _mistimed(line: Line) -> Unclear | None:
    is_when = line.people or "number" not in line.wanted
    if is_when and (found := line.see("until")):
        return replace(line.unclear(Problem.DURATION), word=found[0].lstrip(f"-{DASHES}"))
    is_option = line.see("option and time")
    if "wait" in line.wanted:
        return line.unclear() if is_option else None
    if instead := _for_that_long(line):
        unclear = line.unclear(instead=instead)
        return unclear if is_option else replace(unclear, word="")
    return None


def _for_that_long(line: Line) -> str:
    """Write ``--for`` before a time that has no such option before it, or another one."""
    other = line.see("option and time") or line.see("dash and time")
    found = other or line.see("time alone")
    if not found or (other and option_part(other[0].strip(f"-{DASHES}=: "))):
        return ""
    time = line.text[other.end() if other else line.place :]
    return _instead(line, other[0] if other else "", f"--{vocabulary.lasting(time)} ")


def _unmarked(line: Line) -> str:
    """Write the text with the sign that names or a reason lack, or without one too many."""
    before, rest = line.text[: line.place], line.text[line.place :]
    if "people" not in line.wanted or vocabulary.invisible(rest):
        return ""
    if not line.people and (found := line.see("dash and colleague")):
        return before + line.text[found.end() :]
    if instead := _unmarked_role(line) or _numbered(line) or _urgent_first(line):
        return instead
    # In an escalation small letters rather begin a reason.
    are_names = not line.people and "number" not in line.wanted
    found = line.see("unmarked")
    is_name = SEEN["conjoined"].search(before) or (are_names and not SEEN["named"].search(rest))
    if found and (_is_title(found[0]) or is_name):
        marked = SEEN["begins a name"].sub(lambda one: f"{one[0]}@", found[0])
        return _readable(before + marked + rest[len(found[0]) :], line)
    is_against = line.people and (line.see("contrary") or line.see("until"))
    if "reason" in line.wanted and not are_names and not is_against and line.see("said"):
        return _readable(_with_reason(before, rest.lstrip(f"-{DASHES}"), line), line)
    return ""


def _with_reason(before: str, said: str, line: Line) -> str:
    """Write ``--`` before words, and a record that they name before that: it may be another's."""
    is_told = line.parts.keys() & {"item", "chat_id"}
    found = None if is_told else SEEN["record"].search(said)
    if not found or "item" not in line.wanted:
        return f"{before}-- {said}"
    words = f"{said[: found.start()]} {said[found.end() :].lstrip(' ,;:.')}".strip()
    return f"{before}{found[1]}{words and f' -- {words}'}"


def _unmarked_role(line: Line) -> str:
    """Write the @ before a role, or leave out what stands before whom an escalation goes to."""
    if line.people:
        return ""
    if found := line.see("role"):
        return _readable(_instead(line, found[0], f"@{found[1]}"), line)
    found = line.see("towards name") if "number" in line.wanted else None
    is_name = found and line.text[found.end()].isupper()
    return _instead(line, found[0], "@") if found and is_name else ""


def _urgent_first(line: Line) -> str:
    """Write behind everything else what stands before a colleague and only says why."""
    if "reason" not in line.wanted or line.people or not (found := line.see("urgent")):
        return ""
    return _readable(f"{_instead(line, found[0], ' ')} -- {found[1]}", line)


def _numbered(line: Line) -> str:
    """Write ``id`` before numbers alone that can only be colleagues."""
    is_part = not line.people and line.parts.keys() & {"item", "chat_id", "group"}
    if "number" in line.wanted or is_part or not line.see("numbers"):
        return ""
    rest = SEEN["digits"].sub(lambda one: f"id{one[0]}", line.text[line.place :])
    return _readable(f"{line.text[: line.place]}{rest}", line)


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
        elif other.people and "reason" in other.wanted and other.see("said"):
            text = _with_reason(text[: other.place], text[other.place :], other)
        return text if _is_readable(text, line) else ""
    return ""


def _is_readable(text: str, line: Line) -> bool:
    with suppress(Unclear):
        return reads(Line(text, line.wanted, line.host))
    return False


def _instead(line: Line, words: str, others: str) -> str:
    """Write the text with other words at this place; nothing where there are none."""
    rest = line.text[line.place + len(words) :]
    return others and f"{line.text[: line.place]}{others}{rest}"
