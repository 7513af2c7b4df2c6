"""im.user.*: people as the messenger knows them, with numbers for ids."""

import json

from sandbox import entities_im
from sandbox.errors import RestRefused, access_denied
from sandbox.model import User
from sandbox.rest.batch import php_array
from sandbox.rest.params import Params
from sandbox.rest.registry import Call, Methods, Page
from sandbox.rest.users import fits

methods = Methods()

_SHORTEST = 2


@methods.method("im.user.get", "im")
def get(call: Call) -> object:
    """A person by ID, the caller by default (`im.user.get`)."""
    number = call.params.number("ID") if call.params.has("ID") else call.user.id
    if number <= 0:
        raise RestRefused("ID_EMPTY", "User ID can't be empty")
    person = call.state.users.get(number)
    if person is None:
        raise RestRefused("USER_NOT_EXISTS", "User is not exists")
    if not may_see(call, person):
        raise access_denied("You can request only users who consist of your extranet group", 400)
    return entities_im.user(person)


@methods.method("im.user.list.get", "im")
def list_get(call: Call) -> object:
    """People by a list of ids, null for whom nobody knows: a map by id, or a list.

    It is a list when RESULT_TYPE is array.
    """
    rows = {
        str(number): None if person is None else entities_im.user(person)
        for number, person in ((number, call.state.users.get(number)) for number in _ids(call))
        if may_see(call, person)
    }
    if call.params.text("RESULT_TYPE").lower() == "array":
        return list(rows.values())
    return php_array(dict(rows))


@methods.method("im.search.user.list", "im")
def search(call: Call) -> object:
    """Active people by what is typed (`im.search.user.list`); [] when there is nobody."""
    find = call.params.text("FIND").strip()
    if len(find) < _SHORTEST:
        raise RestRefused("FIND_SHORT", "Too short a search phrase")
    people = [
        person
        for person in call.state.users.values()
        if person.active and not person.connector and may_see(call, person)
        if fits(call, person, find)
    ]
    limit = max(1, min(call.params.number("LIMIT") or 10, 50))
    offset = max(0, call.params.number("OFFSET"))
    page = {str(p.id): entities_im.user(p) for p in people[offset : offset + limit]}
    end = offset + limit
    return Page(php_array(dict(page)), len(people), end if end < len(people) else None)


def may_see(call: Call, person: User | None) -> bool:
    """Employees and bots see everybody, external people themselves and bots."""
    if person is None or not call.user.extranet:
        return not call.user.extranet
    return person.bot or person.id == call.user.id


def _ids(call: Call) -> list[int]:
    value = call.params.raw("ID")
    if isinstance(value, str):
        value = _parsed(value)
    given = Params({"ID": value}).ids("ID") if isinstance(value, list | dict) else []
    numbers = [number for number in given if number > 0]
    if not numbers:
        raise RestRefused("INVALID_FORMAT", "A wrong format for the ID field is passed")
    return numbers


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
