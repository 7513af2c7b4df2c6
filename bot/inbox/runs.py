"""Commands that end the process that runs them: they are not begun for ever.

What is being run is noted in its row. So whoever was running when a process ended is suspected
by the next one, which watches the suspects one after the other: the one that ends it, too, is
known, and is not run again. Its requester is told, and its chat goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from bot.figures import Ending
from bot.inbox.accepted import POISON, Accepted, End
from bot.inbox.inbox import Inbox

log = logging.getLogger(__name__)

# A run that is over sooner is not noted: so it costs nothing.
NOTED_AFTER = 0.05

# How heavily the end of a process weighs: on those who ran among others, on who was watched.
AMONG_OTHERS = 1
WATCHED = POISON - AMONG_OTHERS

# Seconds that a suspect is watched, and those that another one waits for that at most.
WATCH = 3.0
PATIENCE = 10.0

# With such a command not even telling its requester works.
HOPELESS = 4 * POISON


@dataclass(eq=False, slots=True)
class Runs:
    """Runs commands, and finds those that end the process."""

    _inbox: Inbox
    _dispatch: Callable[[Accepted], Awaitable[None]]
    _watching: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def run(self, command: Accepted) -> None:
        """Run a command. Raises ``StoreUnavailable``: then it is to be run again."""
        # What this process has noted lately may not have been stored when the row was read.
        if command.suspicion and (fresh := await self._inbox.find(command.id)):
            command = fresh
        if command.suspicion >= HOPELESS:
            log.error("command %s ends every process: nobody is told", command.reference)
            await self._inbox.done(command.id, End(Ending.UNANSWERED), proven=command.proven)
        elif command.suspicion and await self._is_my_turn():
            await self._watch(command)
        else:
            with self._noted(command.id, NOTED_AFTER):
                await self._dispatch(command)

    async def _is_my_turn(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await self._watching.acquire()
        return False

    async def _watch(self, command: Accepted) -> None:
        if command.is_poison:
            log.error("command %s has ended two processes: it is not run", command.reference)
        with ExitStack() as watching:
            watching.callback(self._watching.release)
            # Before anything else happens.
            await self._inbox.suspect(command.id, WATCHED)
            with self._noted(command.id, WATCH, WATCHED, watching.close):
                await self._dispatch(command)

    @contextmanager
    def _noted(
        self,
        command_id: int,
        seconds: float,
        weight: int = 0,
        then: Callable[[], None] = lambda: None,
    ) -> Iterator[None]:
        """Note after so many seconds that it is run among others; where it fails, take all back.

        ``weight`` is what has been noted before; ``then`` is called after the note.
        """

        def weigh(now: int) -> None:
            nonlocal weight
            if now != weight:
                self._inbox.note_suspicion(command_id, now - weight)
                weight = now

        def among_others() -> None:
            weigh(AMONG_OTHERS)
            then()

        timer = asyncio.get_running_loop().call_later(seconds, among_others)
        try:
            yield
        except BaseException:
            weigh(0)
            raise
        finally:
            timer.cancel()
