"""A portal's people as the rows of its answers tell of them. Methods: user.*, im.user.*."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.rows import PAGE, flag, rows, text

# Whom one question is about.
MOST_ACCOUNTS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A user as a search shows them; ``address`` is their e-mail, where the app may see it."""

    person: Person
    active: bool = True
    extranet: bool = False
    position: str = ""
    departments: tuple[int, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the messenger shows them; ``absent_until`` is a date, empty while there."""

    person: Person
    active: bool = True
    bot: bool = False
    customer: bool = False
    extranet: bool = False
    absent_until: str = ""
    departments: tuple[int, ...] = ()

    @property
    def is_external(self) -> bool:
        """Say whether they are a customer, an extranet user or a bot: none of the staff."""
        return self.bot or self.customer or self.extranet


def person_of(number: int, accounts: Mapping[int, Account]) -> Person:
    """Give the person of this id, with the name where the account is known."""
    return accounts[number].person if number in accounts else Person(id=number)


def accounts_call(numbers: Sequence[int]) -> Call:
    """Make the call that looks people up by their ids."""
    return Call("im.user.list.get", {"ID": list(numbers), "RESULT_TYPE": "array"})


def read_accounts(answer: Any) -> dict[int, Account]:
    """Read the answer of ``im.user.list.get``; unknown people are left out."""
    accounts = map(_account, rows(answer, MOST_ACCOUNTS))
    return {one.person.id: one for one in accounts if one}


# Asks for the account of whose token it is made with.
OWN_ACCOUNT = Call("im.user.get")


def account_call(number: int) -> Call:
    """Make the call that looks one person up by their id."""
    return Call("im.user.get", {"ID": number})


def read_account(answer: Any, number: int) -> Account | None:
    """Read the answer of ``im.user.get`` about this person; ``None`` where it is about no such."""
    found = _account({"id": number, **answer}) if isinstance(answer, Mapping) else None
    return found if found and found.person.id == number else None


def _account(row: Mapping[str, Any]) -> Account | None:
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


def read_person(found: Any) -> Person | None:
    """Read who a row of ``user.get``, or an answer of ``profile``, is about.

    ``None`` where it does not tell: of an account that is switched off, say.
    """
    row = found if isinstance(found, Mapping) else {}
    user_id = read_number(row.get("ID"))
    name = f"{text(row.get('NAME'))} {text(row.get('LAST_NAME'))}".strip()
    return Person(id=user_id, name=name) if user_id else None


def _is_active(told: object) -> bool:
    return told in ("", None) or flag(told)


def read_found(answer: Any) -> list[Found]:
    """Read what a search has found."""
    return [
        Found(
            who,
            active=_is_active(row.get("ACTIVE")),
            extranet=row.get("USER_TYPE") == "extranet",
            position=text(row.get("WORK_POSITION")),
            departments=read_numbers(row.get("UF_DEPARTMENT"), PAGE),
            address=text(row.get("EMAIL")),
        )
        for row in rows(answer, MOST_ACCOUNTS)
        if (who := read_person(row))
    ]


def address_call(address: str) -> Call:
    """Make the call that looks somebody up by their e-mail address.

    Where the app may not see addresses, the portal passes the condition over and gives everybody:
    see ``at_address``.
    """
    return Call("user.get", {"FILTER": {"EMAIL": address}})


def at_address(found: Sequence[Found], address: str) -> list[Found]:
    """Give those of a search who do have this e-mail address."""
    return [one for one in found if one.address.casefold() == address.casefold()]
