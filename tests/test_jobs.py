"""The chats that a worker runs: those of one portal leave places to the others."""

from collections.abc import AsyncIterator

import pytest
from running import DOWN, WELL, Process
from stage import ON_POSTGRESQL

from bot.engine.jobs import MOST_OF_ONE, Jobs
from bot.store.database import Database, engine_for

pytestmark = ON_POSTGRESQL


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    database = Database(engine_for(database_url))
    process = Process(database)
    process.engine = Jobs(database, process.inbox, process.dispatch, process.rests, working=True)
    await process.engine.start()
    yield process
    process.come_back()
    await process.engine.stop(10)
    await database.close()


async def test_of_a_portal_that_is_down_one_chat_tries(process: Process) -> None:
    await process.store_many(DOWN, range(30), 2)
    await process.until(lambda: bool(process.running))

    await process.type(WELL, 1, 1)
    await process.until(lambda: process.answered(WELL) == 1)

    assert len(process.running) == 1


async def test_a_chat_that_was_put_off_is_seen_to_when_somebody_types_in_it(
    process: Process,
) -> None:
    await process.store_many(DOWN, range(3), 1)
    await process.until(lambda: bool(process.running))
    await process.type(WELL, 1, 1)
    await process.until(lambda: process.answered(WELL) == 1)

    process.come_back()
    for chat in range(3):
        await process.type(DOWN, chat, 2)
    await process.until(lambda: process.answered(DOWN) == 6)

    assert all(ids == sorted(ids) for ids in process.done.values())


async def test_a_portal_that_is_slow_does_not_take_all_places(process: Process) -> None:
    process.resting.clear()
    await process.store_many(DOWN, range(MOST_OF_ONE + 20), 1)
    await process.until(lambda: len(process.running) == MOST_OF_ONE)

    await process.type(WELL, 1, 1)
    await process.until(lambda: process.answered(WELL) == 1)
    assert len(process.running) == MOST_OF_ONE

    process.come_back()
    await process.until(lambda: process.answered(DOWN) == MOST_OF_ONE + 20)
