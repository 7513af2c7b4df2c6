"""Reading what others post, within bounds."""

from typing import Any

from aiohttp import web

from bot.bitrix24 import form

MAX_BODY = 1024 * 1024


async def read_form(request: web.Request) -> dict[str, Any]:
    """Read a form or a JSON object. Raises ``MalformedForm``; aiohttp answers 413 over 1 MiB."""
    body = await request.read()
    if not body:
        raise form.MalformedForm("the body is empty")
    return form.decode(body, request.content_type)
