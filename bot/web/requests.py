"""Reading what others post: so much, so fast, and so many at once."""

import asyncio
from typing import Any

from aiohttp import web

from bot.bitrix24 import form
from bot.web.callers import Callers

MAX_BODY = 1024 * 1024

# Bodies that are still arriving, taken together, and the seconds that one may take.
MAX_ARRIVING = 32 * MAX_BODY
BODY_PATIENCE = 10.0

# Events are smaller; whoever has no credit is not read more.
LARGE = 64 * 1024


class Forms:
    """Reads forms and JSON objects within bounds."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._arriving = 0

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Read what was posted.

        Raises ``MalformedForm``; of ``HTTPException`` those of 408, 413, 429 and 503.
        """
        body = b""
        try:
            body = await self._body(request)
            if not body:
                raise form.MalformedForm("the body is empty")
            if len(body) > LARGE:
                self._callers.admit(request)
            return form.decode(body, request.content_type)
        except form.MalformedForm:
            self._callers.charge(request, 1 + len(body) / LARGE)
            raise

    async def _body(self, request: web.Request) -> bytes:
        if request.content.is_eof():
            return await _whole(request)
        size = request.content_length
        size = MAX_BODY if size is None else size
        if size > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, size)
        if size > LARGE:
            self._callers.admit(request)
        if self._arriving + size > MAX_ARRIVING:
            raise web.HTTPServiceUnavailable(text="busy\n", headers={"Retry-After": "5"})
        self._arriving += size
        try:
            async with asyncio.timeout(BODY_PATIENCE):
                return await _whole(request)
        except TimeoutError:
            self._callers.charge(request)
            slow = web.HTTPRequestTimeout(text="the body did not arrive in time\n")
            slow.force_close()
            raise slow from None
        finally:
            self._arriving -= size


async def _whole(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.RequestPayloadError:
        raise form.MalformedForm("the body is not what its headers say") from None
