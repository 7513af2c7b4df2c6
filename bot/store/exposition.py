"""The figures as Prometheus reads them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from bot.figures import Figures, Sample


@dataclass(frozen=True, slots=True)
class Gauges:
    """What the database knows of now, whichever process is asked.

    ``ready`` commands wait for their turn, ``person`` ones for their requester's permission;
    ``oldest`` is how many seconds the first of the ready ones has waited.
    """

    ready: int
    person: int
    oldest: float
    portals: int


def exposition(figures: Figures, totals: Mapping[Sample, float], gauges: Gauges) -> bytes:
    """Write what all processes have counted, and how things stand."""
    shown = {**dict.fromkeys(figures.samples(), 0.0), **totals}
    families = [_filled(family, shown) for family in figures.families()]
    return generate_latest(_Collected([*families, *_measured(gauges)]))


class _Collected:
    """Families as a registry would give them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _filled(family: Metric, totals: Mapping[Sample, float]) -> Metric:
    """Give a family the totals that are its own, buckets in their order."""
    own = Metric(family.name, family.documentation, family.type)
    names = {f"{family.name}_{part}" for part in ("total", "bucket", "count", "sum")}
    for name, labels in sorted((one for one in totals if one[0] in names), key=_order):
        own.add_sample(name, dict(labels), totals[name, labels])
    return own


def _order(sample: Sample) -> tuple[str, list[tuple[str, str]], float]:
    name, labels = sample
    bound = next((float(value) for key, value in labels if key == "le"), 0.0)
    return name, [pair for pair in labels if pair[0] != "le"], bound


def _measured(gauges: Gauges) -> list[Metric]:
    waiting = GaugeMetricFamily(
        "switchboard_waiting_commands",
        "Commands not answered yet: ready to run, or waiting for a person.",
        labels=["state"],
    )
    waiting.add_metric(["ready"], gauges.ready)
    waiting.add_metric(["person"], gauges.person)
    oldest = GaugeMetricFamily(
        "switchboard_oldest_waiting_seconds", "How long the first of the ready commands waits.",
        value=gauges.oldest,
    )  # fmt: skip
    portals = GaugeMetricFamily(
        "switchboard_portals", "Portals that the bot serves.", value=gauges.portals
    )
    return [waiting, oldest, portals]
