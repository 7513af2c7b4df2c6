"""The figures of all processes: each adds what it has counted since it last did.

So any process that is asked answers for all of them, be they behind a router that picks one, or
without an address of their own; and what a process has counted outlives it.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.sql import func

from bot.figures import Figures, Sample, Seconds, Tally
from bot.store.database import Database
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
        return exposition(self._own, *await self._database.read(_seen))


def exposition(
    figures: Figures,
    totals: Mapping[Sample, float],
    waiting: Mapping[bool, Row[Any]],
    served: int,
) -> bytes:
    """Write what all processes have counted, and how things stand, as Prometheus reads it.

    ``waiting`` are the commands not answered yet: whether they are parked, how many, since when.
    ``served`` portals there are.
    """
    shown = {**dict.fromkeys(figures.samples(), 0.0), **totals}
    families = [_family(one, shown) for one in figures.all]
    return generate_latest(_Collected([*families, *_measured(waiting, served)]))


class _Collected:
    """Families as a registry would give them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _family(one: Tally | Seconds, totals: Mapping[Sample, float]) -> Metric:
    """Give the totals of one figure as Prometheus takes them, buckets in their order."""
    family = Metric(one.name, one.words, one.type)
    names = {f"{one.name}_{part}" for part in ("total", "bucket", "count", "sum")}
    for name, labels in sorted((sample for sample in totals if sample[0] in names), key=_order):
        family.add_sample(name, dict(labels), totals[name, labels])
    return family


def _order(sample: Sample) -> tuple[str, list[tuple[str, str]], float]:
    name, labels = sample
    bound = next((float(value) for key, value in labels if key == "le"), 0.0)
    return name, [pair for pair in labels if pair[0] != "le"], bound


def _seen(connection: Connection) -> tuple[dict[Sample, float], dict[bool, Row[Any]], int]:
    totals = {_read(row.sample): row.value for row in connection.execute(select(figures))}
    waiting = {bool(row.parked): row for row in connection.execute(_WAITING)}
    served = connection.execute(select(func.count()).select_from(portals)).scalar_one()
    return totals, waiting, served


def _measured(found: Mapping[bool, Row[Any]], served: int) -> list[Metric]:
    ready, person = found.get(False), found.get(True)
    waiting = GaugeMetricFamily(
        "switchboard_waiting_commands",
        "Commands not answered yet: ready to run, or waiting for a person.",
        labels=["state"],
    )
    waiting.add_metric(["ready"], ready.number if ready else 0)
    waiting.add_metric(["person"], person.number if person else 0)
    oldest = GaugeMetricFamily(
        "switchboard_oldest_waiting_seconds",
        "How long the first of the ready commands waits.",
        value=max(0.0, time.time() - ready.since) if ready else 0.0,
    )
    portal_count = GaugeMetricFamily(
        "switchboard_portals", "Portals that the bot serves.", value=served
    )
    return [waiting, oldest, portal_count]


def _written(sample: Sample) -> str:
    return json.dumps(sample, separators=(",", ":"))


def _read(written: str) -> Sample:
    name, labels = json.loads(written)
    return name, tuple((key, value) for key, value in labels)
