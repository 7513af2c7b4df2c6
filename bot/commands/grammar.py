"""Text after a command to typed parts. No I/O; what is not understood is never guessed."""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

from bot.bitrix24.entities import CrmItem, Group
from bot.commands import vocabulary
from bot.commands.line import (
    ANYTHING,
    DASH,
    END,
    NUMBER,
    QUOTED,
    WORD,
    Line,
    Problem,
    normalise,
)
from bot.commands.options import read_option
from bot.commands.someone import is_named, read_people

EVERYTHING = frozenset({"item", "chat_id", "people", "dry", "yes", "lasting", "reason"})

_LINK = r"(?:https?://([^\s/]{1,255}))?"
_ITEM_LINK = re.compile(
    rf"{_LINK}/crm/(lead|deal|company|contact)/details/{NUMBER}/?{END}",
)
_ITEM_NUMBER = re.compile(rf" ?[#:№]? ?{NUMBER}{END}")
_GROUP_LINK = re.compile(rf"{_LINK}/workgroups/group/{NUMBER}/?{END}")
_GROUP_NUMBER = re.compile(rf"#?{NUMBER}{END}")
_CHAT_MENTION = re.compile(rf"\[CHAT={NUMBER}\](.{{0,255}}?)\[/CHAT\]", re.I)
_CHAT_NUMBER = re.compile(rf" ?{NUMBER}{END}")


def asks_for_help(text: str) -> bool:
    """Say whether somebody wants to know how the command goes: ``help``, ``?``."""
    return normalise(text).casefold() in vocabulary.HELP


def parse(text: str, wanted: Collection[str] = EVERYTHING, host: str = "") -> dict[str, Any]:
    """Read the text after a command into parts by name; those not ``wanted`` are not understood.

    ``host`` is the portal's: links to another one are refused. Raises ``Unclear``, and nothing
    else.
    """
    line = Line(text, host)
    for part, read in _READERS.items():
        if part in wanted:
            read(line)
    line.skip()
    while not line.at_end and read_option(line, wanted):
        line.skip()
    if not line.at_end:
        raise line.unclear()
    return {name: part for name, part in line.parts.items() if part or name == "chat_id"}


def _read_word(line: Line) -> None:
    if not line.see(DASH) and (found := line.take(ANYTHING)):
        # In small letters two characters may become one: «ſ» with an accent.
        line.parts["word"] = normalise(found[0].lstrip("/").casefold())


def _read_group(line: Line) -> None:
    if found := line.take(_GROUP_LINK):
        line.parts["group"] = Group(id=line.number(found, 2))
        line.check_host(found)
    elif found := line.take(_GROUP_NUMBER):
        line.parts["group"] = Group(id=line.number(found))
    elif found := line.take(QUOTED):
        line.parts["group"] = Group(name=(found[1] or found[2]).strip())
    elif not line.at_end and not line.see(DASH) and not is_named(line):
        raise line.unclear(Problem.NOT_GROUP)


def _read_target(line: Line) -> None:
    """Read the item, the chat, or both."""
    start = line.place
    asked = line.word() in vocabulary.PREPOSITIONS and line.text[start + len(line.word()) :][:1]
    if asked == " ":
        line.take(WORD)
        line.skip()
    item = _item(line)
    if item:
        line.parts["item"] = item
        line.skip()
    if chat := _chat(line):
        line.parts["chat_id"] = chat
    if asked == " " and not item and not chat:
        line.place = start
        raise line.unclear()


def _item(line: Line) -> CrmItem | None:
    if found := line.see(_ITEM_LINK):
        line.check_host(found)
        line.place = found.end()
        return CrmItem(type=vocabulary.ITEMS[found[2]], id=line.number(found, 3))
    word = line.word()
    if word in vocabulary.ITEMS:
        line.take(WORD)
        return CrmItem(type=vocabulary.ITEMS[word], id=line.take_number(_ITEM_NUMBER))
    _suspect_item(line, word)
    return None


def _suspect_item(line: Line, word: str) -> None:
    """Refuse a word before a number that names no kind of item: ``del 288``."""
    known = vocabulary.ME | vocabulary.CHAT | {"id", "user"}
    if not word or word in known or is_named(line):
        return
    if not _ITEM_NUMBER.match(line.text, line.place + len(word)):
        return
    near = get_close_matches(word, vocabulary.ITEMS, 1, 0.7)
    instead = line.instead(len(word), near[0]) if near else ""
    raise line.unclear(Problem.WHICH_ITEM, instead)


def _chat(line: Line) -> int:
    if found := line.take(_CHAT_MENTION):
        return line.number(found)
    if line.word() not in vocabulary.CHAT:
        return 0
    line.take(WORD)
    return line.take_number(_CHAT_NUMBER)


# In the order in which they are typed.
_READERS: dict[str, Callable[[Line], None]] = {
    "word": _read_word,
    "group": _read_group,
    "item": _read_target,
    "people": read_people,
}
