"""One bucket per portal for all processes: GCRA in a row of PostgreSQL, by its clock.

A process asks for the slots of all its waiting requests, of all portals, at once: the rows are
not asked for every request.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache
from sqlalchemy import Connection, text

from bot.bitrix24.plans import Bucket, Plans
from bot.store.database import Database
from bot.store.together import Together

# The same all through a statement.
_NOW = "extract(epoch FROM statement_timestamp())::float8"

# All processes lock the rows in one order. What a power cut may cost here is a moment's pace, so
# nobody waits for the disk.
_TAKE = text(
    f"""
    WITH taken AS (
        INSERT INTO buckets (member_id, arrival)
        SELECT member_id, {_NOW} + more
        FROM unnest(CAST(:portals AS text[]), CAST(:seconds AS float8[])) AS _ (member_id, more),
             set_config('synchronous_commit', 'off', true)
        ORDER BY member_id
        ON CONFLICT (member_id) DO UPDATE
        SET arrival = excluded.arrival + GREATEST(buckets.arrival - {_NOW}, 0)
        RETURNING member_id, arrival
    )
    SELECT member_id, arrival - {_NOW}, (
        SELECT jsonb_object_agg(method, until - {_NOW}) FROM pauses
        WHERE pauses.member_id = taken.member_id AND until > {_NOW}
    ) FROM taken
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
        self._slots: Together[str, _Slot] = Together(self._take)
        # When each bucket will be empty, by what this process knows (seconds of its own clock).
        self._empty_at: LRUCache[str, float] = LRUCache(maxsize=20_000)

    async def take(self, member_id: str, methods: Iterable[str]) -> None:
        """Wait for a slot in the portal's row, and for methods that are paused."""
        self._empty_at[member_id] = await self._after_one_more(member_id)
        slot = await self._slots.ask(member_id)
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

    async def _take(self, requests: Sequence[str]) -> list[_Slot]:
        """Take a slot for each of these requests, which are told by their portals."""
        counts = Counter(requests)
        buckets = {member_id: await self._plans.bucket(member_id) for member_id in counts}
        more = {one: count / buckets[one].per_second for one, count in counts.items()}
        rows = await self._database.ask(lambda connection: _taken(connection, more))
        slots: list[_Slot] = []
        for member_id in requests:
            counts[member_id] -= 1
            ahead, paused = rows[member_id]
            bucket = buckets[member_id]
            at = ahead - counts[member_id] / bucket.per_second - _burst(bucket)
            slots.append(_Slot(max(0.0, at), paused))
            self._empty_at[member_id] = time.monotonic() + ahead
        return slots


def _taken(
    connection: Connection, more: Mapping[str, float]
) -> dict[str, tuple[float, dict[str, float]]]:
    """Fill these buckets by so many seconds; give how full each is then, and its pauses."""
    row = {"portals": list(more), "seconds": list(more.values())}
    return {one[0]: (one[1], one[2] or {}) for one in connection.execute(_TAKE, row)}


def _burst(bucket: Bucket) -> float:
    return bucket.ours / bucket.per_second
