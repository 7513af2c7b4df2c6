"""Many calls in one request. Page: batch.md."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from bot.bitrix24 import form
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Refused, Unanswered, refusal
from bot.bitrix24.numerals import read_reset
from bot.bitrix24.texts import LONGEST_DESCRIPTION, read_code, read_text

MAX_CALLS = 50


def build(calls: Mapping[str, Call]) -> Call:
    """Put calls into one ``batch``; a failing one does not stop the others."""
    if len(calls) > MAX_CALLS:
        raise ValueError(f"a batch takes {MAX_CALLS} calls")
    return Call("batch", {"halt": 0, "cmd": {name: _command(one) for name, one in calls.items()}})


def merge(calls: Sequence[Call]) -> Call:
    """Put calls into one ``batch``, those that are batches with all that is in them."""
    commands: dict[str, str] = {}
    for number, call in enumerate(calls):
        if call.method == "batch":
            inner = call.params["cmd"].items()
            commands.update((f"{_prefix(number)}{name}", command) for name, command in inner)
        else:
            commands[_prefix(number)] = _command(call)
    return Call("batch", {"halt": 0, "cmd": commands})


def split(result: Any, calls: Sequence[Call]) -> list[Any | Exception]:
    """Give each of the merged calls its result, or the error it came to. Raises ``Unanswered``."""
    if not isinstance(result, dict):
        raise Unanswered("no batch result")
    parts = {name: _map(result.get(name)) for name in _PARTS}
    return [_own(_prefix(number), parts, call) for number, call in enumerate(calls)]


def refers(call: Call) -> bool:
    """Say whether the portal would put another call's result into this one: ``$result[…]``.

    Somebody may have typed just that.
    """
    return "$result" in unquote(str(call.params))


def read(result: Any, calls: Mapping[str, Call]) -> dict[str, Any | Refused]:
    """Give for each call its result, or the error it came to. Raises ``Unanswered``."""
    if not isinstance(result, dict):
        raise Unanswered("no batch result")
    results, errors = _map(result.get("result")), _map(result.get("result_error"))
    times = _map(result.get("result_time"))
    return {name: _one(name, results, errors, times) for name in calls}


def refusals(result: Any) -> dict[str, Refused]:
    """Give the errors that calls of a batch came to, by the calls' names."""
    errors, times = (_map(_map(result).get(part)) for part in ("result_error", "result_time"))
    return {name: _refusal(error, times.get(name)) for name, error in errors.items()}


_PARTS = ("result", "result_error", "result_time")


def _own(prefix: str, parts: dict[str, dict[str, Any]], call: Call) -> Any | Exception:
    if call.method != "batch":
        try:
            return _one(prefix, *(parts[name] for name in _PARTS))
        except Unanswered as unanswered:
            return unanswered
    names = call.params["cmd"]
    return {
        part: {name: found[prefix + name] for name in names if prefix + name in found}
        for part, found in parts.items()
    }


def _prefix(number: int) -> str:
    return f"c{number}_"


def _command(call: Call) -> str:
    # Version 2 reads flags as Y and N where they are strings; page: chat-bots-v2/index.md.
    flags = ("Y", "N") if call.method.startswith("imbot.v2.") else ("1", "0")
    return f"{call.method}?{form.encode(call.params, flags)}"


def _map(value: Any) -> dict[str, Any]:
    # An empty PHP array is a list, whatever it was meant to be.
    return value if isinstance(value, dict) else {}


def _one(
    name: str, results: dict[str, Any], errors: dict[str, Any], times: dict[str, Any]
) -> Any | Refused:
    if name in errors:
        return _refusal(errors[name], times.get(name))
    if name in results:
        return results[name]
    raise Unanswered("a call of the batch has no answer")


def _refusal(error: Any, times: Any) -> Refused:
    told = _map(error)
    description = read_text(told.get("error_description"), LONGEST_DESCRIPTION)
    return refusal(read_code(told.get("error")), description, 400, read_reset(times))
