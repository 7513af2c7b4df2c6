"""What waits is read for many chats by one question: each gives its own, in its order."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from running import WELL, Process
from sqlalchemy import Connection, text

from bot.inbox.accepted import Accepted
from bot.inbox.backlog import Backlog
from bot.inbox.lanes import Lanes
from bot.store.database import Database, engine_for

CHATS, EACH = 100, 3


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    database = Database(engine_for(database_url))
    process = Process(database)
    process.engine = Lanes(process.inbox, Backlog(database), process.dispatch, process.answering)
    yield process
    await database.close()


async def wanted(process: Process, chat: int, most: int) -> list[int]:
    found = await process.inbox.waiting(f"{WELL}/chat{chat}", most)
    return [_message(one) for one in found]


def _message(command: Accepted) -> int:
    return command.event.message.id


async def test_each_chat_gives_as_many_as_it_was_asked_for(process: Process) -> None:
    await process.store_many(WELL, range(CHATS), EACH)

    asked = [(chat, 1 + chat % 4) for chat in range(CHATS + 1)]
    found = await asyncio.gather(*(wanted(process, *one) for one in [*asked, (0, 2)]))

    for (chat, most), messages in zip(asked, found, strict=False):
        there = [1000 * chat + number for number in range(1, EACH + 1)] if chat < CHATS else []
        assert messages == there[:most], chat
    assert found[-1] == [1, 2]


async def test_whoever_asked_hears_that_the_database_is_out_of_order(process: Process) -> None:
    await process.store_many(WELL, range(3), 1)
    await _rename(process, "inbox", "away")

    asked = (wanted(process, chat, 1) for chat in range(3))
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, Exception) for one in told), told

    await _rename(process, "away", "inbox")
    assert await wanted(process, 1, 1) == [1001]


async def test_who_gives_up_takes_no_answer_from_others(process: Process) -> None:
    await process.store_many(WELL, range(2), 1)
    asking = [asyncio.create_task(wanted(process, chat, 1)) for chat in range(2)]
    await asyncio.sleep(0)

    asking[0].cancel()

    assert await asking[1] == [1001]


async def _rename(process: Process, old: str, new: str) -> None:
    def rename(connection: Connection) -> None:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    await process.database.exchange(rename)
