"""What comes due, put into the inbox as commands of its requester: guests, escalations.

Several processes may look at once. A thing that is due has one identity, and the inbox takes
it once; the note that it is under way is in the same commit.
"""

import asyncio
import logging
from collections.abc import Sequence

from bot.errors import StoreUnavailable
from bot.inbox.due import Due
from bot.inbox.engine import Engine
from bot.inbox.escalations import Escalations
from bot.inbox.inbox import Inbox
from bot.inbox.stays import Stays
from bot.portals.preferences import Preferences
from bot.story.buttons import Buttons

log = logging.getLogger(__name__)

TICK = 1.0
SWEEP_EVERY = 3600


class Timers:
    """Looks every second for what is due."""

    def __init__(
        self,
        appointments: Sequence[Stays | Escalations],
        inbox: Inbox,
        engine: Engine,
        buttons: Buttons,
        preferences: Preferences,
    ) -> None:
        self._appointments = appointments
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
                    for one in self._appointments:
                        await one.forget_old()
            except StoreUnavailable as error:
                log.info("nobody looks what is due this time: %s", error)
            ticks += 1
            await asyncio.sleep(TICK)

    async def look(self) -> None:
        """Have everything carried out that is due now."""
        for appointments in self._appointments:
            for due in await appointments.due():
                await self._accept(due)

    async def _accept(self, due: Due) -> None:
        joining = self._engine.joining(due.event.lane)
        accepted = await self._inbox.accept(due.event, due.noting, *joining, internal=True)
        if accepted is not None:
            self._engine.add(accepted)
