"""What comes due, put into the inbox as commands of its requester: guests, escalations.

Several processes may look at once. A thing that is due has one identity, and the inbox takes
it once; the note that it is under way is in the same commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.inbox.engine import Engine
from bot.inbox.escalations import Escalations
from bot.inbox.inbox import Inbox
from bot.inbox.stays import Stays


@dataclass(eq=False, slots=True)
class Timers:
    """Looks for what is due."""

    _appointments: Sequence[Stays | Escalations]
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
