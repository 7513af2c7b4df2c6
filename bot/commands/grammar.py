"""Text after a command to typed parts, and lines to commands. No I/O.

``line`` is the text while it is read, ``parts`` reads it, ``suggestions`` says what may have been
meant where it makes no sense.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bot.commands import vocabulary
from bot.commands.line import Line, Unclear
from bot.commands.parts import option, reads
from bot.commands.patterns import SEEN
from bot.commands.suggestions import explain, in_one_alphabet
from bot.commands.vocabulary import DASHES, normalise

EVERYTHING = frozenset({"item", "chat_id", "people", "dry", "yes", "lasting", "wait", "reason"})


def asks_for_help(text: str) -> bool:
    """Say whether somebody wants to know how the command goes: ``help``, ``?``."""
    asked = normalise(text)
    words = vocabulary.readings(asked.strip(f"?/.!-{DASHES}"))
    return any(word in vocabulary.HELP for word in words) or asked.strip("?/") == "" != asked


def parse(text: str, wanted: Collection[str] = EVERYTHING, host: str = "") -> dict[str, Any]:
    """Read the text after a command into parts by name; those not ``wanted`` are not understood.

    ``host`` is the portal's: links to another one are refused. Raises ``Unclear``, and nothing
    else.
    """
    line = Line(normalise(text), wanted, host)
    try:
        if not reads(line):
            raise explain(line)
    except Unclear as unclear:
        if instead := in_one_alphabet(line):
            raise replace(unclear, instead=instead) from None
        raise
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


def numbered(text: str) -> str:
    """Write mentions with whom they really mean: ``@Ivan (id12)``."""
    return SEEN["mention"].sub(lambda found: f"@{found[2].strip()} (id{found[1]})", text)
