"""Measuring in turns, so that what the machine is doing just now falls on everybody alike."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import machine
from benchmarks.contenders import Contender
from benchmarks.load import Slice

# A slice counts as disturbed when somebody else had so much of the services' processor.
DISTURBED = 0.10


@dataclass(frozen=True, slots=True)
class Measured:
    """One slice of one contender: its load, and the processor time it took a command."""

    slice: Slice
    parts: list[float]
    foreign: float


Round = dict[str, Measured]


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds in which everybody had a turn."""

    kept: list[Round]
    disturbed: int

    @property
    def quality(self) -> str:
        """Say how quiet it was."""
        if not self.disturbed:
            return f"{len(self.kept)} rounds, none of them disturbed by other programs."
        return (
            f"{self.disturbed} of {len(self.kept)} rounds were DISTURBED by other programs: trust "
            "the processor time more than the commands a second."
        )

    def rates(self, name: str) -> list[float]:
        """Give the commands a second of every round."""
        return [one[name].slice.rate for one in self.kept]

    def rate(self, name: str) -> float:
        """Give the median of the commands a second."""
        return statistics.median(self.rates(name))

    def microseconds(self, name: str) -> float:
        """Give the median of the processor time a command."""
        return statistics.median(sum(one[name].parts) for one in self.kept)

    def parts(self, name: str) -> list[float]:
        """Give the same for each of its processes."""
        of_rounds = zip(*(one[name].parts for one in self.kept), strict=True)
        return [statistics.median(part) for part in of_rounds]

    def ratio(self, name: str, to: str) -> float:
        """Give the median of the ratios within rounds."""
        pairs = zip(self.rates(name), self.rates(to), strict=True)
        return statistics.median(one / other for one, other in pairs if other)

    def thrift(self, name: str, to: str) -> float:
        """Give the median of the ratios by processor time: it holds on a busy machine too."""
        return statistics.median(sum(one[to].parts) / sum(one[name].parts) for one in self.kept)

    def spread(self, name: str, to: str) -> float:
        """Give how far half of the rounds' ratios lie from their median."""
        pairs = zip(self.rates(name), self.rates(to), strict=True)
        ratios = [one / other for one, other in pairs if other]
        middle = statistics.median(ratios)
        return statistics.median(abs(one - middle) for one in ratios)


async def side_by_side(
    contenders: Sequence[Contender], rounds: int, commands: int, in_flight: int
) -> Rounds:
    """Load everybody in turn, in each round in the opposite order.

    Disturbed rounds are made again, as long as that is not most of them; then they count.
    """
    kept: list[Round] = []
    disturbed: list[Round] = []
    for turn in _turns(rounds):
        order = contenders if turn % 2 else list(reversed(contenders))
        measured = {
            one.name: await _measured(one, contenders, commands, in_flight) for one in order
        }
        is_disturbed = any(one.foreign > DISTURBED for one in measured.values())
        (disturbed if is_disturbed else kept).append(measured)
        print(".", end="", flush=True)
        if len(kept) >= rounds:
            break
    print()
    missing = max(0, rounds - len(kept))
    return Rounds(kept + disturbed[:missing], len(disturbed[:missing]))


def _turns(rounds: int) -> Iterator[int]:
    return iter(range(rounds + rounds // 2 + 1))


async def _measured(
    one: Contender, all_of_them: Sequence[Contender], commands: int, in_flight: int
) -> Measured:
    began, busy, sent = time.perf_counter(), machine.busy_seconds(), len(one.ledger.sent)
    used, own = _used(all_of_them), _parts(one)
    found = await one.load.closed(commands, in_flight)
    spent, lasted = _parts(one), time.perf_counter() - began
    foreign = machine.busy_seconds() - busy - (_used(all_of_them) - used)
    done = sum(1 for moment in one.ledger.sent[sent:] if moment)
    parts = [(now - then) / done * 1e6 for now, then in zip(spent, own, strict=True)]
    return Measured(found, parts, max(0.0, foreign) / lasted)


def _parts(one: Contender) -> list[float]:
    return [machine.processor_seconds(part) for part in one.service.parts]


def _used(everybody: Sequence[Contender]) -> float:
    # A database server may serve several of them.
    return machine.processor_seconds({pid for one in everybody for pid in one.service.pids})
