"""A portal that does not answer is left alone for a while, so that it costs nothing to others."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.bitrix24.errors import NoConnection, Unanswered, Unreachable

FAILURES = 5
FIRST_REST = 1.0
LONGEST_REST = 30.0


@dataclass(slots=True)
class _Circuit:
    """How often a portal failed in a row, and until when it rests (monotonic seconds)."""

    failures: int = 0
    rest: float = FIRST_REST
    closed_until: float = 0.0


class Circuits:
    """A circuit for every portal that has failed lately."""

    def __init__(self) -> None:
        self._circuits: dict[str, _Circuit] = {}

    @contextmanager
    def guard(self, member_id: str) -> Iterator[None]:
        """Raise ``Unreachable`` while the portal rests; learn from how the block ends."""
        circuit = self._circuits.get(member_id)
        if circuit and circuit.closed_until > time.monotonic():
            raise NoConnection("the portal has not answered lately")
        if circuit and circuit.failures >= FAILURES:
            # This call tries whether the portal is back; the others go on resting.
            circuit.closed_until = time.monotonic() + circuit.rest
        try:
            yield
        except (Unanswered, Unreachable):
            self._failed(member_id)
            raise
        else:
            self._circuits.pop(member_id, None)

    def rests(self, member_id: str) -> bool:
        """Say whether the portal has failed too often and has not answered since."""
        circuit = self._circuits.get(member_id)
        return circuit is not None and circuit.failures >= FAILURES

    def _failed(self, member_id: str) -> None:
        circuit = self._circuits.setdefault(member_id, _Circuit())
        circuit.failures += 1
        if circuit.failures >= FAILURES:
            circuit.closed_until = time.monotonic() + circuit.rest
            circuit.rest = min(LONGEST_REST, circuit.rest * 2)
