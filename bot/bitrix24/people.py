"""The portal's people and departments. Methods: user.*, im.user.*, department.get."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.requester import Requester
from bot.bitrix24.rows import PAGE, flag, rows, text

# A company is not deeper than this.
LEVELS = 10

# Whom one question is about.
MOST_ACCOUNTS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A user as a search shows him."""

    person: Person
    active: bool = True
    extranet: bool = False
    position: str = ""
    departments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the messenger shows him; ``absent_until`` is a date, empty while he is there."""

    person: Person
    active: bool = True
    bot: bool = False
    customer: bool = False
    extranet: bool = False
    absent_until: str = ""
    departments: tuple[int, ...] = ()


class Users:
    """People, as the requester may see them."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def search(self, queries: Sequence[str]) -> dict[str, list[Found]]:
        """Look names up, all in one request: ``user.search``."""
        calls = {f"q{n}": Call("user.search", {"FIND": one}) for n, one in enumerate(queries)}
        found = await self._all(calls)
        return {one: found_in(found[f"q{n}"]) for n, one in enumerate(queries)}

    async def by_email(self, addresses: Sequence[str]) -> dict[str, list[Found]]:
        """Look e-mail addresses up, all in one request: ``user.get``."""
        calls = {
            f"q{n}": Call("user.get", {"FILTER": {"EMAIL": one}}) for n, one in enumerate(addresses)
        }
        found = await self._all(calls)
        return {one: found_in(found[f"q{n}"]) for n, one in enumerate(addresses)}

    async def accounts(self, numbers: Iterable[int]) -> dict[int, Account]:
        """Look people up by their ids: ``im.user.list.get``. Unknown ones are left out."""
        wanted = sorted(set(numbers))[:MOST_ACCOUNTS]
        if not wanted:
            return {}
        return accounts_in(await self._requester.ask(accounts_call(wanted)))

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
        """Find who leads somebody: the nearest head of his departments that is none of ``but``.

        0 where there is none.
        """
        passed, level = {who.person.id, *but}, list(who.departments)
        for _ in range(LEVELS):
            if not level:
                return 0
            found = rows(await self._requester.ask(Call("department.get", {"ID": level})))
            heads = read_numbers([row.get("UF_HEAD") for row in found])
            if head := next((one for one in heads if one not in passed), 0):
                return head
            level = list(read_numbers([row.get("PARENT") for row in found]))
        return 0

    async def _all(self, calls: Mapping[str, Call]) -> Mapping[str, Any]:
        if len(calls) == 1:
            [(name, call)] = calls.items()
            return {name: await self._requester.ask(call)}
        return await self._requester.ask_all(calls) if calls else {}


def person_of(number: int, accounts: Mapping[int, Account]) -> Person:
    """Give the person of this id, with the name where the account is known."""
    return accounts[number].person if number in accounts else Person(id=number)


def accounts_call(numbers: Sequence[int]) -> Call:
    """Make the call that looks people up by their ids."""
    return Call("im.user.list.get", {"ID": list(numbers), "RESULT_TYPE": "array"})


def accounts_in(answer: Any) -> dict[int, Account]:
    """Read the answer of ``im.user.list.get``; unknown people are left out."""
    accounts = map(account, rows(answer, MOST_ACCOUNTS))
    return {one.person.id: one for one in accounts if one}


def account(row: Mapping[str, Any]) -> Account | None:
    """Read a user of ``im.user.get``."""
    user_id = read_number(row.get("id"))
    if not user_id:
        return None
    return Account(
        Person(id=user_id, name=text(row.get("name"))),
        active=_is_active(row.get("active")),
        bot=flag(row.get("bot")),
        customer=flag(row.get("connector")),
        extranet=flag(row.get("extranet")),
        absent_until=text(row.get("absent"), 10),
        departments=read_numbers(row.get("departments"), PAGE),
    )


def person(row: Mapping[str, Any]) -> Person | None:
    """Read who a row of ``user.get`` or ``profile`` is about; ``None`` where it does not tell."""
    user_id = read_number(row.get("ID"))
    name = f"{text(row.get('NAME'))} {text(row.get('LAST_NAME'))}".strip()
    return Person(id=user_id, name=name) if user_id else None


def position(row: Mapping[str, Any]) -> str:
    """Read what somebody does, off a row of ``user.get``."""
    return text(row.get("WORK_POSITION"))


def _is_active(told: object) -> bool:
    return told in ("", None) or flag(told)


def found_in(answer: Any) -> list[Found]:
    """Read the rows of ``user.get`` and ``user.search``. Raises the error that ``answer`` is."""
    if isinstance(answer, Bitrix24Error):
        raise answer
    return [
        Found(
            who,
            active=_is_active(row.get("ACTIVE")),
            extranet=row.get("USER_TYPE") == "extranet",
            position=position(row),
            departments=read_numbers(row.get("UF_DEPARTMENT"), PAGE),
        )
        for row in rows(answer)
        if (who := person(row))
    ]
