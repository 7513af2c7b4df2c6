"""The people of a portal by name, as an administrator sees them. Pages: user-get, user-search."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.people import person, position
from bot.bitrix24.rows import PAGE, rows
from bot.portals.access import Access
from bot.portals.portals import Portal

# As many pages as one look at the journal needs.
MOST = 8


@dataclass(frozen=True, slots=True)
class Colleague:
    """An employee, with what tells them from others of the same name."""

    person: Person
    position: str = ""


class Colleagues:
    """Looks people up with the token of one of them."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def names(self, portal: Portal, user_id: int, people: Iterable[int]) -> dict[int, str]:
        """Give the names of these people; whom the portal does not show is left out."""
        wanted = sorted(set(people))
        found: dict[int, str] = {}
        for start in range(0, min(len(wanted), MOST * PAGE), PAGE):
            page = {"FILTER": {"ID": wanted[start : start + PAGE]}}
            for one in await self._ask(portal, user_id, Call("user.get", page)):
                found[one.person.id] = one.person.name
        return found

    async def find(
        self, portal: Portal, user_id: int, words: str, *, dismissed: bool = False
    ) -> list[Colleague]:
        """Find employees by their number or name, ``dismissed`` ones too where it is said."""
        active = {} if dismissed else {"ACTIVE": True}
        if words.isdecimal():
            call = Call("user.get", {"FILTER": {"ID": int(words), **active}})
        else:
            call = Call("user.search", {"FIND": words, **active})
        return await self._ask(portal, user_id, call)

    async def _ask(self, portal: Portal, user_id: int, call: Call) -> list[Colleague]:
        try:
            found = await self._access.call(portal, user_id, call)
        except Bitrix24Error:
            return []
        return [Colleague(who, position(row)) for row in rows(found) if (who := person(row))]
