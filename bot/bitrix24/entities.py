"""The things of a portal that commands are about."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from bot.bitrix24.numerals import read_number

ItemType = Literal["deal", "lead", "contact", "company"]

# The order in which a chat's bindings are tried when nobody names an item.
ITEM_TYPES: tuple[ItemType, ...] = ("deal", "lead", "contact", "company")

# crm.item.get names the types by number.
ENTITY_TYPE_IDS: dict[ItemType, int] = {"lead": 1, "deal": 2, "contact": 3, "company": 4}


class Entity(BaseModel):
    """A value that is compared by what it holds."""

    model_config = ConfigDict(frozen=True)


class Person(Entity):
    """A user of the portal; ``name`` is empty where only the id is known."""

    id: int
    name: str = ""


class Named(Entity):
    """Somebody by name, to be looked up."""

    name: str


class Email(Entity):
    """Somebody by e-mail address, to be looked up."""

    address: str


class Me(Entity):
    """Whoever has typed the command."""


class Role(StrEnum):
    """Somebody by what they are to the item, the chat or the requester."""

    RESPONSIBLE = "responsible"
    OBSERVERS = "observers"
    HEAD = "head"
    OWNER = "owner"
    LINE = "line"


Someone = Person | Named | Email | Me | Role


class Group(Entity):
    """A workgroup, by number or by name."""

    id: int = 0
    name: str = ""


class Act(Entity):
    """What a press does: a command with its parameters, or a button's own act.

    No name stands for the command under whose answer the button is, as it was typed.
    """

    name: str = ""
    params: str = ""


class Offer(Entity):
    """A button under a reply: a link to open, or an act.

    Its words are the template's ``set`` of this ``name``, its ``label`` (a person's name, say), or
    both. Of the acts offered together one can be chosen, but for an ``independent`` one.
    It can be pressed for ``life`` seconds, if that is said.
    """

    name: str = ""
    label: str = ""
    link: str = ""
    act: Act | None = None
    independent: bool = False
    life: float = 0.0


class CrmItem(Entity):
    """A lead, deal, contact or company; ``title`` is empty where nobody has looked it up."""

    type: ItemType
    id: int
    title: str = ""

    @classmethod
    def bound(cls, entity_data_2: str, entity_data_1: str = "") -> Self | None:
        """Read the item that an open-line chat is bound to.

        ``entity_data_2`` is ``LEAD|0|COMPANY|0|CONTACT|91|DEAL|288`` (pairs in any order);
        ``entity_data_1``, used where that cannot be read, is ``Y|DEAL|288|…``.
        Page: imopenlines.dialog.get.
        """
        return next(iter(cls.among(read_binding(entity_data_2, entity_data_1))), None)

    @classmethod
    def among(cls, pairs: Mapping[str, int]) -> list[Self]:
        """Give the items of a binding that has been read, the first one first."""
        return [cls(type=type_, id=pairs[type_]) for type_ in ITEM_TYPES if pairs.get(type_)]


def read_binding(entity_data_2: str, entity_data_1: str = "") -> dict[str, int]:
    """Read what an open-line chat is bound to: ids by type, 0 for none of that type.

    It is empty where neither of the two can be read.
    """
    return _ids(entity_data_2.split("|")) or _ids(entity_data_1.split("|")[1:3])


def _ids(parts: list[str]) -> dict[str, int]:
    pairs = dict(zip(parts[::2], parts[1::2], strict=False))
    ids = {type_: read_number(pairs.get(type_.upper())) for type_ in ITEM_TYPES}
    return {type_: id_ for type_, id_ in ids.items() if id_ is not None}
