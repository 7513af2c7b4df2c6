"""Text after a command to typed parts. No I/O; what is not understood is never guessed."""

import re
import unicodedata
from collections.abc import Callable, Collection
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from bot.bitrix24.entities import CrmItem, Email, Group, ItemType, Me, Named, Person, Role, Someone
from bot.commands import vocabulary

T = TypeVar("T")

MAX_ID = 2**31 - 1
MAX_REASON = 500
SHORTEST, LONGEST = 5 * 60, 7 * 86_400
OPTIONS = ("dry", "yes", "for", "chat")
EVERYTHING = frozenset({"item", "chat_id", "people", "dry", "yes", "lasting", "reason"})

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_QUOTES = dict.fromkeys(map(ord, "“”„‟"), '"')
_SPACES = re.compile(r"\s+")

_END = r"(?=[\s,]|$)"
_SEPARATOR = re.compile(r"[ ,]*")
_NUMBER = r"([1-9][0-9]{0,9})"
_MENTION = re.compile(r"\[USER=([0-9]{1,10}|all)(?: REPLACE)?\](.{0,255}?)\[/USER\]", re.I)
_ID = re.compile(rf"(?:(?:id|user|#):?|@){_NUMBER}(?![\w@.])", re.I)
_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}" + _END)
_NAME_WORD = r"[^\W\d_]\w{0,39}(?:['’.\-](?!-)\w{1,39}){0,4}\.?"
_NAME = re.compile(rf"@({_NAME_WORD}(?: {_NAME_WORD}){{0,3}}){_END}")
_QUOTED = re.compile(r'"([^"]{1,255})"|«([^»]{1,255})»')
_WORD = re.compile(r"[^\W\d_]+")
_ANYTHING = re.compile(r"[^\s,]+")

_ITEM_NUMBER = re.compile(rf" ?[#:№]? ?{_NUMBER}{_END}")
_ITEM_LINK = re.compile(
    rf"(?:https?://([^\s/]{{1,255}}))?/crm/(lead|deal|company|contact)/details/{_NUMBER}/?{_END}"
)
_GROUP_LINK = re.compile(
    rf"(?:https?://([^\s/]{{1,255}}))?/workgroups/group/{_NUMBER}/?{_END}",
)
_GROUP_NUMBER = re.compile(rf"#?{_NUMBER}{_END}")
_CHAT_NUMBER = re.compile(rf" ?{_NUMBER}{_END}")
_CHAT_MENTION = re.compile(rf"\[CHAT={_NUMBER}\](.{{0,255}}?)\[/CHAT\]", re.I)

# Phones turn two hyphens into a dash.
_OPTION = re.compile(r"(?:--|—|–)([^\W\d_]+)(?=[\s]|$)")
_REASON = re.compile(r"(?:--|—|–) ")
_DASH = re.compile(r"--|—|–")
_DURATION = re.compile(r" ?([0-9]{1,5}) ?([^\W\d_])" + _END)


class Problem(StrEnum):
    """What is wrong at the place."""

    UNKNOWN = "unknown"
    EVERYONE = "everyone"
    WHICH_ITEM = "which_item"
    NOT_NUMBER = "not_number"
    NOT_GROUP = "not_group"
    FOREIGN = "foreign"
    DURATION = "duration"
    TOO_LONG = "too_long"


class Unclear(ValueError):
    """The text stops making sense at ``place``, counted in characters of ``text``.

    ``word`` is what stands there; ``instead`` is a text that would make sense.
    """

    def __init__(
        self,
        text: str,
        place: int,
        problem: Problem = Problem.UNKNOWN,
        word: str = "",
        instead: str = "",
    ) -> None:
        super().__init__(place)
        self.text = text
        self.place = place
        self.problem = problem
        self.word = word
        self.instead = instead


def normalise(text: str) -> str:
    """Make what keyboards and phones write differently the same."""
    visible = unicodedata.normalize("NFC", text.translate(_INVISIBLE)).translate(_QUOTES)
    return _SPACES.sub(" ", visible).strip()


def asks_for_help(text: str) -> bool:
    """Say whether somebody wants to know how the command goes: ``help``, ``?``."""
    return normalise(text).casefold() in vocabulary.HELP


def plain(text: str) -> str:
    """Write mentions as people see them: ``@Ivan``."""
    return _MENTION.sub(lambda found: f"@{found[2].strip() or found[1]}", text)


def parse(text: str, wanted: Collection[str] = EVERYTHING, host: str = "") -> dict[str, Any]:
    """Read the text after a command into parts by name; those not ``wanted`` are not understood.

    ``host`` is the portal's: links to another one are refused. Raises ``Unclear``, and nothing
    else.
    """
    line = _Line(normalise(text), host)
    for part in ("word", "group", "item", "people"):
        if part in wanted:
            _READERS[part](line)
    line.skip()
    while not line.at_end and _read_tail(line, wanted):
        line.skip()
    if not line.at_end:
        raise line.unclear()
    return {name: part for name, part in line.parts.items() if part or name == "chat_id"}


class _Line:
    """The text, how far it is read, and what has been found so far."""

    def __init__(self, text: str, host: str) -> None:
        self.text = text
        self.host = host.casefold()
        self.place = 0
        self.parts: dict[str, Any] = {}
        self.skip()

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.text)

    def skip(self) -> None:
        self.take(_SEPARATOR)

    def see(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.place)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        if found := self.see(pattern):
            self.place = found.end()
        return found

    def word(self) -> str:
        """Give the word that comes next, in small letters."""
        found = self.see(_WORD)
        return found[0].casefold() if found else ""

    def instead(self, length: int, words: str) -> str:
        """Write the text with other words at this place."""
        return self.text[: self.place] + words + self.text[self.place + length :]

    def unclear(self, problem: Problem = Problem.UNKNOWN, instead: str = "") -> Unclear:
        found = self.see(_ANYTHING)
        return Unclear(self.text, self.place, problem, found[0] if found else "", instead)


def _read_word(line: _Line) -> None:
    if not line.see(_DASH) and (found := line.take(_ANYTHING)):
        # In small letters two characters may become one: «ſ» with an accent.
        line.parts["word"] = normalise(found[0].lstrip("/").casefold())


def _read_group(line: _Line) -> None:
    if found := line.take(_GROUP_LINK):
        line.parts["group"] = Group(id=_numbered(line, found, 2))
        _check_host(line, found)
    elif found := line.take(_GROUP_NUMBER):
        line.parts["group"] = Group(id=_numbered(line, found, 1))
    elif found := line.take(_QUOTED):
        line.parts["group"] = Group(name=(found[1] or found[2]).strip())
    elif not line.at_end and not line.see(_DASH) and _someone(line, peek=True) is None:
        raise line.unclear(Problem.NOT_GROUP)


def _read_target(line: _Line) -> None:
    start = line.place
    asked = line.word() in vocabulary.PREPOSITIONS and line.text[start + len(line.word()) :][:1]
    if asked == " ":
        line.take(_WORD)
        line.take(_SEPARATOR)
    item = _item(line)
    if item:
        line.parts["item"] = item
        line.skip()
    if chat := _chat(line):
        line.parts["chat_id"] = chat
    if asked == " " and not item and not chat:
        line.place = start
        raise line.unclear()


def _item(line: _Line) -> CrmItem | None:
    if found := line.see(_ITEM_LINK):
        _check_host(line, found)
        line.place = found.end()
        type_: ItemType = vocabulary.ITEMS[found[2]]
        return CrmItem(type=type_, id=_numbered(line, found, 3))
    word = line.word()
    if word in vocabulary.ITEMS:
        return _numbered_item(line, word)
    _suspect_item(line, word)
    return None


def _numbered_item(line: _Line, word: str) -> CrmItem:
    line.take(_WORD)
    if found := line.take(_ITEM_NUMBER):
        return CrmItem(type=vocabulary.ITEMS[word], id=_numbered(line, found, 1))
    line.skip()
    raise line.unclear(Problem.NOT_NUMBER)


def _suspect_item(line: _Line, word: str) -> None:
    """Refuse a word before a number that names no kind of item: ``del 288``."""
    known = vocabulary.ME | vocabulary.CHAT | {"id", "user"}
    if not word or word in known or _someone(line, peek=True) is not None:
        return
    if not _ITEM_NUMBER.match(line.text, line.place + len(word)):
        return
    near = get_close_matches(word, vocabulary.ITEMS, 1, 0.7)
    instead = line.instead(len(word), near[0]) if near else ""
    raise line.unclear(Problem.WHICH_ITEM, instead)


def _chat(line: _Line) -> int:
    if found := line.take(_CHAT_MENTION):
        return _numbered(line, found, 1)
    if line.word() not in vocabulary.CHAT:
        return 0
    line.take(_WORD)
    if found := line.take(_CHAT_NUMBER):
        return _numbered(line, found, 1)
    line.skip()
    raise line.unclear(Problem.NOT_NUMBER)


def _check_host(line: _Line, found: re.Match[str]) -> None:
    if found[1] and line.host and found[1].casefold() != line.host:
        line.place = found.start()
        raise line.unclear(Problem.FOREIGN)


def _read_people(line: _Line) -> None:
    people: dict[Any, Someone] = {}
    line.skip()
    while (someone := _someone(line)) is not None:
        people.setdefault(someone.id if isinstance(someone, Person) else someone, someone)
        line.skip()
    line.parts["people"] = tuple(people.values())


def _someone(line: _Line, *, peek: bool = False) -> Someone | None:
    start = line.place
    for pattern, read in _PEOPLE:
        if found := line.take(pattern):
            someone = read(line, found)
            if peek or someone is None:
                line.place = start
            if someone is not None:
                return someone
    return None


def _mentioned(line: _Line, found: re.Match[str]) -> Someone | None:
    if found[1].lower() == "all":
        raise _everyone(line, found)
    number = int(found[1])
    return Person(id=number, name=found[2].strip()) if 0 < number <= MAX_ID else None


def _by_id(line: _Line, found: re.Match[str]) -> Someone | None:
    return Person(id=int(found[1])) if int(found[1]) <= MAX_ID else None


def _by_email(line: _Line, found: re.Match[str]) -> Someone | None:
    # Beyond ASCII another case may be another word, or none: «İ» becomes two characters.
    return Email(address=found[0].lower() if found[0].isascii() else found[0])


def _named(line: _Line, found: re.Match[str]) -> Someone | None:
    name = found[1]
    key = name.casefold()
    if key in vocabulary.EVERYONE:
        raise _everyone(line, found)
    if key in vocabulary.ME:
        return Me()
    first, space, _ = key.partition(" ")
    if (role := vocabulary.ROLES.get(first)) is not None:
        # A role is one word: what follows it is not a part of it.
        line.place = found.start() + 1 + len(first) if space else found.end()
        return role
    return Named(name=_before_target(line, found, name))


def _before_target(line: _Line, found: re.Match[str], name: str) -> str:
    """End a name where an item begins: ``@Ivan in deal 288`` is not a name of three words."""
    words = name.split(" ")
    for count, word in enumerate(words[1:], 1):
        after = words[count + 1] if count + 1 < len(words) else ""
        begins = word.casefold() in vocabulary.PREPOSITIONS and after.casefold() in vocabulary.ITEMS
        if begins:
            name = " ".join(words[:count])
            line.place = found.start() + 1 + len(name)
            return name
    return name


def _by_quotes(line: _Line, found: re.Match[str]) -> Someone | None:
    name = (found[1] or found[2]).strip()
    return Named(name=name) if name else None


def _oneself(line: _Line, found: re.Match[str]) -> Someone | None:
    return Me() if found[0].casefold() in vocabulary.ME else None


def _everyone(line: _Line, found: re.Match[str]) -> Unclear:
    line.place = found.start()
    return line.unclear(Problem.EVERYONE)


Reader = Callable[[_Line, re.Match[str]], Someone | None]

_PEOPLE: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (_MENTION, _mentioned),
    (_ID, _by_id),
    (_EMAIL, _by_email),
    (_NAME, _named),
    (_QUOTED, _by_quotes),
    (re.compile(r"[^\W\d_]{1,2}" + _END), _oneself),
)


def _read_tail(line: _Line, wanted: Collection[str]) -> bool:
    """Read one option, or the reason; ``False`` where there is neither."""
    if "reason" in wanted and (found := line.see(_REASON)):
        _read_reason(line, found)
        return True
    if not (found := line.see(_OPTION)):
        return False
    name = found[1].casefold()
    part = {"for": "lasting", "chat": "chat_id"}.get(name, name)
    if name not in OPTIONS or part not in wanted:
        raise _unknown_option(line, found, wanted)
    line.place = found.end()
    _OPTION_READERS[name](line)
    return True


def _read_reason(line: _Line, found: re.Match[str]) -> None:
    if len(line.text) - found.end() > MAX_REASON:
        line.place = found.end() + MAX_REASON
        raise line.unclear(Problem.TOO_LONG)
    line.parts["reason"] = line.text[found.end() :]
    line.place = len(line.text)


def _unknown_option(line: _Line, found: re.Match[str], wanted: Collection[str]) -> Unclear:
    offered = [name for name in OPTIONS if {"for": "lasting", "chat": "chat_id"}.get(name, name)
               in wanted]  # fmt: skip
    near = get_close_matches(found[1].casefold(), offered, 1, 0.6)
    same = near and near[0] == found[1].casefold()
    instead = line.instead(len(found[0]), f"--{near[0]}") if near and not same else ""
    return line.unclear(instead=instead)


def _read_flag(name: str) -> Callable[[_Line], None]:
    def read(line: _Line) -> None:
        line.parts[name] = True

    return read


def _read_duration(line: _Line) -> None:
    found = line.see(_DURATION)
    unit = vocabulary.UNITS.get(found[2].casefold(), 0) if found else 0
    seconds = int(found[1]) * unit if found else 0
    if not found or not SHORTEST <= seconds <= LONGEST:
        line.skip()
        raise line.unclear(Problem.DURATION)
    line.place = found.end()
    line.parts["lasting"] = seconds


def _read_chat_option(line: _Line) -> None:
    found = line.take(_CHAT_NUMBER)
    if not found:
        line.skip()
        raise line.unclear(Problem.NOT_NUMBER)
    line.parts["chat_id"] = _numbered(line, found, 1)


_OPTION_READERS: dict[str, Callable[[_Line], None]] = {
    "dry": _read_flag("dry"),
    "yes": _read_flag("yes"),
    "for": _read_duration,
    "chat": _read_chat_option,
}

_READERS: dict[str, Callable[[_Line], None]] = {
    "word": _read_word,
    "group": _read_group,
    "item": _read_target,
    "people": _read_people,
}


def _numbered(line: _Line, found: re.Match[str], group: int) -> int:
    number = int(found[group])
    if number > MAX_ID:
        line.place = found.start(group)
        raise line.unclear(Problem.NOT_NUMBER)
    return number


def write(parts: dict[str, Any]) -> str:
    """Write parts as a text that is read as the same parts."""
    words = [
        parts.get("word") or "",
        _group_text(parts.get("group")),
        _item_text(parts.get("item")),
        f"chat {parts['chat_id']}" if parts.get("chat_id") and "item" in parts else "",
        ", ".join(map(_someone_text, parts.get("people") or ())),
        "--dry" if parts.get("dry") else "",
        "--yes" if parts.get("yes") else "",
        f"--for {parts['lasting'] // 60}m" if parts.get("lasting") else "",
        f"-- {parts['reason']}" if parts.get("reason") else "",
    ]
    return " ".join(word for word in words if word)


def _group_text(group: Group | None) -> str:
    if group is None:
        return ""
    return str(group.id) if group.id else _in_quotes(group.name)


def _item_text(item: CrmItem | None) -> str:
    return f"{item.type} {item.id}" if item else ""


def _someone_text(someone: Someone) -> str:
    match someone:
        case Person(id=number, name=name):
            return f"[USER={number}]{name}[/USER]" if name else f"id{number}"
        case Email(address=address):
            return address
        case Me():
            return "me"
        case Role():
            return f"@{someone.value}"
        case Named(name=name):
            found = _NAME.fullmatch(f"@{name}")
            return f"@{name}" if found and _is_plain_name(name) else _in_quotes(name)


def _is_plain_name(name: str) -> bool:
    try:
        return parse(f"@{name}", {"people"}) == {"people": (Named(name=name),)}
    except Unclear:
        return False


def _in_quotes(name: str) -> str:
    return f"«{name}»" if '"' in name else f'"{name}"'
