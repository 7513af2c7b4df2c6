"""What a REST call can come to, split by what may be done about it.

Bitrix24Error
├── Busy               the portal takes no calls for now: nothing happened, repeat later
├── Unreachable        no call got through: nothing happened, repeat at will
│   ├── Forbidden      … because the address is a private one
│   ├── NoConnection   … because nobody is at the address, or answers there
│   └── Moved          … because the portal names another address
├── Unanswered         sent, and nobody knows what came of it: look before repeating
│   └── TurnedAway     … though a gateway says that nothing was passed on
├── Refused            the portal answered: no, and why
│   ├── ExpiredToken   … because the access token ran out: refresh, repeat once
│   └── LostToken      … because the token is not, or not any more, one of this portal's
├── NoPermission       there is no token to call with: the person has to connect
│   └── NotProven      … or to say that they mean it: nothing proves whose command it is
├── NotTheirs          the token that acted turned out to be somebody else's
│   └── External       … or the requester's own, who is none of the staff
└── Renamed            the portal has another member id: the app must be installed again

``error_of`` alone decides which of them an answer is.
"""

import math
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bot.bitrix24.rows import part, text


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


class LostToken(Refused):
    """The portal does not know the token, or whose it was has left."""


class RenewalRefused(Refused):
    """The authorization server does not renew a token, and does not say that it is dead."""


class Busy(Bitrix24Error):
    """The portal takes no more calls for now; nothing happened.

    ``until`` (unix seconds) is set where the portal says when it takes this method again.
    """

    def __init__(self, code: str, until: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.until = until


class Unreachable(Bitrix24Error):
    """The call did not get through: no connection, or nobody there to check the token."""


class Forbidden(Unreachable):
    """The portal's address is none of the internet's, and the bot is not to go there."""


class NoConnection(Unreachable):
    """Nobody is at the portal's address, or has answered there lately."""


class Moved(Unreachable):
    """There is no portal at its address any more: a redirect, or a page that is not found.

    Where a redirect leads nobody has vouched for: it is not followed.
    """


class NotRenewed(Unreachable):
    """The authorization server, which is to renew a token, does not answer, or not now."""


class Unanswered(Bitrix24Error):
    """The call may have been carried out: time-out, broken connection, broken answer."""


class TurnedAway(Unanswered):
    """A gateway answered in the portal's place, 503 say: most likely nothing happened."""


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


class External(NotTheirs):
    """The token that acted is the requester's, and they are none of the staff."""


class Renamed(Bitrix24Error):
    """The authorization server names another member id for the portal's address."""


LOST_CODES = frozenset({"NO_AUTH_FOUND", "invalid_token", "authorization_error", "invalid_grant"})
BUSY_CODES = frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"})

# The portal could not ask the authorization server about the token; or that server itself is
# not to be asked now. Source: Rest\OAuth\Auth::onRestCheckAuth; RFC 6749, 5.2.
_NOT_REACHED = frozenset({"CONNECTION_ERROR", "temporarily_unavailable"})
# The portal's own program broke off, at whatever point.
_BROKEN = frozenset({"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER", "server_error"})
# Certain, whatever status they come with.
_CERTAIN = frozenset({"PORTAL_DELETED"})

_TURNED_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)

# The running time of a method is counted over ten minutes: it rests no longer.
LONGEST_PAUSE = 600.0

_TAG = re.compile(r"<[^<>]{0,100}>")
_MOST_OF_CODE, _MOST_OF_WORDS = 64, 500
# With the markup that is taken out of them.
_MOST_OF_MARKUP = 2_000


def error_of(answer: object, status: int = 400, time_: object = None) -> Bitrix24Error:
    """Choose the class for an answer that is an error.

    ``answer`` is what the portal, or the authorization server, gave: a map with ``error``, or
    whatever stands in its place. ``time_`` tells when a method that rests is taken again; it is
    looked for in the answer, where it is not given.
    """
    told = answer if isinstance(answer, Mapping) else {"error_description": answer}
    code, description = _told(told)
    if code in BUSY_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
        is_told = code == "OPERATION_TIME_LIMIT"
        return Busy(code, _until(time_ or told.get("time")) if is_told else None)
    if code in _NOT_REACHED:
        return Unreachable(code)
    if code in _BROKEN or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and code not in _CERTAIN):
        return unanswered(f"{code or 'an error without a code'}", status)
    kind = ExpiredToken if code == "expired_token" else Refused
    return (LostToken if code in LOST_CODES else kind)(code, description, status)


def unanswered(why: str, status: int) -> Unanswered:
    """Make the error for an answer that does not tell what became of a call."""
    kind = TurnedAway if status in _TURNED_AWAY else Unanswered
    return kind(f"{why}, status {status}")


def _told(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Read an error's code and words; version 3 of the interface puts both into one map."""
    error = answer.get("error")
    if isinstance(error, Mapping):
        code, words = error.get("code"), error.get("message")
    else:
        code, words = error, answer.get("error_description")
    plain = " ".join(_TAG.sub(" ", text(words, _MOST_OF_MARKUP)).split())
    # Words are put into sentences that have a full stop of their own.
    return _code(text(code)), plain[:_MOST_OF_WORDS].rstrip(" .!")


def _code(code: str) -> str:
    return "".join(one for one in code.strip() if one.isascii() and one.isprintable())[
        :_MOST_OF_CODE
    ]


def _until(time_: object) -> float | None:
    """Read when a method is taken again: a moment within the next ten minutes."""
    at = part(time_, "operating_reset_at")
    if isinstance(at, bool) or not isinstance(at, int | float | str):
        return None
    try:
        moment = float(at)
    except (ValueError, OverflowError):
        return None
    return min(moment, time.time() + LONGEST_PAUSE) if 0 <= moment < math.inf else None
