"""Who was running when a process ended is watched by the next one, one after the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from running import DOWN, WELL, Process

from bot.inbox.backlog import Backlog
from bot.inbox.lanes import Lanes
from bot.inbox.runs import Runs
from bot.store.database import Database, engine_for
from bot.store.migrate import migrate

SUSPECTS = 6


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    engine = engine_for(f"sqlite:///{tmp_path}/switchboard.db")
    migrate(engine)
    database = Database(engine)
    process = Process(database)
    process.resting.clear()
    runs = Runs(process.inbox, process.dispatch)
    process.engine = Lanes(process.inbox, Backlog(database), runs.run, process.answering)
    for chat in range(SUSPECTS):
        accepted = await process.store(DOWN, chat, 1)
        await process.inbox.suspect(accepted.id, 1)
    yield process
    await process.engine.stop(0)
    await database.close()


async def test_suspects_run_one_by_one_and_hold_up_nobody_else(process: Process) -> None:
    await process.engine.start()
    await process.until(lambda: bool(process.running))
    for chat in range(SUSPECTS, 2 * SUSPECTS):
        await process.type(WELL, chat, 1)
    await process.until(lambda: process.answered(WELL) == SUSPECTS)

    assert len(process.running) == 1

    process.come_back()
    await process.until(lambda: process.answered(DOWN) == SUSPECTS)


async def test_whoever_is_stopped_in_good_order_is_suspected_no_more(process: Process) -> None:
    await process.engine.start()
    await process.until(lambda: bool(process.running))
    [lane] = process.running

    await process.engine.stop(0)

    [waiting] = await process.inbox.waiting(lane, 1)
    stopped = await process.inbox.find(waiting.id)
    assert stopped is not None
    assert stopped.suspicion == 1
