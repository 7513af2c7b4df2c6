"""A portal that does not answer is left alone for a while, so that it costs nothing to others."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from bot.bitrix24.errors import NoConnection, Unanswered, Unreachable

FAILURES = 5
FIRST_REST = 1.0
LONGEST_REST = 30.0

# Seconds for an answer from which on a portal is called slow.
SLOW = 3.0

# Requests that may be under way to all portals, and to those that do not answer well. Each is a
# connection, and a process may often open no more than a thousand files.
MOST_REQUESTS = 512
OF_THE_SLOW = MOST_REQUESTS // 2


class Answering(Enum):
    """How a portal has answered lately."""

    WELL = "well"
    SLOWLY = "slowly"
    NOT_AT_ALL = "not at all"


@dataclass(slots=True)
class _Circuit:
    """How often a portal failed in a row, and until when it rests (monotonic seconds)."""

    failures: int = 0
    rest: float = FIRST_REST
    closed_until: float = 0.0


class Circuits:
    """A circuit for every portal that has failed lately; and what is under way to each."""

    def __init__(self) -> None:
        self._circuits: dict[str, _Circuit] = {}
        # When each of the requests began that are under way, the oldest first.
        self._under_way: defaultdict[str, dict[object, float]] = defaultdict(dict)
        self._all_under_way = 0
        self._slow: set[str] = set()

    @contextmanager
    def guard(self, member_id: str) -> Iterator[None]:
        """Raise ``Unreachable`` while the portal rests; learn from how the block ends.

        Raised is the same where more is under way to the portal than its share: the fuller it
        is, the less for one.
        """
        self._let_through(member_id)
        began, request = time.monotonic(), object()
        self._under_way[member_id][request] = began
        self._all_under_way += 1
        try:
            yield
        except (Unanswered, Unreachable):
            self._failed(member_id)
            raise
        else:
            self._circuits.pop(member_id, None)
        finally:
            self._all_under_way -= 1
            del self._under_way[member_id][request]
            if not self._under_way[member_id]:
                del self._under_way[member_id]
            took_long = time.monotonic() - began > SLOW
            (self._slow.add if took_long else self._slow.discard)(member_id)

    def answering(self, member_id: str) -> Answering:
        """Say how the portal answers. What has failed too often rests until it has answered."""
        circuit = self._circuits.get(member_id)
        if circuit is not None and circuit.failures >= FAILURES:
            return Answering.NOT_AT_ALL
        begun = self._under_way.get(member_id)
        oldest = next(iter(begun.values())) if begun else time.monotonic()
        is_late = time.monotonic() - oldest > SLOW
        return Answering.SLOWLY if is_late or member_id in self._slow else Answering.WELL

    def _let_through(self, member_id: str) -> None:
        circuit = self._circuits.get(member_id)
        if circuit and circuit.closed_until > time.monotonic():
            raise NoConnection("the portal has not answered lately")
        if circuit and circuit.failures >= FAILURES:
            # This call tries whether the portal is back; the others go on resting.
            circuit.closed_until = time.monotonic() + circuit.rest
        is_well = self.answering(member_id) is Answering.WELL
        most = (MOST_REQUESTS if is_well else OF_THE_SLOW) - self._all_under_way
        if len(self._under_way.get(member_id, ())) >= most:
            raise NoConnection("too much is under way to the portal")

    def _failed(self, member_id: str) -> None:
        circuit = self._circuits.setdefault(member_id, _Circuit())
        circuit.failures += 1
        if circuit.failures >= FAILURES:
            circuit.closed_until = time.monotonic() + circuit.rest
            circuit.rest = min(LONGEST_REST, circuit.rest * 2)
