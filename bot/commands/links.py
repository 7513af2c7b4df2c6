"""Links within the portal, in every form that its address bar shows."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bot.bitrix24.entities import ENTITY_TYPE_IDS, CrmItem, Group, ItemType, Person

# No portal has a higher number.
MAX_ID = 2**31 - 1

# A part of what a command takes, by its name.
Part = tuple[str, Any]

_TYPES: dict[str, ItemType] = {
    **{type_: type_ for type_ in ENTITY_TYPE_IDS},
    **{str(number): type_ for type_, number in ENTITY_TYPE_IDS.items()},
}

# The folder of a site may come first; what comes after the number says only which tab is open.
_FOLDER = r"(?:/[\w.\-]{1,50}){0,2}"
_NUMBER = r"([1-9][0-9]{0,9})"
_REST = r"(?:[/?].*)?"
# The messenger, with a chat or a talk open; further parameters name a message of it. Only where a
# talk can be open a bare number is a colleague's: elsewhere it is a task's or the like.
_MESSENGER = rf"{_FOLDER}/(?:online|im)/?\?(?:.*&)?"
_OPEN = rf"{_MESSENGER}(?:IM_(?!MESSAGE)[A-Z]{{1,20}}|DIALOG_ID)="
_TALK = rf"{_MESSENGER}(?:IM_DIALOG|IM_HISTORY|DIALOG_ID)="


def _item(type_: str, number: str) -> Part:
    return "item", CrmItem(type=_TYPES[type_.lower()], id=int(number))


def _group(number: str) -> Part:
    return "group", Group(id=int(number))


def _person(number: str) -> Part:
    return "people", Person(id=int(number))


def _chat(number: str) -> Part:
    return "chat_id", int(number)


_LINKS: tuple[tuple[str, Callable[..., Part]], ...] = (
    (rf"{_FOLDER}/crm/(deal|lead|contact|company)/(?:details|show|edit)/{_NUMBER}{_REST}", _item),
    (rf"{_FOLDER}/crm/type/([1-4])/details/{_NUMBER}{_REST}", _item),
    (rf"{_FOLDER}/(?:workgroups|spaces)/group/{_NUMBER}{_REST}", _group),
    (rf"{_OPEN}sg{_NUMBER}(?:&.*)?", _group),
    (rf"{_OPEN}chat{_NUMBER}(?:&.*)?", _chat),
    (rf"{_TALK}{_NUMBER}(?:&.*)?", _person),
    # Further down there are somebody's tasks and files, which are not that person.
    (rf"{_FOLDER}/(?:company|contacts)/personal/user/{_NUMBER}/?(?:\?.*)?", _person),
)
_READERS = tuple((re.compile(pattern, re.IGNORECASE), part) for pattern, part in _LINKS)


class ForeignHost(ValueError):
    """The link leads to another portal."""


def read_link(text: str, host: str) -> Part | None:
    """Say what a link leads to; ``None`` where it is no link to anything that commands know.

    ``host`` is the portal's; where it is empty, any will do. Raises ``ForeignHost``.
    """
    address = _split(text)
    if address is None or address.scheme not in ("", "http", "https"):
        return None
    part = _read(f"{address.path}?{address.query}" if address.query else address.path)
    if not address.netloc or not host or _plain(address.netloc) == _plain(host):
        return part
    if part or address.scheme:
        raise ForeignHost
    return None


def _split(text: str) -> SplitResult | None:
    first = text.partition("/")[0]
    if "://" not in text and not text.startswith("//"):
        text = f"//{text}" if "." in first or ":" in first else f"/{text.lstrip('/')}"
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _read(path: str) -> Part | None:
    for pattern, part in _READERS:
        found = pattern.fullmatch(path)
        if found and int(found.groups()[-1]) <= MAX_ID:
            return part(*found.groups())
    return None


def _plain(netloc: str) -> str:
    name = re.sub(r":(?:80|443)$", "", netloc.casefold()).rstrip(".")
    with suppress(UnicodeError):
        name = name.encode("idna").decode()
    return name
