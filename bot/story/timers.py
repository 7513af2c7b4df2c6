"""What comes due: reminders and removals, put into the inbox as commands of their requester.

Several processes may look at once. A thing that is due has one identity, and the inbox takes
it once; the note that it is under way is in the same commit.
"""

import asyncio
import logging
from collections.abc import Callable

from bot.bitrix24.events import INTERNAL, CommandEvent
from bot.errors import StoreUnavailable
from bot.inbox.engine import Engine
from bot.inbox.inbox import Inbox
from bot.inbox.stays import Guests, Stays
from bot.portals.preferences import Preferences
from bot.store.commits import Write
from bot.story.buttons import Buttons

log = logging.getLogger(__name__)

TICK = 1.0
SWEEP_EVERY = 3600


class Timers:
    """Looks every second for what is due."""

    def __init__(
        self,
        stays: Stays,
        inbox: Inbox,
        engine: Engine,
        buttons: Buttons,
        preferences: Preferences,
    ) -> None:
        self._stays = stays
        self._inbox = inbox
        self._engine = engine
        self._buttons = buttons
        self._preferences = preferences

    async def keep_looking(self) -> None:
        """Look again and again, until cancelled."""
        ticks = 0
        while True:
            try:
                await self.look()
                if ticks % SWEEP_EVERY == 0:
                    await self._buttons.forget_old()
                    await self._preferences.forget_old()
                    await self._stays.forget_old()
            except StoreUnavailable as error:
                log.info("nobody looks what is due this time: %s", error)
            ticks += 1
            await asyncio.sleep(TICK)

    async def look(self) -> None:
        """Have everything carried out that is due now."""
        for guests in await self._stays.due():
            if guests.is_over:
                await self._accept(guests, "expire", self._stays.ending)
            else:
                await self._accept(guests, "remind", self._stays.reminding)

    async def _accept(self, guests: Guests, name: str, noting: Callable[[Guests], Write]) -> None:
        event = _event(guests, name)
        joining = self._engine.joining(event.lane)
        accepted = await self._inbox.accept(event, noting(guests), *joining, internal=True)
        if accepted is not None:
            self._engine.add(accepted)


def _event(guests: Guests, name: str) -> CommandEvent:
    params = f'{{"id":{guests.id},"until":{guests.until!r}}}'
    event = guests.event.about(name, params)
    command = event.command.model_copy(update={"context": INTERNAL})
    return event.model_copy(update={"command": command})
