"""The chats that one process runs: those of a portal that is down cost nothing to the others."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.bitrix24.events import CommandEvent
from bot.engine.backlog import Backlog
from bot.engine.lanes import Lanes
from bot.store.database import Database, engine_for
from bot.store.inbox import Accepted, End, Ending, Inbox
from bot.store.migrate import migrate

DOWN, WELL = "d" * 32, "e" * 32
CHATS, EACH = 30, 3


class Process:
    """A process whose commands wait while their portal is down."""

    def __init__(self, database: Database) -> None:
        self.inbox = Inbox(database)
        self.lanes = Lanes(self.inbox, Backlog(database), self._dispatch, self._rests)
        self.is_back = asyncio.Event()
        self.resting = {DOWN}
        self.running: set[str] = set()
        self.done: dict[str, list[int]] = defaultdict(list)

    async def store(self, portal: str, chat: int, message: int) -> Accepted:
        accepted = await self.inbox.accept(_event(portal, chat, message))
        assert accepted is not None
        return accepted

    async def type(self, portal: str, chat: int, message: int) -> None:
        self.lanes.add(await self.store(portal, chat, message))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)

    def come_back(self) -> None:
        self.resting.clear()
        self.is_back.set()

    def answered(self, portal: str) -> int:
        return sum(len(ids) for lane, ids in self.done.items() if lane.startswith(portal))

    def _rests(self, portal: str) -> bool:
        return portal in self.resting

    async def _dispatch(self, command: Accepted) -> None:
        assert command.lane not in self.running
        self.running.add(command.lane)
        if command.event.member_id == DOWN:
            await self.is_back.wait()
        await self.inbox.done(command.id, End(Ending.DONE))
        self.done[command.lane].append(command.event.message.id)
        self.running.discard(command.lane)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    engine = engine_for(f"sqlite:///{tmp_path}/switchboard.db")
    migrate(engine)
    database = Database(engine)
    process = Process(database)
    yield process
    await process.lanes.stop(0)
    await database.close()


async def test_of_a_portal_that_is_down_one_chat_tries_and_the_others_wait(
    process: Process,
) -> None:
    await _store_many(process)
    await process.lanes.start()
    await process.until(lambda: bool(process.running))

    for chat in range(3):
        await process.type(WELL, chat, 1)
        await process.type(DOWN, chat, 100)
    await process.until(lambda: process.answered(WELL) == 3)

    assert len(process.running) == 1
    assert process.answered(DOWN) == 0


async def test_when_the_portal_is_back_every_chat_is_taken_up_in_its_order(
    process: Process,
) -> None:
    await _store_many(process)
    await process.lanes.start()
    await process.until(lambda: bool(process.running))
    # To chats that wait, and to one that nothing was known of; the second came first.
    for chat in (0, 7, CHATS):
        await process.store(DOWN, chat, 101)
        await process.type(DOWN, chat, 100)

    process.come_back()
    await process.until(lambda: process.answered(DOWN) == CHATS * EACH + 6)

    assert all(ids == sorted(ids) for ids in process.done.values())
    assert await process.inbox.waiting_portals() == []


async def test_a_portal_that_goes_down_in_between_holds_only_what_comes_then(
    process: Process,
) -> None:
    process.resting.clear()
    await process.lanes.start()
    await process.type(DOWN, 1, 1)
    await process.type(DOWN, 2, 1)
    await process.until(lambda: len(process.running) == 2)

    process.resting.add(DOWN)
    await process.type(DOWN, 1, 2)
    await process.type(DOWN, 3, 1)
    await process.lanes.attend(f"{DOWN}/chat4")
    await process.until(lambda: len(process.running) == 2)
    process.come_back()

    await process.until(lambda: process.answered(DOWN) == 4)
    assert process.done[f"{DOWN}/chat1"] == [1001, 1002]


async def test_a_slow_chat_does_not_keep_a_portals_others_waiting(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.resting.clear()
    monkeypatch.setattr("bot.engine.intake.SLOW", 0.01)
    await _store_many(process)

    await process.lanes.start()

    await process.until(lambda: len(process.running) == CHATS)


async def _store_many(process: Process) -> None:
    await asyncio.gather(
        *(
            process.store(DOWN, chat, message)
            for chat in range(CHATS)
            for message in range(1, EACH + 1)
        )
    )


def _event(portal: str, chat: int, message: int) -> CommandEvent:
    return CommandEvent.model_validate(
        {"member_id": portal, "bot": {"id": 456}, "command": {"id": 24, "command": "/who"},
         "message": {"id": 1000 * chat + message}, "chat": {"dialog_id": f"chat{chat}"},
         "user": {"id": 7}}
    )  # fmt: skip
