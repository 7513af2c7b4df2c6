"""What comes due, put into the inbox as commands of its requester: guests, escalations.

Several processes may look at once. A thing that is due has one identity, and the inbox takes
it once; the note that it is under way is in the same commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.inbox.accepting import Accepting
from bot.inbox.escalations import Escalations
from bot.inbox.stays import Stays


@dataclass(eq=False, slots=True)
class Timers:
    """Looks for what is due."""

    _appointments: Sequence[Stays | Escalations]
    _accepting: Accepting

    async def look(self) -> None:
        """Have everything carried out that is due now."""
        for appointments in self._appointments:
            for due in await appointments.due():
                await self._accepting.accept(due.event, due.noting, internal=True)
