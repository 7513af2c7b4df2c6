"""What a REST call can come to, split by what may be done about it.

Bitrix24Error
├── Refused            the portal answered: no
│   ├── ExpiredToken   … because the access token ran out: refresh, repeat once
│   └── Busy           … for now: nothing happened, repeat later
├── Unreachable        nothing was done: repeat at will
│   └── Moved          … because the portal names another address
├── Unanswered         sent, and nobody knows what came of it: look before repeating
│   └── TurnedAway     … though a gateway says that nothing was passed on
├── NoPermission       there is no token to call with: the person has to connect
│   └── NotProven      … or to say that they mean it: nothing proves whose command it is
├── NotTheirs          the token that acted turned out to be somebody else's
└── Renamed            the portal has another member id: the app must be installed again
"""

from typing import Any


class Bitrix24Error(Exception):
    """A REST call did not succeed. Its text never holds a token or an address."""


class Refused(Bitrix24Error):
    """The portal's own error; older modules leave ``code`` empty and tell only in words."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(f"{code or '(no code)'} {status}")
        self.code = code
        self.description = description
        self.status = status


class ExpiredToken(Refused):
    """The access token is no longer accepted."""


class Busy(Refused):
    """The portal takes no more calls for now; nothing happened.

    ``until`` (unix seconds) is set where the portal says when it takes this method again.
    """

    def __init__(
        self, code: str, description: str, status: int = 503, until: float | None = None
    ) -> None:
        super().__init__(code, description, status)
        self.until = until


class Unreachable(Bitrix24Error):
    """No connection: the call did not reach the portal."""


class Moved(Unreachable):
    """The portal has another address now: ``location``, which nobody has vouched for."""

    def __init__(self, location: str) -> None:
        super().__init__("the portal names another address")
        self.location = location


class Unanswered(Bitrix24Error):
    """The call may have been carried out: time-out, broken connection, broken answer."""


class TurnedAway(Unanswered):
    """A gateway answered 503 in the portal's place: most likely nothing happened."""


class NoPermission(Bitrix24Error):
    """No token of this person is usable."""


class NotProven(NoPermission):
    """Nothing proves that the command is its requester's, so that no stored token may act."""


class NotTheirs(Bitrix24Error):
    """A token said to be the requester's is another person's: ``owner`` (0: nobody's here).

    ``result`` is what the portal answered to the call that it was used for.
    """

    def __init__(self, owner: int, result: Any = None) -> None:
        super().__init__(f"the token is user {owner}'s")
        self.owner = owner
        self.result = result


class Renamed(Bitrix24Error):
    """The authorization server names another member id for the portal's address."""


EXPIRED_CODES = frozenset({"expired_token"})
LOST_CODES = frozenset({"NO_AUTH_FOUND", "invalid_token", "authorization_error", "invalid_grant"})
BUSY_CODES = frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"})


def refusal(code: str, description: str, status: int, until: float | None = None) -> Refused:
    """Choose the class for an error of the portal."""
    if code in EXPIRED_CODES:
        return ExpiredToken(code, description, status)
    if code in BUSY_CODES:
        return Busy(code, description, status, until if code == "OPERATION_TIME_LIMIT" else None)
    return Refused(code, description, status)
