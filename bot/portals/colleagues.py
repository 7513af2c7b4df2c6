"""The people of a portal by name, as an administrator sees them. Pages: user-get, user-search."""

from collections.abc import Iterable, Sequence

from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.numerals import read_number
from bot.bitrix24.people import (
    Account,
    Found,
    accounts_call,
    address_call,
    at_address,
    read_accounts,
    read_found,
)
from bot.bitrix24.rows import PAGE
from bot.portals.access import Access
from bot.portals.portals import Portal

# As many pages as one look at the journal needs.
MOST = 8


class Colleagues:
    """Looks people up with the token of one of them."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def names(self, portal: Portal, user_id: int, people: Iterable[int]) -> dict[int, str]:
        """Give the names of these people; whom the portal does not show is left out."""
        wanted = sorted(set(people))
        names: dict[int, str] = {}
        for start in range(0, min(len(wanted), MOST * PAGE), PAGE):
            page = {"FILTER": {"ID": wanted[start : start + PAGE]}}
            try:
                found = await self._ask(portal, user_id, Call("user.get", page))
            except Bitrix24Error:
                continue
            names.update((one.person.id, one.person.name) for one in found)
        return names

    async def accounts(
        self, portal: Portal, user_id: int, people: Sequence[int]
    ) -> dict[int, Account]:
        """Look people up as the messenger knows them; none where the portal does not answer."""
        if not people:
            return {}
        try:
            return read_accounts(await self._access.call(portal, user_id, accounts_call(people)))
        except Bitrix24Error:
            return {}

    async def find(self, portal: Portal, user_id: int, words: str) -> list[Found]:
        """Find people by their number, e-mail address or name, dismissed ones as well.

        Raises ``Bitrix24Error``.
        """
        if "@" in words:
            return at_address(await self._ask(portal, user_id, address_call(words)), words)
        if words.isdecimal():
            return await self._numbered(portal, user_id, read_number(words) or 0)
        return await self._ask(portal, user_id, Call("user.search", {"FIND": words}))

    async def _numbered(self, portal: Portal, user_id: int, number: int) -> list[Found]:
        """Find who has a number, and nobody else, whatever the portal lists."""
        if not number:
            return []
        found = await self._ask(portal, user_id, Call("user.get", {"FILTER": {"ID": number}}))
        return [one for one in found if one.person.id == number]

    async def _ask(self, portal: Portal, user_id: int, call: Call) -> list[Found]:
        return read_found(await self._access.call(portal, user_id, call))
