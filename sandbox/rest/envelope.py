"""The bodies of REST answers: result or error, with the times of the call."""

from sandbox.clock import iso
from sandbox.errors import RestRefused
from sandbox.rest.registry import Page
from sandbox.state import State

_WINDOW = 600


def times(started: float, finished: float) -> dict[str, object]:
    """The `time` member."""
    lasted = round(max(0.0, finished - started), 6)
    return {
        "start": started,
        "finish": finished,
        "duration": lasted,
        "processing": lasted,
        "date_start": iso(started),
        "date_finish": iso(finished),
        "operating_reset_at": int(finished) + _WINDOW,
        "operating": lasted,
    }


def success(state: State, result: object, started: float) -> dict[str, object]:
    """The body of a successful call; lists bring `total` and `next`."""
    body: dict[str, object] = {"result": result}
    if isinstance(result, Page):
        body = {"result": result.items, "total": result.total}
        if result.next is not None:
            body["next"] = result.next
    return {**body, "time": times(started, state.clock.now())}


def failure(state: State, refused: RestRefused) -> dict[str, object]:
    """The body of a refused call; OPERATION_TIME_LIMIT says when the method opens again."""
    body = refused.body()
    if refused.code == "OPERATION_TIME_LIMIT":
        now = state.clock.now()
        wait = body.pop("operating_reset_in", _WINDOW)
        reset: object = int(now) + (wait if isinstance(wait, int) else _WINDOW)
        reset = body.pop("operating_reset_at", reset)
        body["time"] = {**times(now, now), "operating_reset_at": reset}
    return body
