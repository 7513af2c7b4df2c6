"""Many calls in one request. Page: batch.md."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from bot.bitrix24 import form
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Bitrix24Error, Unanswered, error_of

MAX_CALLS = 50


def build(calls: Mapping[str, Call]) -> Call:
    """Put calls into one ``batch``; a failing one does not stop the others."""
    if len(calls) > MAX_CALLS:
        raise ValueError(f"a batch takes {MAX_CALLS} calls")
    return Call("batch", {"halt": 0, "cmd": {name: _command(one) for name, one in calls.items()}})


def joined(batch: Call, name: str, call: Call) -> Call:
    """Put one more call before those of a ``batch`` that has room for it."""
    commands = {name: _command(call), **batch.params["cmd"]}
    return Call("batch", {**batch.params, "cmd": commands})


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


def split(result: Any, calls: Sequence[Call]) -> list[Any | Bitrix24Error]:
    """Give each of the merged calls its result, or the error it came to. Raises ``Unanswered``."""
    parts = _parts(result)
    return [_own(_prefix(number), parts, call) for number, call in enumerate(calls)]


def refers(call: Call) -> bool:
    """Say whether the portal would put another call's result into this one: ``$result[…]``.

    Somebody may have typed just that.
    """
    return "$result" in unquote(str(call.params))


def read(result: Any, names: Collection[str]) -> dict[str, Any | Bitrix24Error]:
    """Give for each call, by its name, its result or the error it came to.

    A call that the portal says nothing of is ``Unanswered``. Raises that where it says nothing
    of any of them.
    """
    parts = _parts(result)
    return {name: _one(name, parts) for name in names}


_Parts = dict[str, dict[str, Any]]


def _parts(result: Any) -> _Parts:
    """Read what a batch came to: results, errors and times, each by the names of the calls."""
    if not isinstance(result, dict):
        raise Unanswered("no batch result")
    return {name: _map(result.get(name)) for name in ("result", "result_error", "result_time")}


def _own(prefix: str, parts: _Parts, call: Call) -> Any | Bitrix24Error:
    if call.method != "batch":
        return _one(prefix, parts)
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


def _one(name: str, parts: _Parts) -> Any | Bitrix24Error:
    if name in parts["result_error"]:
        return error_of(parts["result_error"][name], time_=parts["result_time"].get(name))
    if name in parts["result"]:
        return parts["result"][name]
    return Unanswered("a call of the batch has no answer")
