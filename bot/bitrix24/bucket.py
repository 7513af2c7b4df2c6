"""The pace a portal allows: one leaky bucket each. Page: limits.md."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aiolimiter import AsyncLimiter
from cachetools import LRUCache

# The portal counts when a request arrives, we when it leaves: stay a little below.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Bucket:
    """What fits in at once, and how many requests drain in a second."""

    capacity: float = 50
    per_second: float = 2.0

    @property
    def ours(self) -> float:
        """What we put in at once."""
        return max(1.0, self.capacity - MARGIN)


class Pace(Protocol):
    """Lets requests to a portal go when the portal takes them."""

    async def take(self, member_id: str, methods: Iterable[str]) -> None:
        """Wait until the portal may be sent one more request with these methods."""

    async def has_room(self, member_id: str) -> bool:
        """Say whether a request could go at once, so that what may be left out is."""

    async def overflown(self, member_id: str) -> None:
        """Slow down: the portal has said that its bucket is full."""

    async def pause(self, member_id: str, method: str, until: float) -> None:
        """Leave a method alone until then (unix seconds): its running time is used up."""


class Buckets:
    """A bucket for every portal, where one process makes all the calls."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._limiters: LRUCache[str, AsyncLimiter] = LRUCache(maxsize=20_000)
        self._slow_until: dict[str, float] = {}
        self._paused: dict[tuple[str, str], float] = {}

    async def take(self, member_id: str, methods: Iterable[str]) -> None:
        """Wait for the bucket, and for methods that are paused."""
        await self._limiter(member_id).acquire()
        if self._paused:
            until = max((self._paused.get((member_id, one), 0.0) for one in methods), default=0.0)
            await asyncio.sleep(max(0.0, until - time.time()))

    async def has_room(self, member_id: str) -> bool:
        """Look into the portal's bucket."""
        return self._limiter(member_id).has_capacity()

    async def overflown(self, member_id: str) -> None:
        """Go on one by one until the portal's bucket has drained."""
        drained = self._bucket.capacity / self._bucket.per_second
        self._slow_until[member_id] = time.monotonic() + drained
        self._limiters[member_id] = AsyncLimiter(1, 1 / self._bucket.per_second)

    async def pause(self, member_id: str, method: str, until: float) -> None:
        """Keep the method waiting in this process."""
        now = time.time()
        self._paused = {key: end for key, end in self._paused.items() if end > now}
        self._paused[member_id, method] = until

    def _limiter(self, member_id: str) -> AsyncLimiter:
        if member_id in self._slow_until and self._slow_until[member_id] < time.monotonic():
            del self._slow_until[member_id]
            self._limiters.pop(member_id, None)
        limiter = self._limiters.get(member_id)
        if limiter is None:
            ours = self._bucket.ours
            limiter = AsyncLimiter(ours, ours / self._bucket.per_second)
            self._limiters[member_id] = limiter
        return limiter
