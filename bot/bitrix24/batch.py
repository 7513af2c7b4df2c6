"""Many calls in one request. Page: batch.md."""

from collections.abc import Mapping
from typing import Any

from bot.bitrix24 import form
from bot.bitrix24.client import Call
from bot.bitrix24.errors import Refused, Unanswered, refusal

MAX_CALLS = 50


def build(calls: Mapping[str, Call]) -> Call:
    """Put calls into one ``batch``; a failing one does not stop the others."""
    if len(calls) > MAX_CALLS:
        raise ValueError(f"a batch takes {MAX_CALLS} calls")
    commands = {name: f"{call.method}?{form.encode(call.params)}" for name, call in calls.items()}
    return Call("batch", {"halt": 0, "cmd": commands})


def read(result: Any, calls: Mapping[str, Call]) -> dict[str, Any | Refused]:
    """Give for each call its result, or the error it came to. Raises ``Unanswered``."""
    if not isinstance(result, dict):
        raise Unanswered("no batch result")
    results, errors = _map(result.get("result")), _map(result.get("result_error"))
    times = _map(result.get("result_time"))
    return {name: _one(name, results, errors, times) for name in calls}


def _map(value: Any) -> dict[str, Any]:
    # An empty PHP array is a list, whatever it was meant to be.
    return value if isinstance(value, dict) else {}


def _one(
    name: str, results: dict[str, Any], errors: dict[str, Any], times: dict[str, Any]
) -> Any | Refused:
    if name in errors:
        error, until = _map(errors[name]), _map(times.get(name)).get("operating_reset_at")
        code, description = str(error.get("error", "")), str(error.get("error_description", ""))
        return refusal(code, description, 400, until)
    if name in results:
        return results[name]
    raise Unanswered("a call of the batch has no answer")
