"""What may end a command: its options, and the reason after a dash."""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches

from bot.commands import vocabulary
from bot.commands.line import DASH, END, NUMBER, Line, Problem, Unclear

MAX_REASON = 500
SHORTEST, LONGEST = 5 * 60, 7 * 86_400

_OPTION = re.compile(DASH.pattern + r"([^\W\d_]+)(?=[\s]|$)")
_REASON = re.compile(DASH.pattern + " ")
_DURATION = re.compile(r" ?([0-9]{1,5}) ?([^\W\d_])" + END)
_NUMBER = re.compile(rf" ?{NUMBER}{END}")


def read_option(line: Line, wanted: Collection[str]) -> bool:
    """Read one option, or the reason; ``False`` where there is neither. Raises ``Unclear``."""
    if "reason" in wanted and (found := line.see(_REASON)):
        _read_reason(line, found)
        return True
    if not (found := line.see(_OPTION)):
        return False
    name = found[1].casefold()
    if _PARTS.get(name) not in wanted:
        raise _unknown(line, found, wanted)
    line.place = found.end()
    _READERS[name](line)
    return True


def _read_reason(line: Line, found: re.Match[str]) -> None:
    if len(line.text) - found.end() > MAX_REASON:
        line.place = found.end() + MAX_REASON
        raise line.unclear(Problem.TOO_LONG)
    line.parts["reason"] = line.text[found.end() :]
    line.place = len(line.text)


def _unknown(line: Line, found: re.Match[str], wanted: Collection[str]) -> Unclear:
    offered = [name for name, part in _PARTS.items() if part in wanted]
    near = get_close_matches(found[1].casefold(), offered, 1, 0.6)
    return line.unclear(instead=line.instead(len(found[0]), f"--{near[0]}") if near else "")


def _read_dry(line: Line) -> None:
    line.parts["dry"] = True


def _read_yes(line: Line) -> None:
    line.parts["yes"] = True


def _read_duration(line: Line) -> None:
    found = line.see(_DURATION)
    unit = vocabulary.UNITS.get(found[2].casefold(), 0) if found else 0
    seconds = int(found[1]) * unit if found else 0
    if not found or not SHORTEST <= seconds <= LONGEST:
        line.skip()
        raise line.unclear(Problem.DURATION)
    line.place = found.end()
    line.parts["lasting"] = seconds


def _read_chat(line: Line) -> None:
    line.parts["chat_id"] = line.take_number(_NUMBER)


_PARTS = {"dry": "dry", "yes": "yes", "for": "lasting", "chat": "chat_id"}

_READERS: dict[str, Callable[[Line], None]] = {
    "dry": _read_dry,
    "yes": _read_yes,
    "for": _read_duration,
    "chat": _read_chat,
}
