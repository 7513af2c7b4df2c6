"""One command's story, from its row in the inbox to its answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import time
from typing import Any

from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    NoPermission,
    Refused,
    Unanswered,
    Unreachable,
)
from bot.commands.router import Router
from bot.connect import Links
from bot.diagnosis import system_refusal
from bot.errors import (
    Failure,
    NoAnswer,
    PermissionNeeded,
    Refusal,
    StoreUnavailable,
)
from bot.outcomes import Outcomes, Told, Usage
from bot.rendering import Wording
from bot.replies import Replies
from bot.store.inbox import Accepted, Button, Inbox, Place, Reply
from bot.store.portals import Portal, Portals

log = logging.getLogger(__name__)

# A reply that may have been lost is sent once more, never a third time.
MAX_ATTEMPTS = 2
PAUSE = 3.0
MAX_LINES = 10
NOTICE_AFTER = 3.0
# What has waited long already is perhaps done at once.
NOTICE_AT_LEAST = 0.5

Workshop = Callable[[type[Any], Portal, Accepted], Any]


class Dispatcher:
    """Carries out accepted commands and answers them."""

    def __init__(
        self,
        router: Router,
        workshop: Workshop,
        portals: Portals,
        inbox: Inbox,
        wording: Wording,
        replies: Replies,
        links: Links,
    ) -> None:
        self._router = router
        self._workshop = workshop
        self._portals = portals
        self._inbox = inbox
        self._wording = wording
        self._replies = replies
        self._links = links

    async def dispatch(self, command: Accepted) -> None:
        """Carry out a command, answer it, and note that it is done.

        Raises ``StoreUnavailable`` alone: then it is to be dispatched again.
        """
        waits = False
        try:
            waits = await self._tell(command)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("command %s stays unanswered", command.reference)
        await (self._inbox.park(command.id) if waits else self._inbox.done(command.id))

    async def _tell(self, command: Accepted) -> bool:
        """Answer a command; ``True`` if it is to be carried out later."""
        portal = await self._portals.find(command.event.member_id)
        if portal is None:
            log.info("command %s: its portal has left", command.reference)
            return False
        replies = command.replies
        if replies is None:
            replies = self._worded(await self._outcomes(portal, command), command)
        await self._answer(portal, command, replies)
        return any(reply.parks for reply in replies)

    async def _outcomes(self, portal: Portal, command: Accepted) -> Outcomes:
        try:
            async with self._notice(portal, command):
                return await self._run(portal, command)
        except Refusal as refusal:
            return refusal
        except StoreUnavailable:
            raise
        except NoPermission:
            link = self._links.make(portal.member_id, command.event.user.id)
            return PermissionNeeded.with_link(link)
        except (Busy, Unreachable, Unanswered):
            return NoAnswer(command.reference)
        except Refused as refused:
            return system_refusal(refused, command.reference)
        except Exception:
            log.exception("command %s failed", command.reference)
            return Failure(command.reference)

    async def _run(self, portal: Portal, command: Accepted) -> Outcomes:
        declared = self._router.find(command.event.name)
        if declared.explains_itself(command.event):
            return Usage(command=declared.name)
        arguments = declared.read(command.event)
        return await declared.run(
            arguments, command.event, lambda type_: self._workshop(type_, portal, command)
        )

    def _worded(self, outcomes: Outcomes, command: Accepted) -> list[Reply]:
        told: Sequence[Told] = outcomes if isinstance(outcomes, Sequence) else [outcomes]
        language = self._wording.known(command.event.language)
        parks = any(isinstance(one, PermissionNeeded) for one in told)
        lines: dict[Place, list[str]] = {}
        buttons: dict[Place, list[Button]] = {}
        for one in told:
            place = Place.PRIVATE if isinstance(one, Refusal) else one.place
            text = self._wording.word(one, language)
            if text not in lines.setdefault(place, []):
                lines[place].append(text)
            buttons.setdefault(place, []).extend(self._wording.buttons(one, language))
        return [
            Reply(
                text=self._cut(texts, language),
                place=place,
                buttons=tuple(buttons[place]),
                parks=parks,
            )
            for place, texts in lines.items()
        ]

    def _cut(self, texts: list[str], language: str) -> str:
        if len(texts) <= MAX_LINES:
            return "\n".join(texts)
        more = self._wording.page("more.j2", language, count=len(texts) - MAX_LINES + 1)
        return "\n".join([*texts[: MAX_LINES - 1], more])

    async def _answer(self, portal: Portal, command: Accepted, replies: list[Reply]) -> None:
        attempts = command.attempts
        for number, reply in enumerate(replies):
            for attempt in range(attempts + 1, MAX_ATTEMPTS + 1):
                await self._inbox.replying(command.id, replies[number:], attempt)
                if await self._sent(portal, command, reply):
                    break
                await asyncio.sleep(PAUSE)
            attempts = 0

    async def _sent(self, portal: Portal, command: Accepted, reply: Reply) -> bool:
        """Send a reply; ``False`` if nobody knows whether it arrived."""
        try:
            await self._replies.send(portal, command, reply)
        except Unanswered:
            return False
        except Bitrix24Error as error:
            log.error("command %s stays unanswered: %s", command.reference, error)
        return True

    @asynccontextmanager
    async def _notice(self, portal: Portal, command: Accepted) -> AsyncIterator[None]:
        """Tell the requester once that it takes longer, if it does."""
        waited = time() - command.since
        task = asyncio.create_task(
            self._notify(portal, command, max(NOTICE_AT_LEAST, NOTICE_AFTER - waited))
        )
        try:
            yield
        finally:
            task.cancel()

    async def _notify(self, portal: Portal, command: Accepted, wait: float) -> None:
        await asyncio.sleep(wait)
        text = self._wording.page("taking_longer.j2", self._wording.known(command.event.language))
        try:
            await self._replies.notify(portal, command.event.user.id, text)
        except Bitrix24Error as error:
            log.info("command %s: no notice: %s", command.reference, error)
