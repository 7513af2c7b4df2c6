"""HTTP at both ends of the load: a server for the portal, and connections that carry events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import httptools

Answering = Callable[[str, bytes], tuple[int, bytes]]


class Server(asyncio.Protocol):
    """One connection that asks the portal."""

    def __init__(self, answering: Answering, delay: Callable[[], float]) -> None:
        self._answering = answering
        self._delay = delay
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._body = b"", []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status, answer = self._answering(self._url.decode(), b"".join(self._body))
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json; charset=utf-8\r\n" % status
        response = head + b"Content-Length: %d\r\n\r\n" % len(answer) + answer
        if delay := self._delay():
            asyncio.get_running_loop().call_later(delay, self._send, response)
        else:
            self._send(response)

    def _send(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


@asynccontextmanager
async def listening(answering: Answering, delay: Callable[[], float] = float) -> AsyncIterator[str]:
    """Serve the portal on a free port of loopback, and give its address.

    ``delay`` says how many seconds an answer takes just now.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(answering, delay), "127.0.0.1", 0, backlog=1024
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class Connection(asyncio.Protocol):
    """A connection to a bot that is kept alive, with one event in flight at a time."""

    def __init__(self, on_status: "Callable[[Connection, int], None]") -> None:
        self._on_status = on_status
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self.number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.number >= 0:
            self._on_status(self, 0)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._on_status(self, self._parser.get_status_code())

    def send(self, number: int, request: bytes) -> None:
        """Send the event of a command."""
        self.number = number
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        self.number = -1
        self._transport.close()


async def connect(host: str, port: int, on_status: Callable[[Connection, int], None]) -> Connection:
    """Open a connection to a bot."""
    loop = asyncio.get_running_loop()
    _transport, connection = await loop.create_connection(lambda: Connection(on_status), host, port)
    return connection


def post(url_path: str, host: str, content_type: str, body: bytes, *headers: str) -> bytes:
    """Write a POST request."""
    lines = [
        f"POST {url_path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Bitrix24 Webhook Engine",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
