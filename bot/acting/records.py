"""A CRM record and the chats with its customer, as somebody at a page may see them.

Methods: crm.item.get, imopenlines.crm.chat.get, imopenlines.dialog.get, im.chat.user.list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cachetools import TTLCache

from bot.acting.crm import item_call, read_card
from bot.bitrix24 import batch
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import (
    chats_call,
    dialog_call,
    is_dialog,
    members_call,
    queue_call,
    read_chats,
    read_dialog,
    read_queue,
)
from bot.bitrix24.entities import CrmItem
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.events import Chat
from bot.bitrix24.numerals import read_numbers
from bot.bitrix24.people import MOST_ACCOUNTS, Account, accounts_call, read_accounts
from bot.portals.access import Access
from bot.portals.portals import Portal

# A customer who writes in more ways at once than this is rare; a batch has room for no more.
MOST_CHATS = 10

# Seconds for which a line's queue is not asked for again.
QUEUE_KNOWN = 60.0


@dataclass(frozen=True, slots=True)
class CustomerChat:
    """An active chat with the customer: ``source`` is what the portal calls its connector.

    ``inside`` are the ids of all who are in it, ``members`` the staff among them, ``queue`` those
    of its line's queue.
    """

    chat: Chat
    source: str
    inside: tuple[int, ...] = ()
    members: tuple[Account, ...] = ()
    queue: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A record and its customer's active chats; accounts of who looks, and of who is meant.

    ``who`` is ``None`` where they mean nobody, or somebody whom the portal does not know.
    """

    item: CrmItem
    reader: Account | None
    chats: tuple[CustomerChat, ...]
    who: Account | None = None

    def chat(self, chat_id: int) -> CustomerChat | None:
        """Give one of its chats; ``None`` where that is none of them."""
        return next((one for one in self.chats if one.chat.id == chat_id), None)


class Records:
    """Looks records up with the token of whoever looks."""

    def __init__(self, access: Access) -> None:
        self._access = access
        # Whoever looks at one record looks at others: queues change seldom.
        self._queues: TTLCache[tuple[str, int, int], tuple[int, ...]] = TTLCache(
            maxsize=4096, ttl=QUEUE_KNOWN
        )

    async def find(self, portal: Portal, user_id: int, item: CrmItem, who: int = 0) -> Record:
        """Look a record and its chats up, and somebody whom its reader means, in two requests.

        Raises ``Refused`` where the portal does not show it to them, ``NoPermission``.
        """
        calls = {
            "item": item_call(item),
            "people": accounts_call(sorted({user_id, who} - {0})),
            "chats": chats_call(item),
        }
        seen = await self._ask(portal, user_id, calls)
        for answer in seen.values():
            batch.result_of(answer)
        people = read_accounts(seen["people"])
        # Active chats, each once, with the titles of their connectors.
        sources = list(read_chats(seen["chats"]).items())[:MOST_CHATS]
        chats = await self._chats(portal, user_id, dict(sources))
        found = read_card(item, seen["item"]).item
        return Record(found, people.get(user_id), chats, people.get(who))

    async def look(self, portal: Portal, user_id: int, item: CrmItem) -> Record:
        """Look a record up with all there is to see. Raises as ``find``."""
        return await self._filled(portal, user_id, await self.find(portal, user_id, item))

    async def look_again(self, portal: Portal, user_id: int, record: Record) -> Record:
        """Look who is in the chats of a record that was found a moment ago. Raises as ``find``."""
        calls = {f"in{one.chat.id}": members_call(one.chat.id) for one in record.chats}
        seen = await self._ask(portal, user_id, calls)
        chats = [
            replace(one, inside=read_numbers(seen[f"in{one.chat.id}"])) for one in record.chats
        ]
        return await self._filled(portal, user_id, replace(record, chats=tuple(chats)))

    async def _chats(
        self, portal: Portal, user_id: int, sources: Mapping[int, str]
    ) -> tuple[CustomerChat, ...]:
        calls: dict[str, Call] = {}
        for number in sources:
            calls[f"chat{number}"] = dialog_call(number)
            calls[f"in{number}"] = members_call(number)
        found = await self._ask(portal, user_id, calls)
        return tuple(
            CustomerChat(
                read_dialog(number, found[f"chat{number}"]),
                source,
                inside=read_numbers(found[f"in{number}"]),
            )
            for number, source in sources.items()
            if is_dialog(found[f"chat{number}"], number)
        )

    async def _filled(self, portal: Portal, user_id: int, record: Record) -> Record:
        """Say who the people of these ids are, and who stands in the lines' queues."""
        lines = {one.chat.line_id for one in record.chats} - {0}
        queues = await self._queues_of(portal, user_id, lines)
        everybody = [*(one.inside for one in record.chats), *queues.values()]
        accounts = await self._accounts(portal, user_id, {n for some in everybody for n in some})
        chats = tuple(
            replace(
                one,
                members=_staff(one.inside, accounts),
                queue=_staff(queues.get(one.chat.line_id, ()), accounts),
            )
            for one in record.chats
        )
        return replace(record, chats=chats)

    async def _queues_of(
        self, portal: Portal, user_id: int, lines: Iterable[int]
    ) -> dict[int, tuple[int, ...]]:
        """Give who stands in these lines' queues, as somebody has seen it a moment ago."""
        known = {one: self._queues.get((portal.member_id, user_id, one)) for one in lines}
        asked = [one for one, queue in known.items() if queue is None]
        seen = await self._ask(portal, user_id, {f"line{one}": queue_call(one) for one in asked})
        for one in asked:
            queue = read_queue(seen[f"line{one}"]) or ()
            known[one] = self._queues[portal.member_id, user_id, one] = queue
        return {one: queue or () for one, queue in known.items()}

    async def _accounts(
        self, portal: Portal, user_id: int, numbers: Iterable[int]
    ) -> dict[int, Account]:
        if not (wanted := sorted(numbers)[:MOST_ACCOUNTS]):
            return {}
        return read_accounts(await self._access.call(portal, user_id, accounts_call(wanted)))

    async def _ask(self, portal: Portal, user_id: int, calls: Mapping[str, Call]) -> batch.Results:
        if not calls:
            return {}
        results: batch.Results = await self._access.call(portal, user_id, batch.build(calls))
        for result in results.values():
            # What is refused is told by what is missing; what is not known would look the same.
            if isinstance(result, Bitrix24Error) and not isinstance(result, Refused):
                raise result
        return results


def _staff(numbers: Sequence[int], accounts: Mapping[int, Account]) -> tuple[Account, ...]:
    """Give the people of these ids who are neither customers nor bots."""
    known = [accounts[number] for number in numbers if number in accounts]
    return tuple(one for one in known if not one.customer and not one.bot)
