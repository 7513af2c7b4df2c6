"""The portal's people and departments.

Methods: user.*, im.user.*, department.get, im.notify.personal.add.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.acting.journal import Step
from bot.acting.open_lines import MENDING, confirm
from bot.acting.requester import Requester
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.ownership import PROFILE
from bot.bitrix24.people import (
    MOST_ACCOUNTS,
    Account,
    Found,
    accounts_call,
    address_call,
    read_accounts,
    read_found,
)
from bot.bitrix24.rows import PAGE, rows, text

# A company is not deeper than this.
LEVELS = 10


@dataclass(eq=False, slots=True)
class Users:
    """People, as the requester may see them."""

    _requester: Requester

    async def search(self, queries: Sequence[str], most: int = PAGE) -> dict[str, list[Found]]:
        """Look names up, all in one request: ``user.search``; for more than a page, in several."""
        calls = {one: Call("user.search", {"FIND": one}) for one in queries}
        return await self._found(calls, most)

    async def by_email(self, addresses: Sequence[str]) -> dict[str, list[Found]]:
        """Look e-mail addresses up, all in one request: ``user.get``. See ``at_address``."""
        return await self._found({one: address_call(one) for one in addresses})

    async def accounts(self, numbers: Iterable[int]) -> dict[int, Account]:
        """Look people up by their ids: ``im.user.list.get``. Unknown ones are left out."""
        wanted = sorted(set(numbers))[:MOST_ACCOUNTS]
        if not wanted:
            return {}
        return read_accounts(await self._requester.ask(accounts_call(wanted)))

    async def departments(self, numbers: Iterable[int]) -> dict[int, str]:
        """Give the names of departments: ``im.department.get``."""
        wanted = sorted(set(numbers))
        if not wanted:
            return {}
        try:
            found = await self._requester.ask(Call("im.department.get", {"ID": wanted}))
        except Bitrix24Error:
            # They only help to tell people of one name apart.
            return {}
        named = {read_number(row.get("id")): text(row.get("name")) for row in rows(found)}
        return {number: name for number, name in named.items() if number and name}

    async def head_of(self, who: Account, but: Iterable[int] = ()) -> int:
        """Find who leads somebody: the nearest head of their departments, none of ``but``.

        0 where there is none.
        """
        passed, level = {who.person.id, *but}, list(who.departments)
        for _ in range(LEVELS):
            if not level:
                return 0
            seen = rows(await self._requester.ask(Call("department.get", {"ID": level})))
            # In the order of the person's own departments, and of no others.
            numbered = {read_number(row.get("ID")): row for row in seen}
            found = [numbered[number] for number in level if number in numbered]
            heads = read_numbers([row.get("UF_HEAD") for row in found])
            if head := next((one for one in heads if one not in passed), 0):
                return head
            level = list(read_numbers([row.get("PARENT") for row in found]))
        return 0

    async def notify(self, to: Person, words: str) -> None:
        """Notify somebody in the requester's name: ``im.notify.personal.add``.

        What others wrote in the text has been made plain before.
        Raises as ``Requester.change_one``, and ``Unanswered`` where the portal says neither yes
        nor no.
        """
        params = {"USER_ID": to.id, "MESSAGE": words}
        step = Step(MENDING, "im.notify.personal.add", params, to.id)
        confirm(await self._requester.change_one(step, PROFILE))

    async def _found(self, calls: Mapping[str, Call], most: int = PAGE) -> dict[str, list[Found]]:
        """Give what each of these calls finds, by what is looked for."""
        # What was typed is no name for a call.
        numbered = {f"q{n}": call for n, call in enumerate(calls.values())}
        if len(calls) == 1:
            # In a batch the portal would read `$result[…]` in what was typed as another's answer.
            found = {name: await self._requester.ask(call) for name, call in numbered.items()}
        else:
            found = await self._requester.ask_all(numbered) if calls else {}
        return {
            query: read_found(await self._requester.ask_on(calls[query], found[name], most))
            for query, name in zip(calls, numbered, strict=True)
        }
