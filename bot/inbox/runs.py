"""Commands that end the process that runs them: they are not begun for ever.

What is being run is noted in its row. So whoever was running when a process ended is suspected
by the next one, which watches the suspects one after the other: the one that ends it, too, is
known, and is not run again. Its requester is told, and its chat goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

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


class Runs:
    """Runs commands, and finds those that end the process."""

    def __init__(self, inbox: Inbox, dispatch: Callable[[Accepted], Awaitable[None]]) -> None:
        self._inbox = inbox
        self._dispatch = dispatch
        self._watching = asyncio.Lock()

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
            with _Note(self._inbox, command.id).kept(NOTED_AFTER):
                await self._dispatch(command)

    async def _is_my_turn(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await self._watching.acquire()
        return False

    async def _watch(self, command: Accepted) -> None:
        if command.is_poison:
            log.error("command %s has ended two processes: it is not run", command.reference)
        note = _Note(self._inbox, command.id, self._watching.release)
        try:
            await note.watched()
            with note.kept(WATCH):
                await self._dispatch(command)
        finally:
            note.leave()


class _Note:
    """What the row of a command that is being run says of it."""

    def __init__(
        self, inbox: Inbox, command_id: int, release: Callable[[], None] = lambda: None
    ) -> None:
        self._inbox = inbox
        self._command_id = command_id
        self._release = release
        self._weight = 0

    async def watched(self) -> None:
        """Note, before anything else happens, that it is watched. Raises ``StoreUnavailable``."""
        await self._inbox.suspect(self._command_id, WATCHED)
        self._weight = WATCHED

    @contextmanager
    def kept(self, seconds: float) -> Iterator[None]:
        """Note after so many seconds that it is still run; and that it is not, where it fails."""
        timer = asyncio.get_running_loop().call_later(seconds, self.among_others)
        try:
            yield
        except BaseException:
            self.weigh(0)
            raise
        finally:
            timer.cancel()

    def among_others(self) -> None:
        """Note that it is run and not watched, or no longer."""
        self.weigh(AMONG_OTHERS)
        self.leave()

    def weigh(self, weight: int) -> None:
        """Note how heavily it would weigh if the process ended now."""
        if weight != self._weight:
            self._inbox.note_suspicion(self._command_id, weight - self._weight)
            self._weight = weight

    def leave(self) -> None:
        """Let the next one be watched."""
        release, self._release = self._release, lambda: None
        release()
