"""The pace a portal allows: one leaky bucket each, as large as its plan has it. Page: limits.md."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from weakref import WeakValueDictionary

from aiolimiter import AsyncLimiter
from cachetools import LRUCache, TTLCache

from bot.bitrix24.calls import Call

# The portal counts when a request arrives, we when it leaves: stay a little below.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Quota:
    """Which parts of a bucket a process may use."""

    at_once: float
    per_second: float


WHOLE = Quota(1.0, 1.0)

# Where several processes share the database: what carries commands out, and what only serves
# pages. To install the bot takes a dozen requests, seldom.
OWNERS = Quota(0.6, 0.9)
PAGES = Quota(0.4, 0.1)

# So many requests of one line wait for the bucket at once: what others ask for meanwhile comes
# soon, and the answers to a line of commands still find each other and go out together.
ABREAST = 4

# How long a portal that refuses at a larger plan's pace is kept to the usual one.
USUAL_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """What fits in at once, and how many requests drain in a second."""

    capacity: float = 50
    per_second: float = 2.0

    @property
    def ours(self) -> float:
        """What we put in at once."""
        return max(1.0, self.capacity - MARGIN)

    def part(self, quota: Quota) -> "Bucket":
        """Give what a process is left of it."""
        return Bucket(self.capacity * quota.at_once, self.per_second * quota.per_second)

    @property
    def drained_after(self) -> float:
        """Seconds until a full one is empty."""
        return self.capacity / self.per_second


ENTERPRISE = Bucket(250, 5.0)


class Plans:
    """The bucket of each portal: as its administrator says, unless the portal shows otherwise.

    A process that has a ``quota`` of it leaves the rest to others.
    """

    def __init__(
        self,
        usual: Bucket,
        is_enterprise: Callable[[str], Awaitable[bool]],
        quota: Quota = WHOLE,
    ) -> None:
        self._is_largest = usual.per_second >= ENTERPRISE.per_second
        self._usual = usual.part(quota)
        self._enterprise = ENTERPRISE.part(quota)
        self._is_enterprise = is_enterprise
        self._refused: TTLCache[str, bool] = TTLCache(maxsize=20_000, ttl=USUAL_FOR)

    async def bucket(self, member_id: str) -> Bucket:
        """Give the portal's bucket. Raises ``StoreUnavailable``."""
        if self._is_largest or member_id in self._refused:
            return self._usual
        return self._enterprise if await self._is_enterprise(member_id) else self._usual

    def keep_to_usual(self, member_id: str) -> Bucket:
        """Keep a portal that has refused to the usual bucket for a while, and give that."""
        self._refused[member_id] = True
        return self._usual


class Buckets:
    """Holds each request back until the bucket of its portal has room for it."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._limiters: LRUCache[str, tuple[Bucket, AsyncLimiter]] = LRUCache(maxsize=20_000)
        self._slow_until: dict[str, float] = {}
        self._paused: dict[tuple[str, str], float] = {}
        self._lines: WeakValueDictionary[tuple[str, int], asyncio.Semaphore] = WeakValueDictionary()

    async def take_now(self, member_id: str, call: Call) -> bool:
        """Take a place for a request if there is one, and none of its methods is paused."""
        limiter = await self._limiter(member_id)
        if not limiter.has_capacity() or self._pause_left(member_id, call):
            return False
        await limiter.acquire()
        return True

    async def take(self, member_id: str, call: Call) -> None:
        """Wait for the bucket, and for methods that are paused."""
        async with self._turn(member_id, call.line):
            limiter = await self._limiter(member_id)
            await limiter.acquire()
        if pause := self._pause_left(member_id, call):
            await asyncio.sleep(pause)

    async def has_room(self, member_id: str) -> bool:
        """Say whether a request could go at once, so that what may be left out is."""
        return (await self._limiter(member_id)).has_capacity()

    async def overflown(self, member_id: str) -> None:
        """Go on one by one until the portal's bucket has drained."""
        bucket = self._plans.keep_to_usual(member_id)
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

    def _pause_left(self, member_id: str, call: Call) -> float:
        """Say for how many seconds one of its methods is paused yet."""
        if not self._paused:
            return 0.0
        until = max((self._paused.get((member_id, one), 0.0) for one in call.methods), default=0.0)
        return max(0.0, until - time.time())

    def _turn(self, member_id: str, line: int | None) -> AbstractAsyncContextManager[None]:
        if line is None:
            return nullcontext()
        return self._lines.setdefault((member_id, line), asyncio.Semaphore(ABREAST))

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
