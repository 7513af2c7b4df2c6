"""People and departments by the older methods: user.*, department.get."""

from sandbox.model import Department, User
from sandbox.rest.filters import matches
from sandbox.rest.registry import Call, Methods, paged

methods = Methods()

USER_SCOPES = ("user", "user_basic", "user_brief")
_SIGNS = "!=%@<>"
_FIELDS = {
    "ID", "ACTIVE", "NAME", "LAST_NAME", "SECOND_NAME", "PERSONAL_GENDER", "WORK_POSITION",
    "UF_DEPARTMENT", "UF_DEPARTMENT_NAME", "EMAIL", "USER_TYPE", "NAME_SEARCH",
}  # fmt: skip


@methods.method("user.current", *USER_SCOPES)
def user_current(call: Call) -> object:
    """The token's owner (`user.current`)."""
    return _row(call, call.user)


@methods.method("user.get", *USER_SCOPES)
def user_get(call: Call) -> object:
    """People by any field (`user.get`): never bots, never customers.

    Conditions on fields that the app's permissions do not show are passed over: all people fit.
    """
    wanted = _filter(call)
    find = wanted.pop("NAME_SEARCH", "")
    rows = [_row(call, user) for user in _people(call) if fits(call, user, str(find))]
    shown = set(_row(call, call.user))
    wanted = {name: value for name, value in wanted.items() if name.lstrip(_SIGNS) in shown}
    return paged([row for row in rows if matches(row, wanted)], call.params.number("start"))


@methods.method("user.search", *USER_SCOPES)
def user_search(call: Call) -> object:
    """People by what is typed (`user.search`): FIND alone, or single fields from their start.

    The dismissed are found as well; `ACTIVE` tells.
    """
    wanted = _filter(call)
    find = str(wanted.pop("FIND", "") or call.params.text("FIND"))
    if find:
        found = [user for user in _people(call) if fits(call, user, find)]
    else:
        found = [user for user in _people(call) if _starts(call, user, wanted)]
    return paged([_row(call, user) for user in found], call.params.number("start"))


@methods.method("department.get", "department")
def department_get(call: Call) -> object:
    """Departments by ID, NAME, PARENT or UF_HEAD (`department.get`)."""
    names = ("ID", "NAME", "PARENT", "UF_HEAD")
    wanted = {name: call.params.raw(name) for name in names if call.params.has(name)}
    rows = [_department(item) for item in call.state.departments.values()]
    return paged([row for row in rows if matches(row, wanted)], call.params.number("start"))


def _words(call: Call, user: User) -> list[str]:
    names = [call.state.departments[number].name for number in user.departments]
    text = " ".join([user.name, user.last_name, user.work_position, *names])
    return text.casefold().split()


def fits(call: Call, user: User, find: str) -> bool:
    """Whether every typed word begins one of the person's."""
    words = _words(call, user)
    return all(any(word.startswith(typed) for word in words) for typed in find.casefold().split())


def _starts(call: Call, user: User, wanted: dict[str, object]) -> bool:
    row = _row(call, user)
    departments = [call.state.departments[number].name for number in user.departments]
    row["UF_DEPARTMENT_NAME"] = " ".join(departments)
    return all(
        str(row.get(name.lstrip("%="), "")).casefold().startswith(str(value).casefold())
        for name, value in wanted.items()
    )


def _filter(call: Call) -> dict[str, object]:
    """The conditions, whether in FILTER or beside it, where other parameters may stand as well."""
    given = call.params.items().items()
    direct = {key: value for key, value in given if key.lstrip(_SIGNS) in _FIELDS}
    return direct | {key.upper(): value for key, value in call.params.mapping("FILTER").items()}


def _people(call: Call) -> list[User]:
    return [user for user in call.state.users.values() if user.kind in {"employee", "extranet"}]


def _row(call: Call, user: User) -> dict[str, object]:
    scopes = set(call.app.scopes)
    row: dict[str, object] = {
        "ID": str(user.id),
        "ACTIVE": user.active,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "SECOND_NAME": "",
        "PERSONAL_GENDER": user.gender,
        "WORK_POSITION": user.work_position,
        "UF_DEPARTMENT": list(user.departments),
    }
    if scopes & {"user", "user_basic"}:
        row["EMAIL"] = user.email
    if "user" in scopes:
        row["USER_TYPE"] = user.kind
    return row


def _department(item: Department) -> dict[str, object]:
    row: dict[str, object] = {"ID": str(item.id), "NAME": item.name, "SORT": 500}
    if item.parent:
        row["PARENT"] = str(item.parent)
    if item.head:
        row["UF_HEAD"] = str(item.head)
    return row
