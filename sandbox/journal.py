"""What the portal has seen and done, for tests to read: no token values in it."""

import re
from collections import deque
from dataclasses import dataclass

_MOST_KEPT = 20_000
_SECRETS = {"auth", "access_token", "bottoken"}
_IN_COMMAND = re.compile(r"(?i)([?&](?:auth|access_token|botToken)=)[^&]*")


@dataclass
class CallRecord:
    """One REST call; `status` is None while it runs and when no answer went out.

    `app` is the client id of the app whose token it was made with, `within` the batch that it came
    in, `answer` the beginning of what it was answered.
    """

    id: int
    method: str
    params: object
    user_id: int | None
    auth: str | None
    app: str | None
    at: float
    batch: bool = False
    within: int | None = None
    status: int | None = None
    error: str | None = None
    ms: float = 0.0
    fault: str | None = None
    answer: str = ""


class Journal:
    """Lists of facts, oldest first; the oldest are dropped after twenty thousand."""

    def __init__(self) -> None:
        self._last = 0
        self.calls: deque[CallRecord] = deque(maxlen=_MOST_KEPT)
        self.refreshes: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.memberships: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.invitations: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.notifications: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.comments: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.typing: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        self.deliveries: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)

    def number(self) -> int:
        """The next id of a call or a delivery."""
        self._last += 1
        return self._last

    def call_rows(self) -> list[dict[str, object]]:
        return [dict(vars(record)) for record in self.calls]


def without_secrets(value: object) -> object:
    """The parameters of a call without the token it was made with."""
    if isinstance(value, dict):
        return {
            key: _commands(inner) if str(key).lower() == "cmd" else without_secrets(inner)
            for key, inner in value.items()
            if str(key).lower() not in _SECRETS
        }
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def _commands(value: object) -> object:
    """The commands of a batch, whose queries may hold a token as well."""
    if isinstance(value, dict):
        return {key: _commands(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_commands(inner) for inner in value]
    return _IN_COMMAND.sub(r"\1***", value) if isinstance(value, str) else value
