"""How a command gets in: stored, counted, and handed to the engine, whichever that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.bitrix24.events import CommandEvent
from bot.inbox.accepted import NOTHING, Accepted, Brought, Reply, refusals_of
from bot.inbox.backlog import Backlog
from bot.inbox.escalations import Escalations
from bot.inbox.inbox import Inbox
from bot.inbox.stays import Stays
from bot.store.commits import Write


class NotReady(Exception):
    """What is accepted is not carried out just now; the words say why."""


class Engine(Protocol):
    """Sees to it that what the inbox holds is carried out, each chat in its order."""

    async def start(self) -> None:
        """Take up what is waiting, and begin."""

    async def check(self) -> None:
        """Raise ``NotReady`` while what is accepted here cannot be carried out."""

    def joining(self, lane: str) -> Sequence[Write]:
        """Make the writes that belong into the commit that stores an event of this lane."""

    def add(self, command: Accepted) -> None:
        """Note that this command has been stored, along with the writes of ``joining``."""

    async def attend(self, lane: str) -> None:
        """See to a lane in which something waits that was not added here."""

    async def stop(self, patience: float) -> None:
        """Let running commands finish for so many seconds; leave the rest to the next process."""


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
