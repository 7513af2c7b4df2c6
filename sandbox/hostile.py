"""Answers that are meant to harm who reads them."""

import asyncio
import zlib
from collections.abc import Iterator
from functools import cache

from aiohttp import web

HOSTILE = ("bomb", "endless", "drip")

# What the bomb comes to when it is unpacked.
BOMB = 384 * 1024 * 1024

_PIECE = 64 * 1024
_BEGINNING = b'{"result":"'
_DRIP_EVERY = 0.05


async def hostile(request: web.Request, kind: str) -> web.StreamResponse:
    """Send such an answer in the place of the right one, whatever encodings were asked for."""
    if kind == "bomb":
        body = await asyncio.to_thread(bomb)
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=body, content_type="application/json", headers=headers)
    response = web.StreamResponse()
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(_BEGINNING)
    while True:
        await response.write(b"x" * _PIECE if kind == "endless" else b"x")
        await asyncio.sleep(0 if kind == "endless" else _DRIP_EVERY)


@cache
def bomb() -> bytes:
    """Give a small answer that is a large one when it is unpacked; to make it takes seconds."""
    pack = zlib.compressobj(1, wbits=31)
    return b"".join([*(pack.compress(piece) for piece in _pieces()), pack.flush()])


def _pieces() -> Iterator[bytes]:
    yield _BEGINNING
    piece = b"x" * (1024 * 1024)
    for _ in range(BOMB // len(piece)):
        yield piece
    yield b'"}'
