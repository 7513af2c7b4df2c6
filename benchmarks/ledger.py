"""What became of every command: each has to be done once and answered once."""

import time
from array import array
from collections import Counter
from collections.abc import Callable

FAILED = "webhook answered %d"


class Ledger:
    """Keeps the times of commands by their numbers, and counts what went wrong."""

    def __init__(self) -> None:
        self.sent, self.acked = array("d"), array("d")
        self.replied = array("d")
        self._acts, self._replies = array("B"), array("B")
        self.wrong: Counter[str] = Counter()
        self.on_end: Callable[[int], None] = lambda number: None

    def reserve(self, count: int) -> range:
        """Give numbers to so many commands."""
        first = len(self.sent)
        for times in (self.sent, self.acked, self.replied):
            times.extend([0.0] * count)
        for counts in (self._acts, self._replies):
            counts.extend([0] * count)
        return range(first, first + count)

    def send(self, number: int) -> None:
        """Note that the event leaves."""
        self.sent[number] = time.perf_counter()

    def ack(self, number: int, status: int) -> None:
        """Note the answer to the event."""
        self.acked[number] = time.perf_counter()
        if status != 200:
            self.wrong[FAILED % status] += 1
        self._end(number)

    def act(self, number: int) -> None:
        """Note that the portal was asked to do it."""
        self._acts[number] += 1
        if self._acts[number] > 1:
            self.wrong["done twice"] += 1

    def reply(self, number: int) -> None:
        """Note that it was answered in the chat."""
        self._replies[number] += 1
        if self._replies[number] > 1:
            self.wrong["answered twice"] += 1
            return
        if not self._acts[number]:
            self.wrong["answered before it was done"] += 1
        self.replied[number] = time.perf_counter()
        self._end(number)

    def is_over(self, number: int) -> bool:
        """Say whether nothing more is to come of a command."""
        return bool(self.acked[number] and self.replied[number])

    def is_known(self, number: int) -> bool:
        """Say whether such a command was sent."""
        return 0 <= number < len(self.sent) and bool(self.sent[number])

    def check(self, numbers: range) -> None:
        """Count what was lost of the commands that were sent."""
        for number in numbers:
            if self.sent[number] and not self._acts[number]:
                self.wrong["never done"] += 1
            if self.sent[number] and not self._replies[number]:
                self.wrong["never answered"] += 1

    def _end(self, number: int) -> None:
        if self.is_over(number):
            self.on_end(number)
