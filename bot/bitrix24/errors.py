"""What a REST call can come to, split by what may be done about it.

Bitrix24Error
├── Refused            the portal answered: no
│   ├── ExpiredToken   … because the access token ran out: refresh, repeat once
│   └── Busy           … for now: nothing happened, repeat later
├── Unreachable        nothing was done: repeat at will
│   ├── Forbidden      … because the address is a private one
│   └── Moved          … because the portal names another address
├── Unanswered         sent, and nobody knows what came of it: look before repeating
│   └── TurnedAway     … though a gateway says that nothing was passed on
└── NoPermission       there is no token to call with: the person has to connect
"""


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


class Forbidden(Unreachable):
    """The portal's address is none of the internet's, and the bot is not to go there."""


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
