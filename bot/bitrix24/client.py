"""REST calls made: each to its address, with its token, at the portal's pace."""

import asyncio
import json
import logging
import time
from http import HTTPStatus
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
)
from pydantic import SecretStr, TypeAdapter

from bot.bitrix24 import batch
from bot.bitrix24.bodies import UNPACKED, Arriving, NoRoom, TooLarge, is_packed, parsed
from bot.bitrix24.bucket import Pace
from bot.bitrix24.calls import Address, Call
from bot.bitrix24.circuit import Answering, Circuits
from bot.bitrix24.documented import CODES
from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    Forbidden,
    Moved,
    NoConnection,
    Refused,
    Unanswered,
    error_of,
    unanswered,
)
from bot.bitrix24.network import NotPublic
from bot.bitrix24.sharing import SharedRequests
from bot.figures import Figures

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
        self, session: ClientSession, pace: Pace, timeout: float, figures: Figures
    ) -> None:
        self._session = session
        self._pace = pace
        self._requests = SharedRequests(pace, self._send, figures.bucket.observe)
        self._figures = figures
        self._circuits = Circuits()
        self._arriving = Arriving(MAX_ARRIVING)
        self._timeout = ClientTimeout(total=timeout)

    async def call(self, address: Address, token: SecretStr, call: Call) -> Any:
        """Make a call and give its ``result``; while it waits for its turn, others may join it.

        Raises ``Refused``, ``Busy``, ``Unreachable``, ``Unanswered`` and their kinds.
        """
        return await self._requests.call(address, token, call)

    def answering(self, member_id: str) -> Answering:
        """Say how the portal has answered lately."""
        return self._circuits.answering(member_id)

    async def _send(self, address: Address, token: SecretStr, call: Call) -> Any:
        """Make one HTTP request."""
        try:
            result = await self._ask(address, token, call)
            if call.method == "batch":
                await self._heed(address.member_id, call, result)
        except Bitrix24Error as error:
            self._note(call.method, error)
            raise
        self._figures.called(call.method)
        return result

    async def _ask(self, address: Address, token: SecretStr, call: Call) -> Any:
        with self._circuits.guard(address.member_id):
            began = perf_counter()
            try:
                status, body = await self._post(address, token, call)
            finally:
                self._figures.rest.observe(perf_counter() - began)
            answer = _read_json(status, body)
        try:
            return _result(status, answer)
        except Busy as busy:
            await self._slow_down(address.member_id, call.methods[0], busy)
            raise

    async def _heed(self, member_id: str, call: Call, result: Any) -> None:
        """Count the calls inside a batch, and slow down where one was told to."""
        answers = batch.read(result, call.params["cmd"])
        for answer, method in zip(answers.values(), call.methods, strict=True):
            if not isinstance(answer, Bitrix24Error):
                self._figures.called(method)
                continue
            self._note(method, answer)
            if isinstance(answer, Busy):
                await self._slow_down(member_id, method, answer)

    def _note(self, method: str, error: Bitrix24Error) -> None:
        self._figures.called(method, error)
        if isinstance(error, Refused) and error.code and error.code not in CODES:
            log.warning("%s answers with a code that no page names: %s", method, error.code[:64])

    async def _slow_down(self, member_id: str, method: str, busy: Busy) -> None:
        if busy.code == "OPERATION_TIME_LIMIT":
            until = busy.until or time.time() + UNTOLD_PAUSE
            await self._pace.pause(member_id, method, until)
        else:
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
                body = await self._body(response, address.member_id)
                # Whatever an answer quotes is kept, and told.
                return response.status, body.replace(secret.encode(), b"***") if secret else body
        except ClientConnectorError as error:
            if isinstance(error.os_error, NotPublic):
                raise Forbidden("the portal's address is not public") from None
            raise NoConnection("no connection") from None
        except TimeoutError:
            raise Unanswered("time-out") from None
        except (ClientError, OSError, asyncio.IncompleteReadError):
            raise Unanswered("the connection broke") from None

    async def _body(self, response: ClientResponse, member_id: str) -> bytes:
        if is_packed(response.headers):
            raise Unanswered("the answer is packed")
        try:
            return await self._arriving.read(response.content.iter_any(), member_id, MAX_ANSWER)
        except TooLarge:
            raise Unanswered("the answer is too long") from None
        except NoRoom:
            raise Unanswered("too much is arriving from the portal") from None


def _json(body: dict[str, Any]) -> bytes:
    try:
        return _BODY.dump_json(body)
    except ValueError:
        # Half a surrogate pair in somebody's name: the standard library writes it as it is.
        return json.dumps(body).encode()


def _redirected(response: ClientResponse) -> str:
    """Say where a redirect leads, without what may be secret in it."""
    try:
        path = urlsplit(response.headers.get("Location", "")).path
    except ValueError:
        path = ""
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


def _result(status: int, answer: dict[str, Any]) -> Any:
    # Older modules leave the code empty: it is the key that tells an error, or the status.
    if "error" in answer or status >= HTTPStatus.BAD_REQUEST:
        raise error_of(answer, status)
    return answer["result"]
