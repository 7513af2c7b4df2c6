"""The figures of all processes: each adds what it has counted since it last did.

So any process that is asked answers for all of them, be they behind a router that picks one, or
without an address of their own; and what a process has counted outlives it.
"""

import asyncio
import json
import time

from sqlalchemy import Connection, select, text
from sqlalchemy.sql import func

from bot.figures import Figures, Sample
from bot.store.database import Database
from bot.store.exposition import Gauges, exposition
from bot.store.tables import figures, portals

_WAITING = text(
    """
    SELECT parked_until IS NOT NULL AS parked, count(*) AS number,
           min(coalesce(resumed_at, received_at)) AS since
    FROM inbox WHERE done_at IS NULL GROUP BY 1
    """
)


class SharedFigures:
    """The table of figures."""

    def __init__(self, database: Database, own: Figures) -> None:
        self._database = database
        self._own = own
        self._told: dict[Sample, float] = {}
        self._telling = asyncio.Lock()
        insert = database.insert(figures)
        self._add = insert.on_conflict_do_update(
            index_elements=["sample"],
            set_={"value": figures.c.value + insert.excluded.value},
        )

    async def tell(self) -> None:
        """Add what this process has counted since it last did. Raises ``StoreUnavailable``."""
        async with self._telling:
            counted = self._own.samples()
            rows = [
                {"sample": _written(sample), "value": value - self._told.get(sample, 0.0)}
                for sample, value in counted.items()
                if value != self._told.get(sample, 0.0)
            ]
            if rows:
                # In one order everywhere: processes that add at once do not wait in a circle.
                rows.sort(key=lambda row: str(row["sample"]))
                await self._database.exchange(lambda c: c.execute(self._add, rows))
            self._told = counted

    async def exposition(self) -> bytes:
        """Write the figures of all processes. Raises ``StoreUnavailable``."""
        await self.tell()
        totals, gauges = await self._database.read(_seen)
        return exposition(self._own, totals, gauges)


def _seen(connection: Connection) -> tuple[dict[Sample, float], Gauges]:
    totals = {_read(row.sample): row.value for row in connection.execute(select(figures))}
    waiting = {bool(row.parked): row for row in connection.execute(_WAITING)}
    ready, person = waiting.get(False), waiting.get(True)
    gauges = Gauges(
        ready=ready.number if ready else 0,
        person=person.number if person else 0,
        oldest=max(0.0, time.time() - ready.since) if ready else 0.0,
        portals=connection.execute(select(func.count()).select_from(portals)).scalar_one(),
    )
    return totals, gauges


def _written(sample: Sample) -> str:
    return json.dumps(sample, separators=(",", ":"))


def _read(written: str) -> Sample:
    name, labels = json.loads(written)
    return name, tuple((key, value) for key, value in labels)
