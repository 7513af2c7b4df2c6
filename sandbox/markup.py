"""Markup as the messenger reads it: entities first, BB code afterwards."""

import html
import re

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|lt|gt|quot|apos|nbsp|amp);", re.IGNORECASE)


def decoded(text: str) -> str:
    """The text with its entities read, once: `&#91;` is a bracket and protects from nothing."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def mentioned(text: str) -> list[int]:
    """Whom a comment of a timeline mentions; without a name within, it is no mention there."""
    found = re.findall(r"\[USER=(\d{1,9})[^\]]*\][^\[]+\[/USER\]", decoded(text), re.IGNORECASE)
    return [int(number) for number in found]


def mentions(text: str, user_id: int) -> bool:
    """Whether the person of that id is mentioned."""
    return re.search(rf"\[USER={user_id}[ \]]", decoded(text), re.IGNORECASE) is not None
