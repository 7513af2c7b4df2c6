"""What of a message its author has said himself, and not quoted."""

import re

from bot.bitrix24.events import CommandEvent, lines_of

# A quotation stands between two lines of hyphens; they have 54 of them.
_FENCE = re.compile(r"-{6,}")
_CODE = re.compile(r"\[(/?)code\]", re.IGNORECASE)


def is_quoted(event: CommandEvent) -> bool:
    """Say whether a typed command stands in a quotation or in code, and nowhere else."""
    text = event.message.text
    if not event.is_typed or not text:
        return False
    typed = event.typed_line
    stands, said = ({one.strip() for one in lines} for lines in (lines_of(text), said_lines(text)))
    return typed in stands and typed not in said


def said_lines(text: str) -> list[str]:
    """Give the lines of a message that are neither quoted nor code."""
    lines = _without_fenced(lines_of(_without_code(text)))
    return [line for line in lines if not line.lstrip().startswith((">>", "&gt;&gt;"))]


def _without_code(text: str) -> str:
    kept, place, opened = [], 0, -1
    for found in _CODE.finditer(text):
        if not found[1] and opened < 0:
            opened = found.start()
        elif found[1] and opened >= 0:
            kept.append(text[place:opened])
            place, opened = found.end(), -1
    return "".join([*kept, text[place:]])


def _without_fenced(lines: list[str]) -> list[str]:
    fences = [n for n, line in enumerate(lines) if _FENCE.fullmatch(line.strip())]
    quoted: set[int] = set()
    for first, last in zip(fences[::2], fences[1::2], strict=False):
        quoted.update(range(first, last + 1))
    return [line for n, line in enumerate(lines) if n not in quoted]
