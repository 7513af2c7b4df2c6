"""Which chat is meant: the one that a command was typed in, or an item's.

In the internal chat of an item the item is meant, and so the customer's chat of that item.
"""

from dataclasses import dataclass

from bot.acting.open_lines import OpenLines, Target
from bot.bitrix24.entities import CrmItem, Offer
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import Chat, CommandEvent
from bot.commands.diagnosis import system_refusal
from bot.commands.errors import DialogHidden, NotInOpenLine, OtherItem
from bot.commands.router import Arguments
from bot.errors import AccessRefused


class Aimed(Arguments):
    """Arguments that may name an item and a chat; ``yes``: the requester has confirmed that."""

    item: CrmItem | None = None
    chat_id: int = 0
    yes: bool = False


@dataclass(eq=False, slots=True)
class Targets:
    """Finds the chat whose people are meant."""

    _lines: OpenLines

    async def find(self, args: Aimed, event: CommandEvent) -> Target:
        """Find the item and, where it is known, the chat; no item where the chat has none.

        Raises ``NotInOpenLine``; ``DialogHidden``; ``OtherItem`` where another customer's chat
        may be meant than the one in which the command was typed.
        """
        chat = event.chat
        if args.item is None and args.chat_id in (0, chat.id):
            if chat.item:
                return Target(chat.item, last_chat=await self._lines.last_chat(chat.item))
            if not chat.is_open_line:
                raise NotInOpenLine(event.name)
            items = await self._items_of(chat)
            return Target(next(iter(items), None), chat.id, here=True)
        if args.item is None:
            return await self._by_chat(args.chat_id)
        return await self._by_item(args, args.item, event)

    async def by_number(self, number: int, event: CommandEvent) -> CrmItem | None:
        """Find the item of this customer's chat that has a number, if exactly one has."""
        bound = await self._items_of(event.chat) if event.chat.is_open_line else []
        found = [item for item in bound if item.id == number]
        return found[0] if len(found) == 1 else None

    async def _by_chat(self, chat_id: int) -> Target:
        try:
            dialog = await self._lines.dialog(chat_id)
        except Refused as refused:
            if isinstance(system_refusal(refused, ""), AccessRefused):
                raise DialogHidden(chat_id) from None
            raise
        return Target(dialog.bound_item, chat_id)

    async def _by_item(self, args: Aimed, item: CrmItem, event: CommandEvent) -> Target:
        chat = event.chat
        bound = await self._items_of(chat) if chat.is_open_line else []
        if item in bound and args.chat_id in (0, chat.id):
            return Target(item, chat.id, here=True)
        if chat.is_open_line and not args.yes:
            raise _asked(args, item, bound, event)
        last = 0 if args.chat_id else await self._lines.last_chat(item)
        return Target(item, args.chat_id, last)

    async def _items_of(self, chat: Chat) -> list[CrmItem]:
        if chat.tells_binding:
            return chat.items
        return (await self._lines.dialog(chat.id)).items


def _asked(args: Aimed, item: CrmItem, bound: list[CrmItem], event: CommandEvent) -> OtherItem:
    """Ask which of two items, or chats, is meant, before anyone enters a customer's chat."""
    here = args.act(event.name, item=None, chat_id=0)
    there = args.act(event.name, yes=True)
    offers = (Offer(name="this_chat", act=here),) if bound else ()
    offers = (*offers, Offer(name="other_item", act=there))
    return OtherItem(item, next(iter(bound), None), offers, args.chat_id if item in bound else 0)
