"""One bucket per portal for all processes: GCRA in a row of PostgreSQL, by its clock.

A process asks for the slots of all its waiting requests at once, while the previous question
is under way: the row is not asked for every request.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from cachetools import LRUCache
from sqlalchemy import Connection, text

from bot.bitrix24.plans import Bucket, Plans
from bot.store.database import Database

_NOW = "extract(epoch FROM clock_timestamp())"

_TAKE = text(
    f"""
    INSERT INTO buckets (member_id, arrival)
    VALUES (:member_id, {_NOW} + :count * :interval)
    ON CONFLICT (member_id) DO UPDATE
    SET arrival = GREATEST(buckets.arrival, {_NOW}) + :count * :interval
    RETURNING arrival - {_NOW}
    """  # noqa: S608  # a constant of this module
)
_FILL = text(
    f"""
    INSERT INTO buckets (member_id, arrival) VALUES (:member_id, {_NOW} + :full)
    ON CONFLICT (member_id) DO UPDATE SET arrival = GREATEST(buckets.arrival, {_NOW} + :full)
    """  # noqa: S608  # a constant of this module
)
_PAUSE = text(
    """
    INSERT INTO pauses (member_id, method, until) VALUES (:member_id, :method, :until)
    ON CONFLICT (member_id, method) DO UPDATE SET until = excluded.until
    """
)
_PAUSED = text(
    f"SELECT method, until - {_NOW} FROM pauses WHERE member_id = :member_id AND until > {_NOW}"  # noqa: S608  # a constant of this module
)


@dataclass
class _Queue:
    """Requests of one portal that wait for their slots."""

    waiting: list["asyncio.Future[_Slot]"] = field(default_factory=list)
    asking: bool = False


@dataclass(frozen=True, slots=True)
class _Slot:
    """When a request may go, in seconds from now; and which methods wait how long."""

    wait: float
    paused: dict[str, float]


class SharedBuckets:
    """The buckets of all portals, shared by all processes."""

    def __init__(self, database: Database, plans: Plans) -> None:
        self._database = database
        self._plans = plans
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        # When each bucket will be empty, by what this process knows (seconds of its own clock).
        self._empty_at: LRUCache[str, float] = LRUCache(maxsize=20_000)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, member_id: str, methods: Iterable[str]) -> None:
        """Wait for a slot in the portal's row, and for methods that are paused."""
        self._empty_at[member_id] = await self._after_one_more(member_id)
        queue = self._queues[member_id]
        future: asyncio.Future[_Slot] = asyncio.get_running_loop().create_future()
        queue.waiting.append(future)
        if not queue.asking:
            queue.asking = True
            task = asyncio.create_task(self._ask_on(member_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        slot = await future
        await asyncio.sleep(max([slot.wait, *(slot.paused.get(one, 0.0) for one in methods)]))

    async def has_room(self, member_id: str) -> bool:
        """Say what this process knows of the portal's row; the others may have taken more."""
        bucket = await self._plans.bucket(member_id)
        ahead = await self._after_one_more(member_id) - time.monotonic()
        return ahead <= _burst(bucket)

    async def _after_one_more(self, member_id: str) -> float:
        bucket = await self._plans.bucket(member_id)
        now = time.monotonic()
        return max(self._empty_at.get(member_id, now), now) + 1 / bucket.per_second

    async def overflown(self, member_id: str) -> None:
        """Take the bucket for full: from now on requests go one by one, in all processes."""
        full = self._plans.humble(member_id).drained_after
        self._empty_at[member_id] = time.monotonic() + full
        row = {"member_id": member_id, "full": full}
        await self._database.exchange(lambda connection: connection.execute(_FILL, row))

    async def pause(self, member_id: str, method: str, until: float) -> None:
        """Keep the method waiting in all processes."""
        row = {"member_id": member_id, "method": method, "until": until}
        await self._database.exchange(lambda connection: connection.execute(_PAUSE, row))

    async def _ask_on(self, member_id: str, queue: _Queue) -> None:
        while queue.waiting:
            asked, queue.waiting = queue.waiting, []
            try:
                bucket = await self._plans.bucket(member_id)
                ahead, paused = await self._slots(member_id, bucket, len(asked))
            except Exception as error:
                _fail(asked, error)
                continue
            behind = len(queue.waiting) / bucket.per_second
            self._empty_at[member_id] = time.monotonic() + ahead + behind
            for number, future in enumerate(asked, 1):
                at = ahead - (len(asked) - number) / bucket.per_second - _burst(bucket)
                if not future.done():
                    future.set_result(_Slot(max(0.0, at), paused))
        del self._queues[member_id]

    async def _slots(
        self, member_id: str, bucket: Bucket, count: int
    ) -> tuple[float, dict[str, float]]:
        row = {"member_id": member_id, "count": count, "interval": 1 / bucket.per_second}

        def ask(connection: Connection) -> tuple[float, dict[str, float]]:
            paused = connection.execute(_PAUSED, {"member_id": member_id}).all()
            ahead = connection.execute(_TAKE, row).scalar_one()
            return float(ahead), {method: float(wait) for method, wait in paused}

        return await self._database.exchange(ask)


def _burst(bucket: Bucket) -> float:
    return bucket.ours / bucket.per_second


def _fail(futures: list["asyncio.Future[_Slot]"], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
