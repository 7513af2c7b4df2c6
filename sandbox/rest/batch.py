"""`batch`: up to fifty commands in one request, each with its own outcome."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox import phpform
from sandbox.errors import RestRefused
from sandbox.rest.envelope import failure, times
from sandbox.rest.params import integer, truthy
from sandbox.rest.registry import Page
from sandbox.state import State

MOST_COMMANDS = 50

_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
_STEP = re.compile(r"\[([^\[\]]+)\]")

Run = Callable[[str, dict[str, object]], object]


@dataclass
class _Outcomes:
    result: dict[str, object] = field(default_factory=dict)
    result_error: dict[str, object] = field(default_factory=dict)
    result_total: dict[str, object] = field(default_factory=dict)
    result_next: dict[str, object] = field(default_factory=dict)
    result_time: dict[str, object] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        return {name: php_array(value) for name, value in vars(self).items()}


def commands(values: dict[str, object]) -> dict[str, str]:
    """The commands of a batch by key; what is not a string is an empty command."""
    cmd = values.get("cmd")
    if isinstance(cmd, list):
        cmd = dict(enumerate(cmd))
    if not isinstance(cmd, dict):
        return {}
    return {str(key): text if isinstance(text, str) else "" for key, text in cmd.items()}


def method_of(command: str) -> str:
    """The method's name in `method?query`."""
    return command.partition("?")[0].strip()


def run_batch(state: State, values: dict[str, object], run: Run) -> dict[str, object]:
    """Run the commands in order; a refusal stops them only when `halt` is true to PHP."""
    outcomes = _Outcomes()
    halt = truthy(values.get("halt"))
    for index, (key, command) in enumerate(commands(values).items()):
        started = state.clock.now()
        try:
            _keep(outcomes, key, _run_one(index, command, outcomes, run))
        except RestRefused as refused:
            body = failure(state, refused)
            outcomes.result_time[key] = body.pop("time", times(started, state.clock.now()))
            outcomes.result_error[key] = body
            if halt:
                break
            continue
        outcomes.result_time[key] = times(started, state.clock.now())
    return outcomes.body()


def _run_one(index: int, command: str, outcomes: _Outcomes, run: Run) -> object:
    if index >= MOST_COMMANDS:
        raise RestRefused("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
    method = method_of(command)
    if method.lower() in {"batch", "batch.json"}:
        text = "Method is not allowed for batch usage"
        raise RestRefused("ERROR_BATCH_METHOD_NOT_ALLOWED", text, 405)
    try:
        values = phpform.decode(command.partition("?")[2])
    except phpform.FormRefused as refused:
        raise RestRefused("INVALID_REQUEST", str(refused)) from None
    return run(method, {key: _filled(value, outcomes) for key, value in values.items()})


def _keep(outcomes: _Outcomes, key: str, result: object) -> None:
    if isinstance(result, Page):
        outcomes.result_total[key] = result.total
        if result.next is not None:
            outcomes.result_next[key] = result.next
        result = result.items
    outcomes.result[key] = result


def _filled(value: object, outcomes: _Outcomes) -> object:
    """The value with `$result[id][field]` replaced by what an earlier command has answered."""
    if isinstance(value, dict):
        return {key: _filled(inner, outcomes) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, outcomes) for inner in value]
    if not isinstance(value, str) or "$result" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _looked_up(whole[1], outcomes)
    return _REFERENCE.sub(lambda match: _as_text(_looked_up(match[1], outcomes)), value)


def _looked_up(path: str, outcomes: _Outcomes) -> object:
    found: object = outcomes.result
    for step in _STEP.findall(path):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list):
            index = integer(step)
            found = found[index] if index is not None and 0 <= index < len(found) else None
        else:
            return None
    return found


def _as_text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def php_array(value: dict[str, object]) -> object:
    """A map as PHP writes it: a list when its keys are 0..n-1, so `[]` when it is empty."""
    if list(value) == [str(index) for index in range(len(value))]:
        return list(value.values())
    return value
