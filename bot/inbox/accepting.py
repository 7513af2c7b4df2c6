"""How a command gets in: stored, counted, and handed to the engine."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.bitrix24.events import CommandEvent
from bot.inbox.accepted import NOTHING, Brought, Reply, refusals_of
from bot.inbox.backlog import Backlog
from bot.inbox.engine import Engine
from bot.inbox.escalations import Escalations
from bot.inbox.inbox import Inbox
from bot.inbox.stays import Stays
from bot.store.commits import Write


@dataclass(eq=False, slots=True)
class Accepting:
    """Accepts commands, wherever they come from: the portal, a page, the clock."""

    _inbox: Inbox
    _backlog: Backlog
    _engine: Engine
    _appointments: Sequence[Stays | Escalations]

    async def accept(
        self,
        event: CommandEvent,
        *with_it: Write,
        brought: Brought = NOTHING,
        refusal: Reply | None = None,
        identity: str = "",
        internal: bool = False,
        proven: bool = False,
    ) -> bool:
        """Commit an event as ``Inbox.accept`` does, and have it run when its turn comes.

        ``False`` if it is known already. Raises ``StoreUnavailable``.
        """
        lane = refusals_of(event) if refusal else event.lane
        accepted = await self._inbox.accept(
            event,
            *with_it,
            *self._engine.joining(lane),
            brought=brought,
            refusal=refusal,
            identity=identity,
            internal=internal,
            proven=proven,
        )
        if accepted is None:
            return False
        self._backlog.added(accepted)
        self._engine.add(accepted)
        return True

    async def look(self) -> None:
        """Have everything carried out that is due now, as a command of its requester.

        Several processes may look at once. A thing that is due has one identity, and the inbox
        takes it once; the note that it is under way is in the same commit.
        """
        for appointments in self._appointments:
            for due in await appointments.due():
                await self.accept(due.event, due.noting, internal=True)
