"""REST calls made: each to its address, with its token, at the portal's pace."""

import asyncio
import json
import logging
import time
from http import HTTPStatus
from time import perf_counter
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
)
from pydantic import SecretStr, TypeAdapter

from bot.bitrix24 import batch
from bot.bitrix24.batching import Batching, Send
from bot.bitrix24.bodies import UNPACKED, Arriving, NoRoom, TooLarge, is_packed, parsed
from bot.bitrix24.bucket import Buckets
from bot.bitrix24.calls import Address, Call
from bot.bitrix24.circuit import Circuits
from bot.bitrix24.documented import CODES
from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    Forbidden,
    Moved,
    NoConnection,
    Refused,
    Unanswered,
    Unreachable,
    error_of,
    unanswered,
)
from bot.bitrix24.network import NotPublic, parts_of
from bot.figures import FINE, NO_CODE, UNANSWERED, UNKNOWN, UNREACHABLE, Figures

log = logging.getLogger(__name__)

_BODY = TypeAdapter(dict[str, Any])
JSON = {"Content-Type": "application/json", **UNPACKED}
MAX_ANSWER = 4 * 1024 * 1024

# Large answers that are still arriving, of all portals together.
MAX_ARRIVING = 32 * 1024 * 1024

# How long a method rests where the portal does not say when it takes it again: the window that
# its running time is counted in has ten baskets of a minute.
UNTOLD_PAUSE = 60.0


class Client:
    """Makes REST calls, each at the portal's pace and with the token it is given."""

    def __init__(
        self, session: ClientSession, pace: Buckets, timeout: float, figures: Figures
    ) -> None:
        self._session = session
        self._pace = pace
        self._figures = figures
        self._circuits = Circuits()
        # Says how a portal has answered lately.
        self.answering = self._circuits.answering
        self._arriving = Arriving(MAX_ARRIVING)
        self._timeout = ClientTimeout(total=timeout)
        # Makes a call and gives its result; of a batch the results by the names of its calls.
        # While it waits for its turn, others may join it.
        # Raises ``Refused``, ``Busy``, ``Unreachable``, ``Unanswered`` and their kinds.
        self.call: Send = Batching(pace, self._send, figures.bucket.observe).call

    async def turn(self, member_id: str, call: Call) -> None:
        """Wait as a call of this portal would, for something else that its pace is to pay for."""
        await self._pace.take(member_id, call)

    async def _send(self, address: Address, token: SecretStr, call: Call) -> Any:
        """Make one HTTP request."""
        member_id = address.member_id
        try:
            with self._circuits.guard(member_id):
                began = perf_counter()
                try:
                    status, body = await self._post(address, token, call)
                finally:
                    self._figures.rest.observe(perf_counter() - began)
                answer = _read_json(status, body)
            # Older modules leave the code empty: the key tells an error, or the status.
            if "error" in answer or status >= HTTPStatus.BAD_REQUEST:
                raise error_of(answer, status)
            if call.method != "batch":
                result = answer["result"]
            else:
                result = batch.read(answer["result"], call.params["cmd"])
        except Bitrix24Error as error:
            await self._failed(member_id, call.methods[0], error, counted=call.method)
            raise
        self._figures.calls.add(call.method, FINE)
        if call.method == "batch":
            for method, one in zip(call.methods, result.values(), strict=True):
                if isinstance(one, Bitrix24Error):
                    await self._failed(member_id, method, one, counted=method)
                else:
                    self._figures.calls.add(method, FINE)
        return result

    async def _failed(
        self, member_id: str, method: str, error: Bitrix24Error, *, counted: str
    ) -> None:
        """Count a call that failed, and slow down where the portal takes no more for now."""
        result = _counted_as(error)
        self._figures.calls.add(counted, result)
        if result == UNKNOWN:
            self._figures.unknown_codes.add(counted)
        if isinstance(error, Refused) and result == UNKNOWN:
            log.warning("%s answers with a code that no page names: %s", counted, error.code[:64])
        if isinstance(error, Busy) and error.code == "OPERATION_TIME_LIMIT":
            await self._pace.pause(member_id, method, error.until or time.time() + UNTOLD_PAUSE)
        elif isinstance(error, Busy):
            await self._pace.overflown(member_id)

    async def _post(self, address: Address, token: SecretStr, call: Call) -> tuple[int, bytes]:
        secret = token.get_secret_value()
        # Whatever aiohttp raises names the address, and may quote what was sent: `from None`.
        try:
            async with self._session.post(
                address.endpoint + call.method,
                data=_json({**call.params, "auth": secret}),
                headers=JSON,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if 300 <= response.status < 400:
                    raise Moved(_redirected(response))
                if is_packed(response.headers):
                    raise Unanswered("the answer is packed")
                pieces = response.content.iter_any()
                body = await self._arriving.read(pieces, address.member_id, MAX_ANSWER)
                # Whatever an answer quotes is kept, and told.
                return response.status, body.replace(secret.encode(), b"***") if secret else body
        except TooLarge:
            raise Unanswered("the answer is too long") from None
        except NoRoom:
            raise Unanswered("too much is arriving from the portal") from None
        except ClientConnectorError as error:
            if isinstance(error.os_error, NotPublic):
                raise Forbidden("the portal's address is not public") from None
            raise NoConnection("no connection") from None
        except TimeoutError:
            raise Unanswered("time-out") from None
        except (ClientError, OSError, asyncio.IncompleteReadError):
            raise Unanswered("the connection broke") from None


def _json(body: dict[str, Any]) -> bytes:
    try:
        return _BODY.dump_json(body)
    except ValueError:
        # Half a surrogate pair in somebody's name: the standard library writes it as it is.
        return json.dumps(body).encode()


def _redirected(response: ClientResponse) -> str:
    """Say where a redirect leads, without what may be secret in it."""
    path = parts_of(response.headers.get("Location", "")).path
    plain = "".join(one for one in path[:100] if one.isprintable())
    return f"a redirect to {plain or '/'}, status {response.status}"


def _read_json(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = parsed(body)
    except (ValueError, RecursionError):
        if status == HTTPStatus.NOT_FOUND:
            raise Moved("a page that is not found") from None
        raise unanswered("no JSON", status) from None
    if not isinstance(answer, dict) or not answer.keys() & {"error", "result"}:
        raise unanswered("no envelope", status)
    return answer


def _counted_as(error: Bitrix24Error) -> str:
    """Give the word that an error is counted by."""
    if isinstance(error, Refused | Busy):
        return error.code if error.code in CODES else UNKNOWN if error.code else NO_CODE
    return UNREACHABLE if isinstance(error, Unreachable) else UNANSWERED
