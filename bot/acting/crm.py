"""Leads, deals, contacts and companies. Method: crm.item.get."""

from dataclasses import dataclass
from typing import Any

from bot.acting.requester import Requester
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import ENTITY_TYPE_IDS, CrmItem
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.rows import PAGE, row, text
from bot.errors import RequesterLacksItem

# What is told to who may not read an item, or no item at all.
_LACKING = ("ACCESS_DENIED", "NOT_FOUND", "allowed_only_intranet_user")


@dataclass(frozen=True, slots=True)
class Card:
    """An item as its reader sees it: with its title, and who has to do with it."""

    item: CrmItem
    responsible_id: int = 0
    observer_ids: tuple[int, ...] = ()


@dataclass(eq=False, slots=True)
class Crm:
    """CRM items, as the requester may see them."""

    _requester: Requester

    async def card(self, item: CrmItem) -> Card:
        """Look an item up. Raises ``RequesterLacksItem``; ``Refused`` for any other refusal."""
        try:
            return read_card(item, await self._requester.ask(item_call(item)))
        except Refused as refused:
            if lacks_item(refused):
                raise RequesterLacksItem(item) from None
            raise

    async def known_card(self, item: CrmItem) -> Card:
        """Look an item up; its number alone where the portal tells no more of it."""
        try:
            return await self.card(item)
        except (Bitrix24Error, RequesterLacksItem):
            return Card(item)

    async def titled(self, item: CrmItem) -> CrmItem:
        """Give an item with its title, as far as the portal tells it."""
        return item if item.title else (await self.known_card(item)).item


def item_call(item: CrmItem) -> Call:
    """Make the call that looks an item up."""
    return Call("crm.item.get", {"entityTypeId": ENTITY_TYPE_IDS[item.type], "id": item.id})


def lacks_item(found: Any) -> bool:
    """Say whether the answer of ``crm.item.get`` is that the requester may not read the item."""
    return isinstance(found, Refused) and found.code in _LACKING


def read_card(item: CrmItem, found: Any) -> Card:
    """Read the answer of ``crm.item.get``; nothing of it where it is about another item."""
    seen = row(found, "item")
    if read_number(seen.get("id")) not in (None, item.id):
        seen = {}
    # A contact has the names of a person in place of a title.
    names = f"{text(seen.get('name'))} {text(seen.get('lastName'))}".strip()
    return Card(
        item.model_copy(update={"title": text(seen.get("title")) or names}),
        read_number(seen.get("assignedById")) or 0,
        read_numbers(seen.get("observers"), PAGE),
    )
