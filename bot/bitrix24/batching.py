"""Calls of one token that wait for the portal's pace leave together, in one batch.

Where the portal's bucket is full, a call waits for its place. Until that comes, others like it
join: they ride along, earlier than they could have gone alone. Nobody waits for company, and where
the bucket has room every call goes alone, for the portal runs the calls of a batch one after the
other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pydantic import SecretStr

from bot.bitrix24 import batch
from bot.bitrix24.bucket import Buckets
from bot.bitrix24.calls import Address, Call
from bot.bitrix24.errors import Unanswered, Unreachable

Send = Callable[[Address, SecretStr, Call], Awaitable[Any]]
_Key = tuple[str, str, int | None, frozenset[str]]


@dataclass(slots=True)
class _Request:
    """A request that waits: the call that made it, and those that have joined."""

    calls: list[Call]
    size: int
    answers: list["asyncio.Future[Any]"] = field(default_factory=list)

    def takes(self, call: Call) -> bool:
        """Say whether one more call fits in, and none would be read as a part of another."""
        fits = self.size + len(call.methods) <= batch.MAX_CALLS
        return fits and not batch.refers(call) and not batch.refers(self.calls[0])

    def join(self, call: Call) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.calls.append(call)
        self.size += len(call.methods)
        self.answers.append(answer)
        return answer

    def fail(self, error: Exception) -> None:
        self.tell([error] * len(self.answers))

    def tell(self, results: Sequence[Any]) -> None:
        for answer, result in zip(self.answers, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)


class Batching:
    """Lets calls go at the portal's pace, those with the same token and methods together."""

    def __init__(self, pace: Buckets, send: Send, waited: Callable[[float], None]) -> None:
        self._pace = pace
        self._send = send
        self._waited = waited
        self._waiting: dict[_Key, _Request] = {}

    async def call(self, address: Address, token: SecretStr, call: Call) -> Any:
        """Make a call, alone or with others. Raises what ``send`` raises, and ``Refused``."""
        if not self._waiting and await self._pace.take_now(address.member_id, call):
            self._waited(0.0)
            return await self._send(address, token, call)
        # Methods may be told to rest: a call is to wait for the rest of its own alone.
        methods = frozenset(call.methods)
        key = (address.member_id, token.get_secret_value(), call.line, methods)
        request = self._waiting.get(key)
        if request is not None and not call.alone and request.takes(call):
            return await request.join(call)
        request = _Request([call], len(call.methods))
        if not call.alone and not await self._pace.has_room(address.member_id):
            self._waiting[key] = request
        began = perf_counter()
        try:
            await self._pace.take(address.member_id, call)
            self._waited(perf_counter() - began)
        except BaseException:
            # Nothing has left: the others may try for themselves.
            request.fail(Unreachable("the request was given up"))
            raise
        finally:
            if self._waiting.get(key) is request:
                del self._waiting[key]
        if not request.answers:
            return await self._send(address, token, call)
        return await self._send_together(address, token, request)

    async def _send_together(self, address: Address, token: SecretStr, request: _Request) -> Any:
        try:
            result = await self._send(address, token, batch.merge(request.calls))
            own, *others = batch.split(result, request.calls)
        except Exception as error:
            request.fail(error)
            raise
        except BaseException:
            request.fail(Unanswered("the request was given up"))
            raise
        request.tell(others)
        if isinstance(own, Exception):
            raise own
        return own
