"""im.department.*: departments and their heads; external people and bots are refused."""

import json

from sandbox import entities_im
from sandbox.errors import RestRefused
from sandbox.model import Department
from sandbox.rest.batch import php_array
from sandbox.rest.params import Params
from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("im.department.get", "im")
def get(call: Call) -> object:
    """Departments by ID (`im.department.get`)."""
    return [_row(call, department) for department in _asked(call, "INVALID_FORMAT")]


@methods.method("im.department.managers.get", "im")
def managers_get(call: Call) -> object:
    """The heads of departments (`im.department.managers.get`): ids, or people with USER_DATA=Y."""
    found: dict[str, object] = {}
    for department in _asked(call, "ID_EMPTY"):
        head = call.state.users.get(department.head)
        if head is not None:
            whole = call.params.flag("USER_DATA")
            found[str(department.id)] = [entities_im.user(head) if whole else head.id]
    return php_array(found)


def _asked(call: Call, code: str) -> list[Department]:
    if not call.user.employee:
        raise RestRefused("ACCESS_ERROR", "You don't have access to request department", 403)
    value = call.params.raw("ID")
    if isinstance(value, str) and value.startswith("["):
        value = _parsed(value)
    if not isinstance(value, list | dict) or not value:
        raise RestRefused(code, "Department ID can't be empty")
    numbers = Params({"ID": value}).ids("ID")
    departments = call.state.departments
    return [departments[number] for number in numbers if number in departments]


def _row(call: Call, department: Department) -> dict[str, object]:
    names, parent = [department.name], call.state.departments.get(department.parent)
    while parent is not None:
        names.append(parent.name)
        parent = call.state.departments.get(parent.parent)
    row: dict[str, object] = {
        "id": department.id,
        "name": department.name,
        "full_name": " / ".join(names),
        "manager_user_id": department.head,
    }
    head = call.state.users.get(department.head)
    if call.params.flag("USER_DATA") and head is not None:
        row["manager_user_data"] = entities_im.user(head)
    return row


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
