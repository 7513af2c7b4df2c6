"""The lines of one message are run in their order, however the portal's events for them arrive."""

import time

from cachetools import TTLCache

from bot.inbox.accepted import Accepted
from bot.inbox.inbox import Inbox

# How long a chat waits for lines that are on their way, and for how long it does so no more then:
# anybody can say that there are some.
APART = 2.0
REFRAINED = 60.0


class Lines:
    """Says whether a command is to wait for what stands before it in its message."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._began: TTLCache[str, float] = TTLCache(maxsize=10_000, ttl=REFRAINED)

    async def are_coming(self, command: Accepted) -> bool:
        """Say whether earlier lines may still be on their way. Raises ``StoreUnavailable``."""
        if not command.event.earlier_lines:
            return False
        now = time.monotonic()
        if now - self._began.get(command.lane, now) > APART:
            return False
        if not await self._inbox.lacks_lines(command):
            return False
        self._began.setdefault(command.lane, now)
        return True
