"""One REST call: its address, its token, its answer."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
)
from pydantic import SecretStr

from bot.bitrix24.bucket import Buckets
from bot.bitrix24.errors import Busy, Unanswered, Unreachable, refusal

USER_AGENT = "Switchboard/1.0"
MAX_ANSWER = 4 * 1024 * 1024

# How long a full bucket needs until a few requests fit in again.
BUCKET_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a portal takes REST calls; ``endpoint`` ends with ``/rest/``."""

    member_id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Call:
    """A method and its parameters."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Client:
    """Makes REST calls, each at the portal's pace and with the token it is given."""

    def __init__(self, session: ClientSession, buckets: Buckets, timeout: float) -> None:
        self._session = session
        self._buckets = buckets
        self._timeout = ClientTimeout(total=timeout)

    async def call(self, address: Address, token: SecretStr, call: Call) -> Any:
        """Make one HTTP request and give its ``result``.

        Raises ``Refused`` and its kinds, ``Unreachable``, ``Unanswered``.
        """
        await self._buckets.take(address.member_id)
        status, body = await self._post(
            address.endpoint + call.method, {**call.params, "auth": token.get_secret_value()}
        )
        try:
            answer = _read(status, body)
        except Busy as busy:
            if busy.code != "OPERATION_TIME_LIMIT":
                self._buckets.close(address.member_id, BUCKET_PAUSE)
            raise
        return answer

    async def _post(self, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
        # Whatever aiohttp raises names the address, and may quote what was sent: `from None`.
        try:
            async with self._session.post(
                url, json=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                return response.status, await _body(response)
        except ClientConnectorError:
            raise Unreachable("no connection") from None
        except TimeoutError:
            raise Unanswered("time-out") from None
        except (ClientError, OSError, asyncio.IncompleteReadError):
            raise Unanswered("the connection broke") from None


async def _body(response: ClientResponse) -> bytes:
    if response.content_length is not None and response.content_length <= MAX_ANSWER:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise Unanswered("the answer is too long")
    return bytes(body)


def _read(status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered(f"no JSON, status {status}") from None
    if not isinstance(answer, dict):
        raise Unanswered(f"no envelope, status {status}")
    # Older modules leave the code empty: it is the key that tells an error.
    if "error" in answer:
        time_ = answer.get("time")
        until = time_.get("operating_reset_at") if isinstance(time_, dict) else None
        code, description = answer["error"], answer.get("error_description", "")
        raise refusal(str(code), str(description), status, until)
    if status >= 300 or "result" not in answer:
        raise Unanswered(f"no result, status {status}")
    return answer["result"]
