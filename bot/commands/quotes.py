"""What of a message its author has said themselves: not quoted, not code, not forwarded.

Page: message-formatting.md. The messenger quotes between two lines of 54 hyphens, with ``>>``
before a line, and shows what stands between ``[code]`` tags or three backticks as it is.
"""

import re

from bot.bitrix24.events import CommandEvent, bare_line, lines_of

_RULE = re.compile(r"-{6,}")
# What is opened and never closed goes on to the end of the message.
_CODE = re.compile(
    r"\[code\b[^\]]*\].*?(?:\[/code\]|\Z)|\[quote\b[^\]]*\].*?(?:\[/quote\]|\Z)|```.*?(?:```|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = (">>", "&gt;&gt;")
_CUT = "\ufffc"


def is_own_word(event: CommandEvent) -> bool:
    """Say whether a typed command is its author's own, and not only quoted or shown as code."""
    text = event.message.text
    if not event.is_typed or not text:
        return True
    said = said_lines(text)
    # Where nothing is quoted the line is said, however the portal may write it.
    return said == lines_of(text) or event.typed_line in map(bare_line, said)


def is_forwarded(event: CommandEvent) -> bool:
    """Say whether a typed command stands in a message that its sender has only forwarded."""
    return event.is_typed and event.message.forward


def said_lines(text: str) -> list[str]:
    """Give the lines of a message that are neither quoted nor code."""
    lines = _without_ruled(lines_of(text))
    spoken = [line for line in lines if not line.lstrip().startswith(_QUOTED)]
    # What is left of a line that code stood in is no line of its own.
    return lines_of(_CODE.sub(_CUT, "\n".join(spoken)))


def _without_ruled(lines: list[str]) -> list[str]:
    """Drop what stands between rules: a quotation may hold rules of its own."""
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(line.strip())]
    if len(rules) < 2:
        return lines
    return [*lines[: rules[0]], *lines[rules[-1] + 1 :]]
