"""A word to those who wait, for a command or behind it, that it takes longer."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time

from cachetools import TTLCache

from bot.bitrix24.errors import Bitrix24Error
from bot.errors import StoreUnavailable
from bot.inbox.accepted import Accepted
from bot.inbox.inbox import Inbox
from bot.portals.portals import Portal
from bot.story.replies import Replies
from bot.wording.rendering import Languages, Wording

log = logging.getLogger(__name__)

NOTICE_AFTER = 3.0
# What has waited long already is perhaps done at once.
NOTICE_AT_LEAST = 0.5
# How often, and how far, is looked at what waits behind a command that takes long.
LOOK_BEHIND = 1.0
BEHIND = 16


@dataclass(eq=False)
class TakingLonger:
    """Tells whoever waits that it takes longer: once a command, privately."""

    _inbox: Inbox
    _languages: Languages
    _wording: Wording
    _replies: Replies

    def __post_init__(self) -> None:
        self._told: TTLCache[int, bool] = TTLCache(maxsize=10_000, ttl=900)

    @contextmanager
    def notice(self, portal: Portal, command: Accepted) -> Iterator[None]:
        """Tell whoever waits, for this command or behind it, once that it takes longer."""
        tasks: list[asyncio.Task[None]] = []

        def begin() -> None:
            tasks.append(asyncio.create_task(self._notify(portal, command)))

        waited = time() - command.since
        wait = max(NOTICE_AT_LEAST, NOTICE_AFTER - waited)
        timer = asyncio.get_running_loop().call_later(wait, begin)
        try:
            yield
        finally:
            timer.cancel()
            for task in tasks:
                task.cancel()

    async def _notify(self, portal: Portal, command: Accepted) -> None:
        told: set[int] = set()
        late = [command]
        while True:
            for one in late:
                await self._tell(portal, one, told)
            await asyncio.sleep(LOOK_BEHIND)
            late = await self._late_behind(command)

    async def _late_behind(self, command: Accepted) -> list[Accepted]:
        try:
            waiting = await self._inbox.waiting(command.lane, BEHIND)
        except StoreUnavailable:
            return []
        return [one for one in waiting if time() - one.since >= NOTICE_AFTER]

    async def _tell(self, portal: Portal, command: Accepted, told: set[int]) -> None:
        """Tell a requester, unless they have been told: just now, or for this command before."""
        event, requester = command.event, command.event.user.id
        is_news = requester not in told and command.id not in self._told
        told.add(requester)
        self._told[command.id] = True
        try:
            if is_news:
                language = await self._languages.of(event.member_id, requester, event.language)
                text = self._wording.page("taking_longer.j2", language)
                await self._replies.notify(portal, command, text)
        except (Bitrix24Error, StoreUnavailable) as error:
            log.info("command %s: no notice: %s", command.reference, error)
