"""An engine with commands that run as long as a test wants."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from pydantic import SecretStr
from stage import KEY

from bot.bitrix24.circuit import Answering
from bot.bitrix24.events import CommandEvent
from bot.figures import Ending
from bot.inbox.accepted import Accepted, End
from bot.inbox.accepting import Engine
from bot.inbox.inbox import Inbox
from bot.store.cipher import Cipher
from bot.store.database import Database

DOWN, WELL = "d" * 32, "e" * 32


class Process:
    """A process whose commands wait while their portal is down."""

    engine: Engine

    def __init__(self, database: Database) -> None:
        self.database = database
        self.inbox = Inbox(database, Cipher([SecretStr(KEY)]))
        self.is_back = asyncio.Event()
        self.resting = {DOWN}
        self.slow: set[str] = set()
        # Whose commands wait until `come_back`, whatever is known of them.
        self.hanging = {DOWN}
        self.running: set[str] = set()
        self.done: dict[str, list[int]] = defaultdict(list)

    async def store(self, portal: str, chat: int, message: int) -> Accepted:
        """Store a command as an event does that another process has taken."""
        event = _event(portal, chat, message)
        accepted = await self.inbox.accept(event, *self.engine.joining(event.lane))
        assert accepted is not None
        return accepted

    async def store_many(self, portal: str, chats: Sequence[int], each: int) -> None:
        await asyncio.gather(
            *(self.store(portal, chat, message) for chat in chats for message in range(1, each + 1))
        )

    async def type(self, portal: str, chat: int, message: int) -> None:
        self.engine.add(await self.store(portal, chat, message))

    async def until(self, true: Callable[[], bool | Awaitable[bool]]) -> None:
        async with asyncio.timeout(60):
            while not await _holds(true):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)

    def come_back(self) -> None:
        self.resting.clear()
        self.is_back.set()

    def answered(self, portal: str) -> int:
        return sum(len(ids) for lane, ids in self.done.items() if lane.startswith(portal))

    def answering(self, portal: str) -> Answering:
        if portal in self.resting:
            return Answering.NOT_AT_ALL
        return Answering.SLOWLY if portal in self.slow else Answering.WELL

    async def dispatch(self, command: Accepted) -> None:
        assert command.lane not in self.running
        self.running.add(command.lane)
        if command.event.member_id in self.hanging:
            await self.is_back.wait()
        await self.inbox.done(command.id, End(Ending.DONE))
        self.done[command.lane].append(command.event.message.id)
        self.running.discard(command.lane)


async def _holds(true: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = true()
    return found if isinstance(found, bool) else await found


def _event(portal: str, chat: int, message: int) -> CommandEvent:
    return CommandEvent.model_validate(
        {"member_id": portal, "bot": {"id": 456}, "command": {"id": 24, "command": "/who"},
         "message": {"id": 1000 * chat + message}, "chat": {"dialog_id": f"chat{chat}"},
         "user": {"id": 7}}
    )  # fmt: skip


def one_line(portal: str, line: str, text: str) -> CommandEvent:
    """The event of one line of a message."""
    event = _event(portal, 1, 1)
    about = event.about(line.removeprefix("/"), "")
    return about.model_copy(update={"message": about.message.model_copy(update={"text": text})})
