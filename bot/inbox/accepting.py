"""How a command gets in: stored, counted, and handed to the engine."""

from dataclasses import dataclass

from bot.bitrix24.events import CommandEvent
from bot.inbox.accepted import NOTHING, Brought, Reply, refusals_of
from bot.inbox.backlog import Backlog
from bot.inbox.engine import Engine
from bot.inbox.inbox import Inbox
from bot.store.commits import Write


@dataclass(eq=False, slots=True)
class Accepting:
    """Accepts commands, wherever they come from: the portal, a page, the clock."""

    _inbox: Inbox
    _backlog: Backlog
    _engine: Engine

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
