"""What comes due, put into the inbox as commands of its requester: guests, escalations.

Several processes may look at once. A thing that is due has one identity, and the inbox takes
it once; the note that it is under way is in the same commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.inbox.due import Appointments
from bot.inbox.engine import Engine
from bot.inbox.inbox import Inbox


@dataclass(eq=False, slots=True)
class Timers:
    """Looks for what is due."""

    _appointments: Sequence[Appointments]
    _inbox: Inbox
    _engine: Engine

    async def look(self) -> None:
        """Have everything carried out that is due now."""
        for appointments in self._appointments:
            for due in await appointments.due():
                writes = due.noting, *self._engine.joining(due.event.lane)
                accepted = await self._inbox.accept(due.event, *writes, internal=True)
                if accepted is not None:
                    self._engine.add(accepted)
