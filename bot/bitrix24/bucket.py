"""The pace a portal allows: one leaky bucket each."""

import asyncio
import time

from aiolimiter import AsyncLimiter
from cachetools import LRUCache

# Page limits.md: 50 requests at once, draining by 2 a second, on all plans but the largest.
# The portal counts when a request arrives, we when it leaves: stay a little below.
CAPACITY = 48
PER_SECOND = 2.0


class Buckets:
    """A bucket for every portal, in this process."""

    def __init__(self, capacity: int = CAPACITY, per_second: float = PER_SECOND) -> None:
        self._rate = (capacity, capacity / per_second)
        self._limiters: LRUCache[str, AsyncLimiter] = LRUCache(maxsize=20_000)
        self._closed_until: dict[str, float] = {}

    async def take(self, member_id: str) -> None:
        """Wait until the portal may be sent one more request."""
        if (wait := self._closed_until.get(member_id, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        limiter = self._limiters.get(member_id)
        if limiter is None:
            limiter = self._limiters[member_id] = AsyncLimiter(*self._rate)
        await limiter.acquire()

    def close(self, member_id: str, seconds: float) -> None:
        """Send the portal nothing for so long: it has said that its bucket is full."""
        until = time.monotonic() + seconds
        self._closed_until[member_id] = max(until, self._closed_until.get(member_id, 0.0))
