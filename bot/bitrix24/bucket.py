"""The pace a portal allows: one leaky bucket each. Page: limits.md."""

import asyncio
import math
import time
from collections.abc import Iterable

from aiolimiter import AsyncLimiter
from cachetools import LRUCache

from bot.bitrix24.plans import Bucket, Plans


class Buckets:
    """Lets requests to portals go when they take them: a bucket for each."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._limiters: LRUCache[str, tuple[Bucket, AsyncLimiter]] = LRUCache(maxsize=20_000)
        self._slow_until: dict[str, float] = {}
        self._paused: dict[tuple[str, str], float] = {}

    async def take_now(self, member_id: str) -> bool:
        """Take a place for a request if there is one, and no method is paused."""
        limiter = await self._limiter(member_id)
        if self._paused or not limiter.has_capacity():
            return False
        await limiter.acquire()
        return True

    async def take(self, member_id: str, methods: Iterable[str]) -> None:
        """Wait for the bucket, and for methods that are paused."""
        limiter = await self._limiter(member_id)
        await limiter.acquire()
        if self._paused:
            until = max((self._paused.get((member_id, one), 0.0) for one in methods), default=0.0)
            await asyncio.sleep(max(0.0, until - time.time()))

    async def has_room(self, member_id: str) -> bool:
        """Say whether a request could go at once, so that what may be left out is."""
        return (await self._limiter(member_id)).has_capacity()

    async def overflown(self, member_id: str) -> None:
        """Go on one by one until the portal's bucket has drained."""
        bucket = self._plans.humble(member_id)
        self._slow_until[member_id] = time.monotonic() + bucket.drained_after
        limiter = AsyncLimiter(1, 1 / bucket.per_second)
        await limiter.acquire()
        self._limiters[member_id] = bucket, limiter

    async def inherit(self, member_id: str, since: float) -> None:
        """Count what another process may have sent until so many seconds ago."""
        bucket = await self._plans.bucket(member_id)
        limiter = AsyncLimiter(bucket.ours, bucket.ours / bucket.per_second)
        left = bucket.ours - since * bucket.per_second
        if left > 0:
            await limiter.acquire(left)
        self._limiters[member_id] = bucket, limiter

    async def pause(self, member_id: str, method: str, until: float) -> None:
        """Keep the method waiting in this process."""
        now = time.time()
        self._paused = {key: end for key, end in self._paused.items() if end > now}
        self._paused[member_id, method] = until

    async def _limiter(self, member_id: str) -> AsyncLimiter:
        bucket = await self._plans.bucket(member_id)
        if self._slow_until.get(member_id, math.inf) < time.monotonic():
            del self._slow_until[member_id]
            self._limiters.pop(member_id, None)
        known, limiter = self._limiters.get(member_id, (None, None))
        if limiter is None or known != bucket:
            limiter = AsyncLimiter(bucket.ours, bucket.ours / bucket.per_second)
            self._limiters[member_id] = bucket, limiter
        return limiter
