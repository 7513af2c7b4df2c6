"""Takes events to their handlers: in order, one at a time, and never a second time."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from sandbox import phpform
from sandbox.outbox import Delivery
from sandbox.state import State

AGENT = "Bitrix24 Webhook Engine"
_HEADERS = {"User-Agent": AGENT, "Content-Type": "application/x-www-form-urlencoded"}
_TIMEOUT = ClientTimeout(total=30)


class Courier:
    """The worker behind the outbox, and the direct way for installations."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def run(self) -> None:
        """Deliver for ever; a handler that fails or hangs loses the event, nothing else."""
        async with ClientSession(timeout=_TIMEOUT, headers=_HEADERS) as session:
            while True:
                delivery = await self._state.outbox.get()
                await self._deliver(session, delivery)

    async def post_now(self, url: str, payload: dict[str, object]) -> int:
        """Post one event past the queue and tell the handler's HTTP status."""
        async with ClientSession(timeout=_TIMEOUT, headers=_HEADERS) as session:
            return await _post(session, url, phpform.encode(payload))

    async def _deliver(self, session: ClientSession, delivery: Delivery) -> None:
        row = delivery.row
        if delivery.delay:
            await asyncio.sleep(delivery.delay)
        row["at"] = self._state.clock.now()
        self._state.pulse.beat()
        try:
            row["status"] = await _post(session, delivery.url, delivery.body)
        except (ClientError, TimeoutError, OSError, ValueError) as reason:
            row["error"] = type(reason).__name__
        self._state.pulse.beat()


async def _post(session: ClientSession, url: str, body: str) -> int:
    async with session.post(url, data=body, allow_redirects=False) as response:
        await response.read()
        return response.status


def is_http_url(text: object) -> bool:
    """Whether a handler may have this address."""
    if not isinstance(text, str) or len(text) > 2000 or any(sign <= " " for sign in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
