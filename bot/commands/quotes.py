"""What of a message its author has said themselves: not quoted, not code, not forwarded.

Page: message-formatting.md. The messenger quotes between two lines of 54 hyphens, with ``>>``
before a line, and shows what stands between ``[code]`` tags or three backticks as it is.
"""

import re
from collections.abc import Callable

from bot.bitrix24.events import LONGEST_MESSAGE, CommandEvent, bare_line, lines_of
from bot.commands.vocabulary import DASHES, HYPHENS, normalise

# Some devices make longer ones of several hyphens.
_LINE = rf"[{HYPHENS}{DASHES}─]{{6}}"
_RULE = re.compile(rf"{_LINE}[{HYPHENS}{DASHES}─]*")
# All up to the last end is quoted: what is quoted may hold such ends of its own. What is opened and
# never closed goes on to the end of the message.
_CODE = re.compile(
    r"\[(code|quote)\b[^\]]*\].*(?:\[/\1\])|\[(?:code|quote)\b[^\]]*\].*|```.*```|```.*",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = (">>", "&gt;&gt;")
# Without any of it nothing is quoted.
_MARKS = re.compile(rf"{_LINE}|>>|&gt;&gt;|\[code|\[quote|```", re.IGNORECASE)
_CUT = "\ufffc"

# What stands for a line that is no command, in what is kept of a message.
LEFT_OUT = "…"
_QUOTATION = "-" * 6


def is_own_word(event: CommandEvent) -> bool:
    """Say whether a typed command is its author's own, and not only quoted or shown as code."""
    text = event.message.text
    if not event.is_typed or not _MARKS.search(text):
        return True
    said = said_lines(text)
    # Where nothing is quoted the line is said, however the portal may write it.
    if said == lines_of(text) or (not event.name and any(map(_is_word, said))):
        return True
    return event.typed_line in map(bare_line, said)


def is_forwarded(event: CommandEvent) -> bool:
    """Say whether a typed command stands in a message that its sender has only forwarded."""
    return event.is_typed and event.message.forward


def only_commands(event: CommandEvent, is_meant: Callable[[str], bool]) -> CommandEvent:
    """Leave of a message the lines that are commands, and where others stand between them.

    Quoted commands stay quoted: each has an event of its own, which is to find out that it is
    only quoted. Of words to the bot alone the first line stays where it ``is_meant`` as a command.
    """
    if not event.is_typed or not event.message.text:
        return event
    said = said_lines(event.message.text)
    kept = [line if _is_command(line) else LEFT_OUT if normalise(line) else "" for line in said]
    if not event.name:
        kept = [_first_line(said, is_meant)]
    if quoted := _quoted(event, said):
        kept += [_QUOTATION, *quoted, _QUOTATION]
    text = "\n".join(kept)
    return event if text == event.message.text else event.with_text(text)


def _is_word(line: str) -> bool:
    """Say whether anything stands on a line besides code."""
    return bool(normalise(line.replace(_CUT, "")))


def _is_command(line: str) -> bool:
    return line.lstrip().startswith("/") and _CUT not in line


def _first_line(said: list[str], is_meant: Callable[[str], bool]) -> str:
    first = next(filter(_is_word, said), "")
    return first if not first or is_meant(first) else LEFT_OUT


def _quoted(event: CommandEvent, said: list[str]) -> list[str]:
    """Give the commands of a message that are only quoted, this one among them if it is."""
    if not _MARKS.search(event.message.text):
        return []
    own = set(map(bare_line, said))
    quoted = [line for line in lines_of(event.message.text) if line.lstrip().startswith("/")]
    quoted = [line for line in quoted if bare_line(line) not in own]
    if not is_own_word(event) and event.typed_line not in map(bare_line, quoted):
        quoted.append(event.typed_line)
    return quoted


def said_lines(text: str) -> list[str]:
    """Give the lines of a message that are neither quoted nor code."""
    if not _MARKS.search(text):
        return lines_of(text)
    lines = _without_ruled(lines_of(text), is_cut=len(text) >= LONGEST_MESSAGE)
    spoken = [line for line in lines if not line.lstrip().startswith(_QUOTED)]
    # What is left of a line that code stood in is no line of its own.
    return lines_of(_CODE.sub(_CUT, "\n".join(spoken)))


def _without_ruled(lines: list[str], *, is_cut: bool) -> list[str]:
    """Drop what stands between rules: a quotation may hold rules of its own.

    Where the messenger has cut the message, the rule that ends the quotation may be gone.
    """
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(normalise(line))]
    if rules and is_cut:
        return lines[: rules[0]]
    if len(rules) < 2:
        return lines
    return [*lines[: rules[0]], *lines[rules[-1] + 1 :]]
