"""Which process looks after a portal where several share PostgreSQL: procrastinate decides.

A job is to look after one portal. The worker that gets it owns the portal: it runs all of its
chats, until nothing has come for a while. An event is in the inbox before anybody asks for a job;
what is waiting without an owner is found by a sweep.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import procrastinate
from cachetools import TTLCache
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from sqlalchemy import text

from bot.errors import StoreUnavailable
from bot.inbox.accepted import Accepted, portal_of
from bot.inbox.accepting import NotReady
from bot.inbox.inbox import Inbox
from bot.inbox.job_connector import JobConnector, words_of
from bot.inbox.lanes import Lanes
from bot.inbox.owners import Owners
from bot.store.commits import Write
from bot.store.database import Database

log = logging.getLogger(__name__)

QUEUE = "portals"
TASK = "look_after"

# A worker that says nothing for so long is dead; with the sweep another one has its portals within
# nine seconds.
HEARTBEAT = 1.5
DEAD_AFTER = 6.0
SWEEP_EVERY = 2.0
POLL_EVERY = 1.0
BEAT = 1.0

# How long an owner waits for more, and for how long nobody else is called meanwhile.
LINGER = 10.0
CALLED_FOR = 5.0

# A worker that has run for so long works.
PROVEN_AFTER = 2.0
GRACE = 2.0
MOST_CANCELLATIONS = 3
AGAIN = 0.5

# Each process is told by a channel of its own, so that nobody hears what is for another: this is
# how its name begins.
CHANNEL = "switchboard_"
_TELL = text(
    f"""
    SELECT CAST(:lane AS text), pg_notify('{CHANNEL}' || owner, :lane)
    FROM owners WHERE member_id = split_part(CAST(:lane AS text), '/', 1)
    """  # noqa: S608  # a constant of this module
)

# A portal is a job; one that hangs keeps its place, which takes nothing from anybody.
CONCURRENCY = 10_000

Inherit = Callable[[str, float], Awaitable[None]]


class _Owned:
    """A portal that this process looks after."""

    def __init__(self) -> None:
        self.busy_at = time.monotonic()
        self.ended = asyncio.Event()


class Jobs:
    """Has a worker look after every portal with something waiting; ``working``: is one, too."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        owners: Owners,
        lanes: Lanes,
        inherit: Inherit,
        *,
        working: bool,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._owners = owners
        self._lanes = lanes
        self._inherit = inherit
        self._working = working
        connector = JobConnector(database, CHANNEL + owners.owner, self._hear)
        self._app = procrastinate.App(connector=connector)
        self._app.task(name=TASK, queue=QUEUE)(self._look_after)
        self._mine: dict[str, _Owned] = {}
        self._called: TTLCache[str, bool] = TTLCache(maxsize=20_000, ttl=CALLED_FOR)
        self._calling: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._faults: dict[str, str] = {}
        self._unowned: set[str] = set()
        # The last command there was at the last beat: of younger ones a notice is on its way.
        self._seen = 0
        self._stopping = False

    async def start(self) -> None:
        """Begin to work, and to look for portals that nobody looks after."""
        await self._app.open_async()
        kept = [("sweep", self._sweep, SWEEP_EVERY)]
        if self._working:
            kept += [("worker", self._work, AGAIN), ("beat", self._beat, BEAT)]
        self._tasks = [asyncio.create_task(self._keep(*one), name=one[0]) for one in kept]

    async def check(self) -> None:
        """Raise ``NotReady`` while portals cannot be looked after, or nobody can be called."""
        try:
            is_there = await self._app.check_connection_async()
        except ConnectorException as error:
            raise NotReady(words_of(error)) from None
        if not is_there:
            raise NotReady("the job library's tables are missing")
        if self._faults:
            raise NotReady("; ".join(f"{what}: {why}" for what, why in self._faults.items()))

    def joining(self, lane: str) -> Sequence[Write]:
        """Make the write that tells the portal's owner, where that is another process."""
        return () if portal_of(lane) in self._mine else [(_TELL, [{"lane": lane}])]

    def add(self, command: Accepted) -> None:
        """Run a command that is stored with the writes of ``joining``, or have it run."""
        portal = portal_of(command.lane)
        if self._is_mine(portal):
            self._lanes.add(command)
        else:
            self._call_soon(portal)

    async def attend(self, lane: str) -> None:
        """Have the lane's portal looked after, and the lane looked into."""
        if self._is_mine(portal_of(lane)):
            await self._lanes.attend(lane)
        else:
            await self._database.write(*self.joining(lane))
            self._call_soon(portal_of(lane))

    async def stop(self, patience: float) -> None:
        """Let running commands finish for so many seconds; then leave the portals to others."""
        self._stopping = True
        await self._lanes.stop(patience)
        await self._leave(list(self._mine))
        # A worker that is cancelled ends its jobs first.
        await _cancelled([*self._tasks, *self._calling])
        await self._app.close_async()

    # Calling a worker

    def _call_soon(self, portal: str) -> None:
        if portal not in self._called:
            self._called[portal] = True
            task = asyncio.create_task(self._call(portal))
            self._calling.add(task)
            task.add_done_callback(self._calling.discard)

    async def _call(self, portal: str, seconds: int = 0) -> None:
        """Have some worker look after a portal, unless one does; in so many seconds."""
        try:
            if not await self._owners.is_owned(portal):
                later = {"seconds": seconds} if seconds else None
                job = self._app.configure_task(
                    TASK, queue=QUEUE, lock=portal, queueing_lock=portal, schedule_in=later
                )
                with suppress(AlreadyEnqueued):
                    await job.defer_async(portal=portal)
        except Exception as error:
            self._called.pop(portal, None)
            self._failed("no worker can be called", error)
        else:
            self._faults.pop("no worker can be called", None)

    # Looking after portals

    async def _look_after(self, portal: str) -> None:
        if self._stopping:
            return await self._call(portal, seconds=1)
        while portal not in self._mine:
            claimed = None
            with suppress(StoreUnavailable):
                claimed = await self._owners.claim(portal)
            if claimed is None:
                await asyncio.sleep(AGAIN)
                continue
            if claimed.since is not None:
                await self._inherit(portal, claimed.since)
            self._mine.setdefault(portal, _Owned())
        owned = self._mine[portal]
        self._lanes.look_after(portal)
        await owned.ended.wait()
        return None

    async def _beat(self) -> None:
        """Keep the portals, run what nobody has told of, and end where nothing comes any more."""
        before = list(self._mine)
        if not before:
            return
        kept = await self._owners.renew(before)
        for portal in [one for one in before if one not in kept]:
            await self._lose(portal)
        now = time.monotonic()
        for portal, owned in list(self._mine.items()):
            if not self._lanes.is_idle(portal):
                owned.busy_at = now
            elif now - owned.busy_at > LINGER:
                await self._leave([portal])
        newest = await self._inbox.newest()
        for portal in await self._inbox.waiting_portals(self._seen):
            if portal in self._mine and not self._stopping:
                self._lanes.look_after(portal)
        self._seen = newest

    async def _leave(self, portals: list[str]) -> None:
        """Look after these no more; what has come for them meanwhile is another job."""
        owned = [self._mine.pop(portal) for portal in portals if portal in self._mine]
        try:
            await self._owners.release(portals)
            for portal in portals:
                if await self._inbox.waiting_lanes(portal, "", 1):
                    await self._call(portal)
        except StoreUnavailable as error:
            log.info("portals are left without a word: %s", error)
        finally:
            for one in owned:
                one.ended.set()

    async def _lose(self, portal: str) -> None:
        """Stop what runs of a portal that another process has taken over."""
        if owned := self._mine.pop(portal, None):
            log.warning("portal %s: another process looks after it now", portal)
            await self._lanes.drop(portal)
            owned.ended.set()

    # What goes on all the time

    async def _keep(self, what: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            try:
                await work()
                self._faults.pop(what, None)
            except Exception as error:
                self._failed(what, error)
                if what == "sweep":
                    # Whoever lost the database too gets the time to show that they are alive.
                    await asyncio.sleep(DEAD_AFTER)
            await asyncio.sleep(pause)

    async def _work(self) -> None:
        worker = asyncio.create_task(self._run_worker(), name="jobs")
        try:
            _, running = await asyncio.wait([worker], timeout=PROVEN_AFTER)
            if running:
                self._faults.pop("worker", None)
            await worker
        except asyncio.CancelledError:
            await _cancelled([worker])
            raise
        raise RuntimeError("it has ended by itself")

    def _run_worker(self) -> Coroutine[Any, Any, None]:
        return self._app.run_worker_async(
            queues=[QUEUE],
            concurrency=CONCURRENCY,
            install_signal_handlers=False,
            listen_notify=True,
            fetch_job_polling_interval=POLL_EVERY,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=DEAD_AFTER,
            shutdown_graceful_timeout=GRACE,
            delete_jobs="always",
        )

    async def _hear(self, lane: str) -> None:
        """Hear of what another process has stored for a portal of this one."""
        if self._is_mine(portal_of(lane)):
            await self._lanes.attend(lane)

    def _is_mine(self, portal: str) -> bool:
        """Say whether something that has come is for a portal of this process: it stays so then.

        An owner lingers longer than others remember that there is one.
        """
        if owned := self._mine.get(portal):
            owned.busy_at = time.monotonic()
        return owned is not None

    async def _sweep(self) -> None:
        """Have looked after what a dead worker had, and what nobody was called for."""
        stalled = await self._app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=DEAD_AFTER
        )
        for job in stalled:
            await self._give_on(job)
        unowned = set(await self._inbox.waiting_portals()) - await self._owners.owned()
        # Somebody may just be taking it: it is looked at twice.
        for portal in unowned & self._unowned:
            if await self._inbox.waiting_lanes(portal, "", 1):
                self._call_soon(portal)
        self._unowned = unowned

    async def _give_on(self, job: Job) -> None:
        """Have another worker run a dead one's job."""
        log.warning("portal %s is taken over from a dead worker", job.lock)
        try:
            await self._app.job_manager.retry_job(job)
        except UniqueViolation:
            # One is waiting already.
            with suppress(ConnectorException):
                await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        except ConnectorException as error:
            log.info("another process was faster, or it failed: %s", words_of(error))

    def _failed(self, what: str, error: Exception) -> None:
        words = words_of(error)
        if self._faults.get(what) != words:
            log.error("%s: %s", what, words)
        self._faults[what] = words


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel these and wait for them, not for ever: a library may swallow a cancellation."""
    for _ in range(MOST_CANCELLATIONS):
        if not (left := [task for task in tasks if not task.done()]):
            break
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=2 * GRACE)
    else:
        log.error("what looks after portals does not end")
    await asyncio.gather(*[task for task in tasks if task.done()], return_exceptions=True)
