"""Who runs accepted commands where several processes share PostgreSQL: procrastinate.

A chat with something waiting has one job, put there by the commit that stores the event. The
job drains its chat; `lock` keeps a second one from doing so at the same time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import procrastinate
from procrastinate.exceptions import AppNotOpen, ConnectorException
from procrastinate.jobs import Status
from procrastinate.worker import Worker
from sqlalchemy import Connection, text

from bot.engine.claims import DROP, Claims
from bot.errors import StoreUnavailable
from bot.store.accepted import Accepted, portal_of
from bot.store.commits import Write
from bot.store.database import Database
from bot.store.inbox import Inbox
from bot.store.together import Together

log = logging.getLogger(__name__)

QUEUE = "lanes"
TASK = "drain"
AT_ONCE = 16
CONCURRENCY = 400

# A worker that says nothing for so long is dead; with the sweep this makes 13 seconds at most.
HEARTBEAT = 2.0
DEAD_AFTER = 9.0
SWEEP_EVERY = 4.0
POLL_EVERY = 1.0
LINES_PAUSE = 0.05
GRACE = 15.0

# So many of a worker's places the chats of one portal may take at once, and after how many
# seconds the others look again. Of a portal that does not answer one chat tries.
MOST_OF_ONE = CONCURRENCY // 4
CROWDED = 1.0
RESTING = 30.0

# Written as procrastinate's own function writes it, except that a job that waits already is
# touched: until our commit no worker can take it and miss what we have just stored.
_JOB = f"""
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
    SELECT '{QUEUE}', '{TASK}', :lane, :lane, jsonb_build_object('lane', CAST(:lane AS text))
"""
_DEFER = text(
    f"""
    {_JOB}, NULL
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET scheduled_at = NULL
    """
)
_PUT_OFF = text(
    f"""
    {_JOB}, now() + make_interval(secs => :seconds)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
    """
)

_MINE = text("SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = :worker")
_STRANDED = text(
    """
    SELECT DISTINCT lane FROM inbox
    WHERE done_at IS NULL AND parked_until IS NULL AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs
        WHERE procrastinate_jobs.lock = inbox.lane AND status IN ('todo', 'doing')
    )
    LIMIT 500
    """
)


class Jobs:
    """Defers a job for every chat with something waiting; where ``working``, runs them too."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        dispatch: Callable[[Accepted], Awaitable[None]],
        rests: Callable[[str], bool],
        *,
        working: bool,
    ) -> None:
        self._database = database
        self._waiting: Together[str, list[Accepted]] = Together(
            lambda lanes: inbox.waiting_in(lanes, AT_ONCE)
        )
        self._inbox = inbox
        self._dispatch = dispatch
        self._rests = rests
        self._open: Counter[str] = Counter()
        self._working = working
        self._stopping = asyncio.Event()
        self._worker: Worker | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._app = application(database.engine.url.render_as_string(hide_password=False))
        self._claims = self._app.job_manager = Claims(self._app.connector, database)
        retry = procrastinate.RetryStrategy(wait=1)
        self._app.task(name=TASK, queue=QUEUE, retry=retry, pass_context=True)(self._drain)
        self._draining: set[int] = set()
        self._missing: set[int] = set()

    async def start(self) -> None:
        """Begin to work, and to look for chats that a dead process has left."""
        if self._working:
            self._tasks = [
                asyncio.create_task(self._work(), name="worker"),
                asyncio.create_task(self._sweep_on(), name="sweep"),
            ]

    def joining(self, lane: str) -> Sequence[Write]:
        """Make the write that gives the lane its job."""
        return [(_DEFER, [{"lane": lane}])]

    def add(self, command: Accepted) -> None:
        """Nothing: the job came with the commit, and the database wakes a worker."""

    async def resume(self, commands: Sequence[Accepted]) -> None:
        """Give the chats of these commands a job."""
        await self._defer(sorted({command.lane for command in commands}))

    async def attend(self, lane: str) -> None:
        """Give the lane a job."""
        await self._defer([lane])

    async def stop(self, patience: float) -> None:
        """Let running chats finish for so many seconds; the rest keeps its jobs."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # procrastinate's own
        if self._tasks:
            # Asked, not cancelled: a pool that is cancelled while it opens is never closed.
            _, late = await asyncio.wait(self._tasks, timeout=patience + 2)
            for task in late:
                task.cancel()

    async def _defer(self, lanes: Sequence[str]) -> None:
        if lanes:
            await self._database.write((_DEFER, [{"lane": lane} for lane in lanes]))

    async def _drain(self, context: procrastinate.JobContext, lane: str) -> None:
        portal = portal_of(lane)
        if seconds := self._wait(portal):
            await self._database.write((_PUT_OFF, [{"lane": lane, "seconds": seconds}]))
            return
        self._draining.add(context.job.id or 0)
        self._open[portal] += 1
        try:
            await self._drain_lane(lane)
        finally:
            self._draining.discard(context.job.id or 0)
            self._open[portal] -= 1
            if not self._open[portal]:
                del self._open[portal]

    def _wait(self, portal: str) -> float:
        """Say for how many seconds one more chat of this portal would take others their place."""
        is_open = self._open[portal]
        if is_open and self._rests(portal):
            return RESTING
        return CROWDED if is_open >= MOST_OF_ONE else 0.0

    async def _drain_lane(self, lane: str) -> None:
        # What comes from now on brings a job of its own.
        more = True
        while more:
            commands = await self._waiting.ask(lane)
            more = len(commands) == AT_ONCE
            for command in commands:
                if command.event.earlier_lines and await self._inbox.lacks_lines(command):
                    # Asked for again, for what comes meanwhile belongs before it.
                    await self._pause(LINES_PAUSE)
                    more = True
                    break
                await self._dispatch(command)
                if self._stopping.is_set():
                    return await self._defer([lane])
        return None

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._app.open_async():
                    self._worker = _worker(self._app)
                    if not self._stopping.is_set():
                        await self._worker.run()  # type: ignore[no-untyped-call]
                    await self._give_back()
            except Exception as error:
                log.warning("the worker lost its database: %s", type(error).__name__)
                await self._pause(1)

    async def _give_back(self) -> None:
        """Leave to others what was taken and not begun."""
        if jobs := self._claims.given_back():
            await self._database.write((DROP, [{"job": job.id} for job in jobs]))
            await self._defer(sorted(job.lock or "" for job in jobs))

    async def _sweep_on(self) -> None:
        while not await self._pause(SWEEP_EVERY):
            try:
                await self._bury_the_dead()
                await self._find_the_lost()
                await self._defer(await self._database.read(_stranded))
            except (StoreUnavailable, ConnectorException, AppNotOpen):
                # Whoever lost the database too gets the time to show that he is alive.
                await self._pause(DEAD_AFTER - SWEEP_EVERY)

    async def _pause(self, seconds: float) -> bool:
        """Wait, and say whether it is time to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _bury_the_dead(self) -> None:
        """Drop the jobs of dead workers; what their chats still have gets new ones."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=DEAD_AFTER):
            with suppress(ConnectorException):
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
                log.warning("chat %s is taken over from a dead worker", job.lock)

    async def _find_the_lost(self) -> None:
        """Drop jobs that were given to this worker and never reached it: a lost connection."""
        row = {"worker": self._worker.worker_id if self._worker else None}
        mine = await self._database.read(lambda c: set(c.execute(_MINE, row).scalars()))
        missing = mine - self._draining
        lost = missing & self._missing
        self._missing = missing
        if lost:
            log.warning("%d jobs never reached this worker", len(lost))
            await self._database.write((DROP, [{"job": job} for job in sorted(lost)]))


def _worker(app: procrastinate.App) -> Worker:
    return Worker(
        app,
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


def application(address: str) -> procrastinate.App:
    """Make procrastinate's application for a database address of SQLAlchemy's kind."""
    conninfo = address.replace("postgresql+psycopg://", "postgresql://", 1)
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=6)
    return procrastinate.App(connector=connector)


def _stranded(connection: Connection) -> list[str]:
    return sorted(connection.execute(_STRANDED).scalars())
