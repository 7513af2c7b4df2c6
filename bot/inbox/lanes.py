"""Runs the accepted commands of the portals that this process looks after.

Commands of one chat run one after the other, in the order of their messages; chats do not
wait for each other. The inbox is what counts: a lane keeps a few commands in memory so that
it need not be asked for each, and goes back to it for the rest.
"""

import asyncio
import logging
import time
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from cachetools import TTLCache

from bot.bitrix24.circuit import Answering
from bot.errors import StoreUnavailable
from bot.inbox.accepted import Accepted, portal_of
from bot.inbox.admission import PAUSE, Admission, patiently
from bot.inbox.backlog import Backlog
from bot.inbox.inbox import LAST, Inbox
from bot.store.commits import Write

log = logging.getLogger(__name__)

IN_MEMORY = 16

# How often the inbox is looked through for what ``add`` was not told of: an event that was answered
# 503, because the database was slow, may have been stored after all.
LOOK_EVERY = 2.0

# So many seconds a chat waits for earlier lines of a message. If they have not come by then, it
# waits for no lines at all until a minute after it began to: else lines that never come would hold
# it up again and again.
APART = 2.0
REFRAINED = 60.0

# The seconds between two looks for such lines: twice as many each time.
LINES_PAUSE = 0.05
LINES_LONGEST_PAUSE = 0.4

# Seconds that a chat from the inbox may take before another one of its portal is opened as well.
SLOW = 10.0

# Where portals are taken up one by one, so many chats of each may try at once.
FIRST = 8


class _Lane:
    """What waits in one chat: the next few, and whether the inbox has more."""

    def __init__(self, more: bool = False) -> None:
        self.next: deque[Accepted] = deque()
        # The inbox may have more than these.
        self.more = more
        # It got one more while it was being asked.
        self.grown = False
        # The number of the command that runs, 0 while none does.
        self.current = 0
        # How many the inbox is asked for next. The first command may take long: then the others
        # need not be in memory. Two show whether there are any.
        self.asked = 2

    def add(self, command: Accepted) -> None:
        # What has been read from the inbox may be told a moment later; once is enough.
        is_known = command.id == self.current or any(one.id == command.id for one in self.next)
        if is_known or self.more or len(self.next) >= IN_MEMORY:
            self.more = self.grown = True
        else:
            insort(self.next, command, key=lambda one: one.order)

    def take(self) -> Accepted | None:
        command = self.next.popleft() if self.next else None
        self.current = command.id if command else 0
        return command

    def put_back(self, command: Accepted) -> None:
        insort(self.next, command, key=lambda one: one.order)
        self.current = 0

    def look_again(self) -> None:
        """Drop what is here if the inbox has more: some of that may come before it."""
        if self.more:
            self.next.clear()

    def fill(self, commands: list[Accepted]) -> None:
        self.next.extend(commands)
        self.more = self.grown or len(commands) == self.asked
        self.asked = min(IN_MEMORY, 2 * self.asked)


class Lanes:
    """Runs what is accepted, and at the start what an earlier process left."""

    def __init__(
        self,
        inbox: Inbox,
        backlog: Backlog,
        dispatch: Callable[[Accepted], Awaitable[None]],
        answering: Callable[[str], Answering],
        slow: float = SLOW,
        first: int = 1,
        is_spelled: Callable[[str], bool] = bool,
    ) -> None:
        self._inbox = inbox
        # Says whether the portal knows a command of this name: of another it tells nothing.
        self._is_spelled = is_spelled
        # When a chat began to wait for lines that are on their way.
        self._waits_since: TTLCache[str, float] = TTLCache(maxsize=10_000, ttl=REFRAINED)
        self._backlog = backlog
        self._dispatch = dispatch
        self._lanes: dict[str, _Lane] = {}
        self._admission = Admission(inbox, answering, self._reopen, slow, first)
        # Whose chat each of them runs.
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._looking: asyncio.Task[None] | None = None
        # The last command there was at the last look.
        self._seen = LAST
        self._stopping = False

    async def check(self) -> None:
        """Nothing is needed but the database."""

    async def start(self) -> None:
        """Take up what is waiting, and from now on what comes without ``add``."""
        await self._look()
        self._looking = asyncio.create_task(self._keep_looking(), name="looking")

    def add(self, command: Accepted) -> None:
        """Run a command that has just been stored, when its turn comes."""
        name = command.lane
        lane = self._lanes.get(name)
        if lane is None and self._is_behind(name):
            return self._attend(name)
        if lane is None:
            lane = self._open(name, _Lane())
        return lane.add(command)

    def joining(self, lane: str) -> Sequence[Write]:
        """Nothing: this process knows by itself what it has stored."""
        return ()

    async def attend(self, lane: str) -> None:
        """Have the lane go back to the inbox, when it is through with what it knows of."""
        known = self._lanes.get(lane)
        if known is None:
            self._attend(lane)
        else:
            known.more = known.grown = True

    def look_after(self, portal: str) -> None:
        """Take up what waits in the inbox for this portal."""
        self._admission.hold(portal)

    def is_idle(self, portal: str) -> bool:
        """Say whether nothing of this portal is known to wait."""
        return self._admission.is_idle(portal)

    async def drop(self, portal: str) -> None:
        """Stop running what this portal has: another process does."""
        await self._admission.drop(portal)
        await _cancelled([task for task, its in self._tasks.items() if its == portal])
        # A task that is cancelled before it has begun leaves its lane open.
        for lane in [one for one in self._lanes if portal_of(one) == portal]:
            self._close(lane)

    async def stop(self, patience: float) -> None:
        """Let running commands finish for so many seconds; the rest stays in the inbox."""
        self._stopping = True
        if self._looking:
            self._looking.cancel()
        await self._admission.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        await _cancelled(list(self._tasks))

    async def _look(self) -> None:
        """Take up what waits since the last look: of all that is younger ``add`` tells."""
        newest = await self._inbox.newest()
        for portal in await self._inbox.waiting_portals(self._seen):
            self._admission.hold(portal)
        self._seen = newest

    async def _keep_looking(self) -> None:
        # How much waits matters only to who comes with very much: the start does not wait for it.
        await patiently(self._backlog.look)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await patiently(self._look)

    def _is_behind(self, lane: str) -> bool:
        """Say whether the lane's earlier commands may be in the inbox alone, or are to stay so."""
        portal = portal_of(lane)
        return self._admission.is_behind(portal) or self._admission.is_closed(portal)

    def _attend(self, lane: str) -> None:
        """Open a lane that has something in the inbox, if that is of any use."""
        portal = portal_of(lane)
        if self._admission.is_closed(portal):
            self._admission.hold(portal)
        else:
            self._open(lane, _Lane(more=True))

    def _reopen(self, lane: str) -> bool:
        """Open a lane unless it is; say whether it was not."""
        if lane in self._lanes:
            return False
        self._open(lane, _Lane(more=True))
        return True

    def _open(self, name: str, lane: _Lane) -> _Lane:
        portal = portal_of(name)
        self._lanes[name] = lane
        self._admission.opened(portal)
        task = asyncio.create_task(self._run(name, lane), name=f"lane {name}")
        self._tasks[task] = portal
        task.add_done_callback(self._tasks.pop)
        return lane

    async def _run(self, name: str, lane: _Lane) -> None:
        try:
            while not self._stopping and (command := await self._next(name, lane)):
                await self._run_one(command)
                self._backlog.done(command)
        finally:
            self._close(name)

    def _close(self, name: str) -> None:
        del self._lanes[name]
        self._admission.ended(portal_of(name))

    async def _next(self, name: str, lane: _Lane, pause: float = LINES_PAUSE) -> Accepted | None:
        while not lane.next and lane.more:
            lane.grown = False
            lane.fill(await patiently(lambda: self._inbox.waiting(name, lane.asked)))
        command = lane.take()
        if command is None or not await patiently(lambda: self._lacks_lines(command)):
            return command
        lane.put_back(command)
        await asyncio.sleep(pause)
        lane.look_again()
        return await self._next(name, lane, min(LINES_LONGEST_PAUSE, 2 * pause))

    async def _lacks_lines(self, command: Accepted) -> bool:
        """Say whether earlier lines of its message may be on their way: they come in any order."""
        if not (expected := command.event.earlier_lines(self._is_spelled)):
            return False
        now = time.monotonic()
        if now - self._waits_since.get(command.lane, now) > APART:
            return False
        if not await self._inbox.lacks_lines(command, expected):
            return False
        self._waits_since.setdefault(command.lane, now)
        return True

    async def _run_one(self, command: Accepted) -> None:
        current: Accepted | None = command
        while current is not None:
            try:
                return await self._dispatch(current)
            except StoreUnavailable as error:
                log.error("command %s waits for the database: %s", command.reference, error)
                await asyncio.sleep(PAUSE)
                # What was begun is in the journal now: the next run must know.
                current = await patiently(lambda: self._inbox.find(command.id))
        return None


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
