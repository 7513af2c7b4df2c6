"""Reading what others post: so much, so fast, and so many at once."""

import asyncio
from typing import Any

from aiohttp import web
from aiolimiter import AsyncLimiter

from bot.bitrix24 import form
from bot.bitrix24.bodies import SMALL, Arriving, NoRoom, TooLarge
from bot.bitrix24.shares import Shares
from bot.web.callers import Callers
from bot.web.listener import most_connections

MAX_BODY = 1024 * 1024

# What has arrived of large bodies whose end has not, all together; the seconds one may take.
MAX_ARRIVING = 32 * MAX_BODY
BODY_PATIENCE = 10.0

# Events are small, but for the longest messages. A large body costs as much as twenty of them:
# so many are read a second, and so many may wait for their turn.
LARGE_A_SECOND = 5
MOST_LARGE = 40


class Forms:
    """Reads forms and JSON objects within bounds."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._arriving = Arriving(MAX_ARRIVING)
        # The other connections are for those whose bodies come at once.
        self._unfinished = Shares(most_connections() * 2 // 3)
        self._large = Shares(MOST_LARGE)
        self._pace = AsyncLimiter(1, 1 / LARGE_A_SECOND)

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Read what was posted.

        Raises ``MalformedForm``; of ``HTTPException`` those of 408, 413, 429 and 503.
        """
        body = b""
        try:
            body = await self._body(request)
            if not body:
                raise form.MalformedForm("the body is empty")
            if len(body) > SMALL and request.content_length is None:
                await self._turn(request)
            return form.decode(body, request.content_type)
        except form.MalformedForm:
            self._callers.charge(request, 1 + len(body) / SMALL)
            raise

    async def _body(self, request: web.Request) -> bytes:
        size, sender = request.content_length or 0, self._callers.group(request)
        if size > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, size)
        if size > SMALL:
            await self._turn(request)
        if request.content.is_eof():
            return await self._whole(request, sender)
        if not self._unfinished.take(sender, 1):
            raise _closing(_busy())
        try:
            async with asyncio.timeout(BODY_PATIENCE):
                return await self._whole(request, sender)
        except TimeoutError:
            self._callers.charge(request)
            slow = web.HTTPRequestTimeout(text="the body did not arrive in time\n")
            raise _closing(slow) from None
        finally:
            self._unfinished.give_back(sender, 1)

    async def _turn(self, request: web.Request) -> None:
        """Wait until one more large body may be read; until then hardly any of it arrives."""
        self._callers.admit(request)
        sender = self._callers.group(request)
        if not self._large.take(sender, 1):
            raise _closing(_busy())
        try:
            await self._pace.acquire()
        finally:
            self._large.give_back(sender, 1)

    async def _whole(self, request: web.Request, sender: str) -> bytes:
        try:
            return await self._arriving.read(request.content.iter_any(), sender, MAX_BODY)
        except TooLarge:
            raise _closing(web.HTTPRequestEntityTooLarge(MAX_BODY, MAX_BODY + 1)) from None
        except NoRoom:
            raise _closing(_busy()) from None
        except web.RequestPayloadError:
            raise form.MalformedForm("the body is not what its headers say") from None


def _busy() -> web.HTTPException:
    return web.HTTPServiceUnavailable(text="busy\n", headers={"Retry-After": "5"})


def _closing(answer: web.HTTPException) -> web.HTTPException:
    """Have the connection closed after the answer: what else comes is not waited for."""
    answer.force_close()
    return answer
