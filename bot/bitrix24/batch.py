"""Many calls in one request. Page: batch.md."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from bot.bitrix24 import form
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Bitrix24Error, Unanswered, error_of

MAX_CALLS = 50

# What a batch came to: each call's result, or the error it came to, by the call's name.
Results = dict[str, Any]


class Merged(Results):
    """The results of a batch that was merged with other calls."""


def build(calls: Mapping[str, Call], *, alone: bool = False) -> Call:
    """Put calls into one ``batch``; a failing one does not stop the others.

    ``alone``: it is not to be merged with others.
    """
    if len(calls) > MAX_CALLS:
        raise ValueError(f"a batch takes {MAX_CALLS} calls")
    commands = {name: _command(one) for name, one in calls.items()}
    return Call("batch", {"halt": 0, "cmd": commands}, alone)


def joined(batch: Call, name: str, call: Call) -> Call:
    """Put one more call before those of a ``batch`` that has room for it."""
    commands = {name: _command(call), **batch.params["cmd"]}
    return replace(batch, params={**batch.params, "cmd": commands})


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


def split(results: Results, calls: Sequence[Call]) -> list[Any | Bitrix24Error]:
    """Give each of the merged calls its result, or the error it came to; a batch its results."""
    return [
        Merged({name: results[f"{_prefix(n)}{name}"] for name in call.params["cmd"]})
        if call.method == "batch"
        else results[_prefix(n)]
        for n, call in enumerate(calls)
    ]


def refers(call: Call) -> bool:
    """Say whether the portal would put another call's result into this one: ``$result[…]``.

    Somebody may have typed just that.
    """
    return "$result" in unquote(str(call.params))


def read(result: Any, names: Collection[str]) -> Results:
    """Read what a batch came to: each call's result, or its error, by the call's name.

    A call that the portal says nothing of, or both, is ``Unanswered``. Raises that where it says
    nothing of any of them.
    """
    if not isinstance(result, dict):
        raise Unanswered("no batch result")
    # An empty PHP array is a list, whatever it was meant to be.
    told, errors, times = (
        part if isinstance(part := result.get(name), dict) else {}
        for name in ("result", "result_error", "result_time")
    )
    results: Results = {}
    for name in names:
        if name in errors and told.get(name) not in (None, "", []):
            results[name] = Unanswered("a call of the batch has failed, and has not")
        elif name in errors:
            results[name] = error_of(errors[name], time_=times.get(name))
        elif name in told:
            results[name] = told[name]
        else:
            results[name] = Unanswered("a call of the batch has no answer")
    return results


def result_of(answer: Any | Bitrix24Error) -> Any:
    """Give a call's result. Raises the error, if that is what the call came to."""
    if isinstance(answer, Bitrix24Error):
        raise answer
    return answer


def _prefix(number: int) -> str:
    return f"c{number}_"


def _command(call: Call) -> str:
    # Version 2 reads flags as Y and N where they are strings; page: chat-bots-v2/index.md.
    flags = ("Y", "N") if call.method.startswith("imbot.v2.") else ("1", "0")
    return f"{call.method}?{form.encode(call.params, flags)}"
