"""Which chat is meant: the one that a command was typed in, or an item's.

In the internal chat of an item the item is meant, and so the customer's chat of that item.
"""

from dataclasses import dataclass

from bot.acting.open_lines import OpenLines, Target
from bot.bitrix24.entities import CrmItem, Offer
from bot.bitrix24.errors import Refused
from bot.commands.diagnosis import system_refusal
from bot.commands.errors import DialogHidden, NotInOpenLine, OtherItem
from bot.commands.router import Arguments
from bot.errors import AccessRefused
from bot.inbox.accepted import Accepted


class Aimed(Arguments):
    """Arguments that may name an item and a chat; ``yes``: the requester has confirmed that."""

    item: CrmItem | None = None
    chat_id: int = 0
    yes: bool = False


@dataclass(eq=False, slots=True)
class Targets:
    """Finds the chat whose people are meant."""

    _lines: OpenLines
    _command: Accepted

    async def find(self, args: Aimed) -> Target:
        """Find the item and, where it is known, the chat; no item where the chat has none.

        Raises ``NotInOpenLine``; ``DialogHidden``; ``OtherItem`` where another customer's chat
        may be meant than the one in which the command was typed.
        """
        chat = self._command.event.chat
        if args.item is None and args.chat_id in (0, chat.id):
            if chat.item:
                return Target(chat.item, last_chat=await self._lines.last_chat(chat.item))
            if not chat.is_open_line:
                raise NotInOpenLine(self._command.event.name)
            return Target(next(iter(await self._bound()), None), chat.id, here=True)
        if args.item is None:
            return await self._by_chat(args.chat_id)
        return await self._by_item(args, args.item)

    async def by_number(self, number: int) -> CrmItem | None:
        """Find the item of this customer's chat that has a number, if exactly one has."""
        bound = await self._bound()
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

    async def _by_item(self, args: Aimed, item: CrmItem) -> Target:
        chat, bound = self._command.event.chat, await self._bound()
        if item in bound and args.chat_id in (0, chat.id):
            return Target(item, chat.id, here=True)
        if chat.is_open_line and not args.yes:
            raise self._asked(args, item, bound)
        last = 0 if args.chat_id else await self._lines.last_chat(item)
        return Target(item, args.chat_id, last)

    async def _bound(self) -> list[CrmItem]:
        """List the items that the command's own chat is bound to, if that is a customer's."""
        chat = self._command.event.chat
        if not chat.is_open_line:
            return []
        return chat.items if chat.tells_binding else (await self._lines.dialog(chat.id)).items

    def _asked(self, args: Aimed, item: CrmItem, bound: list[CrmItem]) -> OtherItem:
        """Ask which of two items, or chats, is meant, before anyone enters a customer's chat."""
        name = self._command.event.name
        here, there = args.act(name, item=None, chat_id=0), args.act(name, yes=True)
        offers = (Offer(name="this_chat", act=here),) if bound else ()
        offers = (*offers, Offer(name="other_item", act=there))
        chat_id = args.chat_id if item in bound else 0
        return OtherItem(item, next(iter(bound), None), offers, chat_id)
