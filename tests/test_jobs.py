"""Processes that share PostgreSQL: each portal has one that looks after it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from postgres import Server
from running import DOWN, WELL, Process
from stage import ON_POSTGRESQL

from bot.acting.journal import Journal, NotOwner, Step
from bot.inbox import jobs
from bot.inbox.accepting import NotReady
from bot.inbox.backlog import Backlog
from bot.inbox.jobs import Jobs
from bot.inbox.lanes import Lanes
from bot.inbox.owners import Owners
from bot.store.database import Database, engine_for

pytestmark = ON_POSTGRESQL

LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN \"switchboard%%'"

# Portals of one worker that do not answer.
HANGING = 300

Start = Callable[..., "asyncio.Future[Shared]"]


class Shared(Process):
    """A process among others."""

    def __init__(self, database: Database, *, working: bool) -> None:
        super().__init__(database)
        self.database = database
        self.name = uuid4().hex
        self.has_stopped = False
        self.inherited: list[str] = []
        lanes = Lanes(self.inbox, Backlog(database), self.dispatch, self.answering)
        owners = Owners(database, self.name)
        self.engine = self.jobs = Jobs(
            database, self.inbox, owners, lanes, self._inherit, working=working
        )

    async def _inherit(self, portal: str, since: float) -> None:
        self.inherited.append(portal)

    async def stop(self) -> None:
        if not self.has_stopped:
            self.has_stopped = True
            self.come_back()
            await self.engine.stop(10)

    def count(self, question: str) -> int:
        with self.database.engine.connect() as connection:
            return int(connection.exec_driver_sql(question).scalar_one())

    async def change(self, statement: str) -> None:
        # It waits for transactions that end in this loop.
        await asyncio.to_thread(self._change, statement)

    def _change(self, statement: str) -> None:
        with self.database.engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
async def start(database_url: str) -> AsyncIterator[Callable[..., object]]:
    async with AsyncExitStack() as stack:

        async def start(*, working: bool = True) -> Shared:
            database = Database(engine_for(database_url))
            stack.push_async_callback(database.close)
            process = Shared(database, working=working)
            await process.engine.start()

            stack.push_async_callback(process.stop)
            return process

        yield start


async def test_of_a_portal_that_is_down_one_chat_tries(start: Start) -> None:
    process = await start()
    for chat in range(30):
        await process.type(DOWN, chat, 1)
    await process.until(lambda: bool(process.running))

    await process.type(WELL, 1, 1)
    await process.until(lambda: process.answered(WELL) == 1)

    assert len(process.running) == 1
    process.come_back()
    await process.until(lambda: process.answered(DOWN) == 30)


async def test_portals_that_hang_do_not_take_the_places_of_others(start: Start) -> None:
    web, worker = await start(working=False), await start()
    crowd = [f"{number:032x}" for number in range(HANGING)]
    worker.resting |= set(crowd)
    worker.hanging |= set(crowd)
    await asyncio.gather(*(web.type(portal, 1, 1) for portal in crowd))
    await worker.until(lambda: len(worker.running) == HANGING)

    await web.type(WELL, 1, 1)
    await worker.until(lambda: worker.answered(WELL) == 1)

    worker.come_back()
    await worker.until(lambda: all(worker.answered(one) for one in crowd))


async def test_a_hundred_commands_of_a_portal_are_one_job(start: Start) -> None:
    web, worker = await start(working=False), await start()
    for message in range(20):
        for chat in range(5):
            await web.type(WELL, chat, message)

    await worker.until(lambda: worker.answered(WELL) == 100)

    assert all(ids == sorted(ids) for ids in worker.done.values())
    assert web.count("SELECT count(*) FROM procrastinate_events WHERE type = 'deferred'") == 1


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker finds commands by what it hears alone."""
    monkeypatch.setattr(jobs, "BEAT", 600)
    monkeypatch.setattr(jobs, "SWEEP_EVERY", 600)


@pytest.mark.usefixtures("nobody_looks")
async def test_what_is_stored_elsewhere_is_run_at_once(start: Start) -> None:
    web, worker = await start(working=False), await start()
    await web.type(WELL, 1, 1)
    await worker.until(lambda: worker.answered(WELL) == 1)

    await web.type(WELL, 2, 1)
    await worker.until(lambda: worker.answered(WELL) == 2)


@pytest.mark.usefixtures("nobody_looks")
async def test_who_has_lost_the_database_listens_again_when_it_is_back(
    start: Start, postgres: Server
) -> None:
    web, worker = await start(working=False), await start()
    await web.type(WELL, 1, 1)
    await worker.until(lambda: worker.answered(WELL) == 1)

    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
    worker.database.engine.dispose()
    await worker.until(lambda: bool(worker.count(LISTENING)))
    await web.type(WELL, 2, 1)

    await worker.until(lambda: worker.answered(WELL) == 2)


async def test_an_idle_owner_ends_and_the_next_command_is_another_job(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LINGER", 0.1)
    monkeypatch.setattr(jobs, "BEAT", 0.05)
    web, worker = await start(working=False), await start()
    await web.type(WELL, 1, 1)
    await worker.until(lambda: worker.answered(WELL) == 1)
    await worker.until(lambda: web.count("SELECT count(*) FROM procrastinate_jobs") == 0)

    await web.type(WELL, 1, 2)
    await worker.until(lambda: worker.answered(WELL) == 2)


async def test_an_owner_stays_as_long_as_commands_come_however_short_they_are(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others remember for a while that there is one, and call nobody."""
    monkeypatch.setattr(jobs, "LINGER", 1.0)
    monkeypatch.setattr(jobs, "BEAT", 0.3)
    job = "SELECT coalesce(max(id), 0) FROM procrastinate_jobs"
    web, worker = await start(working=False), await start()
    await web.type(WELL, 0, 1)
    await worker.until(lambda: worker.answered(WELL) == 1)
    first = web.count(job)
    for number in range(1, 8):
        await asyncio.sleep(0.25)
        await web.type(WELL, number, 1)

    await worker.until(lambda: worker.answered(WELL) == 8)
    assert web.count(job) == first > 0


async def test_what_a_crash_left_without_a_job_is_found(start: Start) -> None:
    web = await start(working=False)
    # The process ends before it has called anybody.
    await web.store(WELL, 1, 1)
    await web.stop()
    worker = await start()

    await worker.until(lambda: worker.answered(WELL) == 1)


async def test_two_workers_never_run_a_portal_at_once(start: Start) -> None:
    web, one, other = await start(working=False), await start(), await start()
    for message in range(50):
        await web.type(WELL, 1, message)
        await web.type("f" * 32, 1, message)

    await web.until(lambda: sum(x.answered("") for x in (one, other)) == 100)

    for portal in (WELL, "f" * 32):
        assert sorted([one.answered(portal), other.answered(portal)]) == [0, 50]


async def test_a_worker_that_stops_leaves_its_portals_to_another(start: Start) -> None:
    web, one = await start(working=False), await start()
    await web.type(WELL, 1, 1)
    await web.until(lambda: one.answered(WELL) == 1)
    other = await start()

    await one.stop()
    await web.type(WELL, 1, 2)

    await web.until(lambda: other.answered(WELL) == 1)
    assert other.inherited == [WELL]


async def test_whoever_is_no_owner_any_more_begins_no_change(start: Start) -> None:
    process = await start()
    command = await process.store(WELL, 1, 1)
    journal = Journal(process.database, process.name)
    step = Step(0, "imbot.chat.user.add", {}, 12)
    process.engine.add(command)
    await process.until(lambda: process.answered(WELL) == 1)
    await journal.begin(command, [step])

    await process.change("UPDATE owners SET owner = 'another'")

    with pytest.raises(NotOwner):
        await journal.begin(command, [Step(1, "imbot.chat.user.add", {}, 15)])
    assert await journal.of(command) == [(step, None)]


@pytest.mark.parametrize(
    ("change", "back", "words"),
    [
        (
            "ALTER TABLE procrastinate_jobs RENAME TO procrastinate_gone",
            "ALTER TABLE procrastinate_gone RENAME TO procrastinate_jobs",
            "tables are missing",
        ),
        (
            "ALTER FUNCTION procrastinate_fetch_job_v2 RENAME TO procrastinate_gone",
            "ALTER FUNCTION procrastinate_gone RENAME TO procrastinate_fetch_job_v2",
            "worker: UndefinedFunction",
        ),
        (
            "ALTER TABLE procrastinate_jobs RENAME COLUMN attempts TO gone",
            "ALTER TABLE procrastinate_jobs RENAME COLUMN gone TO attempts",
            "UndefinedColumn",
        ),
    ],
)
async def test_a_changed_job_library_is_told(
    start: Start, caplog: pytest.LogCaptureFixture, change: str, back: str, words: str
) -> None:
    process = await start()
    await process.engine.check()
    await process.change(change)
    try:
        await process.until(lambda: _is_told(process, words))
    finally:
        await process.change(back)
    await process.until(lambda: _is_told(process, ""))


async def test_a_web_process_that_can_call_no_worker_is_not_ready(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    web = await start(working=False)
    await web.change("ALTER FUNCTION procrastinate_defer_jobs_v1 RENAME TO procrastinate_gone")
    try:
        await web.type(WELL, 1, 1)
        await web.until(lambda: _is_told(web, "no worker can be called: UndefinedFunction"))
        assert "no worker can be called: UndefinedFunction" in caplog.text
    finally:
        await web.change("ALTER FUNCTION procrastinate_gone RENAME TO procrastinate_defer_jobs_v1")
    await web.until(lambda: _is_told(web, ""))


async def _is_told(process: Process, words: str) -> bool:
    try:
        await process.engine.check()
    except NotReady as reason:
        return bool(words) and words in str(reason)
    return not words
