"""A command's replies on their way: noted before they leave, sent again where one may be lost."""

import asyncio
import logging
from collections.abc import Sequence

from bot.bitrix24.errors import Bitrix24Error, Unanswered
from bot.inbox.accepted import Accepted, Place, Reply
from bot.inbox.inbox import Inbox
from bot.portals.portals import Portal
from bot.story.replies import Replies

log = logging.getLogger(__name__)

# A reply that may have been lost is sent once more, never a third time.
MAX_ATTEMPTS = 2
PAUSE = 3.0


class Answers:
    """Answers commands, each reply as often as it takes and is allowed."""

    def __init__(self, replies: Replies, inbox: Inbox) -> None:
        self._replies = replies
        self._inbox = inbox

    async def send(self, portal: Portal, command: Accepted, replies: Sequence[Reply]) -> bool:
        """Send the replies; ``False`` if the requester's own certainly did not arrive."""
        attempts, is_said = command.attempts, True
        for number in range(len(replies)):
            is_said = await self._insist(portal, command, replies[number:], attempts) and is_said
            attempts = 0
        return is_said

    async def _insist(
        self, portal: Portal, command: Accepted, rest: Sequence[Reply], attempts: int
    ) -> bool:
        """Send the first of these replies, again if it may have been lost.

        ``False`` if it certainly did not arrive and was its requester's.
        """
        arrived: bool | None = None
        if attempts == MAX_ATTEMPTS:
            # A process died during the second attempt: its requester may have heard nothing.
            last = rest[0].model_copy(update={"place": Place.PRIVATE})
            arrived = await self._sent(portal, command, [last, *rest[1:]], attempts)
        for attempt in range(attempts, MAX_ATTEMPTS):
            arrived = await self._sent(portal, command, rest, attempt)
            if arrived is not None:
                break
            await asyncio.sleep(PAUSE)
        return arrived is not False or rest[0].user_id != 0

    async def _sent(
        self, portal: Portal, command: Accepted, rest: Sequence[Reply], attempts: int
    ) -> bool | None:
        """Send the first of these replies and say if it arrived; ``None`` if nobody knows."""

        async def under_way(is_leaving: bool) -> None:
            await self._inbox.replying(command, rest, attempts + is_leaving)

        try:
            await self._replies.send(portal, command, rest[0], under_way)
        except Unanswered:
            return None
        except Bitrix24Error as error:
            log.error("command %s stays unanswered: %s", command.reference, error)
            return False
        return True
