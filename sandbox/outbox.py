"""The portal's queue of events on their way out."""

import asyncio
from dataclasses import dataclass


@dataclass
class Delivery:
    """One POST to be made: form fields, already encoded, and where they go."""

    event: str
    url: str
    body: str
    delay: float
    row: dict[str, object]  # its entry in the journal


class Outbox:
    """First in, first out; nothing in it is ever sent a second time."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()

    def put(self, delivery: Delivery) -> None:
        self._queue.put_nowait(delivery)

    async def get(self) -> Delivery:
        return await self._queue.get()

    def clear(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
