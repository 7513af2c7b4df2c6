"""What waits in the inbox and not in memory: whose chats are taken up, and when.

A portal that answers gets its chats opened, twice as many each time one is through, up to its
share of the places that this process has. One that answers slowly gets a few; of one that does
not, one chat is open and tries. The others cost nothing while they wait.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bot.bitrix24.circuit import Answering
from bot.errors import StoreUnavailable
from bot.inbox.inbox import Inbox

# Places for chats, besides the one that each portal has for itself. The fuller they are, the fewer
# one may have: one that is alone half of them, four a fifth each. Slow portals get a few each, and
# a quarter of them all together.
PLACES = 512
FEW = 16
OF_THE_SLOW = PLACES // 4

# So many chats of a portal are opened at once.
AT_ONCE = 64

PAUSE = 1.0

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask the inbox until the database answers."""
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            await asyncio.sleep(PAUSE)


@dataclass(eq=False)
class Admission:
    """Opens the chats of portals that have some waiting in the inbox."""

    _inbox: Inbox
    _answering: Callable[[str], Answering]
    _open_lane: Callable[[str], bool]
    _slow: float
    _first: int

    def __post_init__(self) -> None:
        self._open: Counter[str] = Counter()
        # To sum them up for every command would take long where many portals have one.
        self._all_open = 0
        self._behind: dict[str, _Behind] = {}

    def is_behind(self, portal: str) -> bool:
        """Say whether a chat of this portal may have more waiting than is known of."""
        return portal in self._behind

    def is_idle(self, portal: str) -> bool:
        """Say whether no chat of this portal is open, or waits to be."""
        return portal not in self._open and portal not in self._behind

    def is_closed(self, portal: str) -> bool:
        """Say whether one more chat of this portal would be opened in vain."""
        return self._room(portal) <= 0

    def hold(self, portal: str) -> None:
        """Note that a chat of this portal waits to be opened."""
        behind = self._behind.get(portal)
        if behind is None:
            behind = self._behind[portal] = _Behind(self._slow)
            behind.task = asyncio.create_task(self._take_up(portal, behind), name=f"up {portal}")
        behind.has_more = True

    def opened(self, portal: str) -> None:
        """Count a chat that has been opened."""
        self._open[portal] += 1
        self._all_open += 1

    def ended(self, portal: str) -> None:
        """Count a chat off that is through."""
        self._open[portal] -= 1
        self._all_open -= 1
        if not self._open[portal]:
            del self._open[portal]
        if portal in self._behind:
            self._behind[portal].one_ended.set()

    async def stop(self) -> None:
        """Open no more."""
        for portal in list(self._behind):
            await self.drop(portal)

    async def drop(self, portal: str) -> None:
        """Open no more of this portal."""
        behind = self._behind.get(portal)
        if behind and behind.task:
            behind.task.cancel()
            await asyncio.gather(behind.task, return_exceptions=True)
            # One that is cancelled before it has begun leaves it here.
            self._behind.pop(portal, None)

    def _room(self, portal: str) -> int:
        """Say how many more chats of this portal may be opened."""
        taken = self._all_open - len(self._open)
        most = {
            Answering.WELL: PLACES - taken,
            Answering.SLOWLY: min(FEW, OF_THE_SLOW - taken),
            Answering.NOT_AT_ALL: 1,
        }[self._answering(portal)]
        return max(1, most) - self._open[portal]

    async def _take_up(self, portal: str, behind: "_Behind") -> None:
        try:
            while behind.has_more:
                behind.has_more = False
                await self._go_through(portal, behind)
        finally:
            self._behind.pop(portal, None)

    async def _go_through(self, portal: str, behind: "_Behind") -> None:
        """Open the chats in which something waits by now: of what comes later others tell."""
        after, count, up_to = "", self._first, await patiently(self._inbox.newest)
        while lanes := await self._next(portal, after, count, behind, up_to):
            after = lanes[-1]
            behind.one_ended.clear()
            opened = sum(self._open_lane(lane) for lane in lanes)
            count = min(AT_ONCE, 2 * count) if not opened or await behind.ends() else 1

    async def _next(
        self, portal: str, after: str, count: int, behind: "_Behind", up_to: int
    ) -> list[str]:
        while True:
            while self.is_closed(portal):
                behind.one_ended.clear()
                await behind.ends()
            most = min(count, self._room(portal))
            question = partial(self._inbox.waiting_lanes, portal, after, most, up_to)
            lanes = await patiently(question)
            # Somebody else may have opened one meanwhile.
            if not lanes or not self.is_closed(portal):
                return lanes


class _Behind:
    """A portal with chats that are not open."""

    def __init__(self, slow: float) -> None:
        self._slow = slow
        self.task: asyncio.Task[None] | None = None
        self.has_more = False
        self.one_ended = asyncio.Event()

    async def ends(self) -> bool:
        """Wait until a chat is through, and say if one was before it took too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.one_ended.wait(), self._slow)
        return self.one_ended.is_set()
