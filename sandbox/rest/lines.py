"""imopenlines.config.*: the open lines and their queues."""

from sandbox.errors import RestRefused
from sandbox.model import Line
from sandbox.rest.filters import matches
from sandbox.rest.params import Params, flag
from sandbox.rest.registry import Call, Methods

methods = Methods()

_USUAL, _MOST = 50, 200


@methods.method("imopenlines.config.list.get", "imopenlines")
def list_get(call: Call) -> object:
    """The lines (`imopenlines.config.list.get`), fifty of them unless PARAMS[limit] asks for more.

    OPTIONS[QUEUE]=Y brings the operators.
    """
    for name in ("PARAMS", "OPTIONS"):
        if not isinstance(call.params.raw(name), dict | list | None):
            raise RestRefused("INVALID_FORMAT", f"A wrong format for the {name} field is passed")
    queue = bool(flag(call.params.mapping("OPTIONS").get("QUEUE")))
    params = Params(call.params.mapping("PARAMS"), exact=True)
    rows = [_row(line, queue=queue) for line in call.state.lines.values()]
    found = [row for row in rows if matches(row, params.mapping("filter"))]
    first = max(0, params.number("offset"))
    return found[first : first + min(params.number("limit") or _USUAL, _MOST)]


@methods.method("imopenlines.config.get", "imopenlines")
def get(call: Call) -> object:
    """One line by CONFIG_ID, for everybody; with its queue unless WITH_QUEUE=N."""
    number = call.params.number("CONFIG_ID")
    if number <= 0:
        raise RestRefused("CONFIG_ID_EMPTY", "Config ID can't be empty")
    line = call.state.lines.get(number)
    if line is None:
        return False
    return _row(line, queue=call.params.flag("WITH_QUEUE", default=True))


def _row(line: Line, *, queue: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "ID": str(line.id),
        "LINE_NAME": line.name,
        "ACTIVE": "Y" if line.active else "N",
        "CRM": "Y",
        "CRM_CREATE": "none",
        "QUEUE_TYPE": "evenly",
        "LANGUAGE_ID": "ru",
        "WELCOME_BOT_ENABLE": "N",
        "WELCOME_BOT_ID": "0",
        "MODIFY_USER_ID": str(line.modified_by),
    }
    if queue:
        row["QUEUE"] = [str(user) for user in line.queue]
    return row
