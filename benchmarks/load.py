"""The load: so many commands in flight at a time, or so many a second."""

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.ledger import Ledger
from benchmarks.wire import Connection, connect

Requests = Callable[[int], bytes]

PATIENCE = 60.0
# A call that is made twice comes soon after the first, if it comes at all.
AFTERMATH = 0.1


@dataclass(frozen=True, slots=True)
class Slice:
    """What one stretch of load came to; times in milliseconds."""

    seconds: float
    rate: float
    ack: list[float]
    reply: list[float]


class Load:
    """Sends commands to one bot over connections that are kept alive."""

    def __init__(self, ledger: Ledger, host: str, port: int, requests: Requests) -> None:
        self._ledger = ledger
        self._host, self._port = host, port
        self._requests = requests
        self._free: list[Connection] = []
        self._busy: dict[int, Connection] = {}
        self._queue: list[int] = []
        self._under_way: set[int] = set()
        self._waits_for_reply = True
        self._ended: list[float] = []
        self._made: dict[int, bytes] = {}
        self._all_over = asyncio.Event()

    async def closed(self, count: int, in_flight: int, warm_up: int = 100) -> Slice:
        """Keep so many commands in flight until ``count`` have ended after the warm-up."""
        numbers = self._prepare(warm_up + count + in_flight)
        await self._connect(in_flight)
        self._queue = list(reversed(numbers))
        for _ in range(in_flight):
            self._next()
        await self._end(numbers)
        ended = sorted(self._ended)
        first, last = warm_up, min(warm_up + count, len(ended) - 1)
        seconds = ended[last] - ended[first] if last > first else 0.0
        measured = numbers[warm_up : warm_up + count]
        return self._slice(measured, seconds, (last - first) / seconds if seconds else 0.0)

    async def paced(self, count: int, rate: float, warm_up: int = 20) -> Slice:
        """Send a command every so often, whatever becomes of the earlier ones."""
        numbers = self._prepare(warm_up + count)
        await self._connect(64)
        began = time.perf_counter()
        for place, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, began + place / rate - time.perf_counter()))
            self._queue.insert(0, number)
            self._next()
        await self._end(numbers)
        return self._slice(numbers[warm_up:], count / rate, rate)

    async def flood(self, count: int, patience: float, at_once: int = 1) -> tuple[float, range]:
        """Send commands as fast as they are taken, wait for the last answer; give the beginning.

        Over one connection they come in the order of their numbers.
        """
        numbers = self._prepare(count)
        await self._connect(at_once)
        self._waits_for_reply = False
        self._queue = list(reversed(numbers))
        began = time.perf_counter()
        for _ in range(at_once):
            self._next()
        await self._end(numbers, patience)
        self._waits_for_reply = True
        return began, numbers

    def _prepare(self, count: int) -> range:
        numbers = self._ledger.reserve(count)
        self._made = {number: self._requests(number) for number in numbers}
        self._ended, self._all_over = [], asyncio.Event()
        self._ledger.on_end = self._over
        gc.collect()
        gc.disable()
        return numbers

    async def _connect(self, count: int) -> None:
        self._free = [await connect(self._host, self._port, self._status) for _ in range(count)]

    def _next(self) -> None:
        if self._queue and self._free:
            number, connection = self._queue.pop(), self._free.pop()
            self._under_way.add(number)
            self._all_over.clear()
            self._busy[number] = connection
            self._ledger.send(number)
            connection.send(number, self._made[number])

    def _status(self, connection: Connection, status: int) -> None:
        number = connection.number
        self._ledger.ack(number, status)
        if status != 200:
            # No more comes of this one.
            self._over(number)
        elif not self._waits_for_reply:
            self._release(number)

    def _over(self, number: int) -> None:
        if number in self._under_way:
            self._under_way.discard(number)
            self._ended.append(time.perf_counter())
            self._release(number)
            if not self._queue and not self._under_way:
                self._all_over.set()

    def _release(self, number: int) -> None:
        if connection := self._busy.pop(number, None):
            connection.number = -1
            self._free.append(connection)
            self._next()

    async def _end(self, numbers: range, patience: float = PATIENCE) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._all_over.wait()
        except TimeoutError:
            self._ledger.wrong["not over in time"] += len(self._under_way)
        finally:
            gc.enable()
        await asyncio.sleep(AFTERMATH)
        self._ledger.check(numbers)
        for connection in [*self._free, *self._busy.values()]:
            connection.close()
        self._free, self._busy, self._under_way = [], {}, set()

    def _slice(self, numbers: range, seconds: float, rate: float) -> Slice:
        book = self._ledger
        over = [number for number in numbers if book.is_over(number)]
        return Slice(
            seconds,
            rate,
            ack=[(book.acked[one] - book.sent[one]) * 1000 for one in over],
            reply=[(book.replied[one] - book.sent[one]) * 1000 for one in over],
        )
