"""Whom escalations need in a chat, and who of those called may leave it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.acting.open_lines import Target
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error
from bot.commands.departures import Departures
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Callee, Escalation, Escalations
from bot.portals.settings import PortalSettings

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Needed:
    """Lets go who is not needed, in the name of one command's requester."""

    _departures: Departures
    _escalations: Escalations
    _settings: PortalSettings
    _command: Accepted

    async def free(self, escalation: Escalation, callees: Sequence[Callee]) -> list[Person]:
        """Give those of them whom no other escalation wants in the same chat."""
        people, chat_id = [one.person for one in callees], escalation.chain.chat_id
        wanted = await self.wanted(people, chat_id, escalation.begun_at, but=escalation.id)
        return [one for one in people if one not in wanted]

    async def wanted(
        self, people: Sequence[Person], chat_id: int, since: float, but: int = 0
    ) -> list[Person]:
        """Give those of them whom an escalation wants in a chat: one that has gone on since then.

        The one does not count that the command ``but`` has done something for.
        """
        member_id = self._command.event.member_id
        found = await self._escalations.since(since, member_id, chat_id)
        chains = [one.chain for one in found if but not in one.acts]
        return [one for one in people if any(chain.needs(one) for chain in chains)]

    async def release(self, escalation: Escalation) -> tuple[Person, ...]:
        """Take those out who are not needed any more, where the portal wants that.

        Gives those who have left; nobody where the requester's permission is gone.
        """
        chain, ended = escalation.chain, escalation.chain.ended
        if ended is None or ended.how == "nobody":
            return ()
        taker = chain.taken.person.id if chain.taken else 0
        return await self.let_go(
            escalation, [one for one in chain.callees if one.joined and one.person.id != taker]
        )

    async def let_go(
        self, escalation: Escalation, callees: Sequence[Callee], *, always: bool = False
    ) -> tuple[Person, ...]:
        """Take those out who are free to go, where the portal wants that, or ``always``.

        Gives those who have left.
        """
        if not callees or not (always or self._settings.not_needed == "leave"):
            return ()
        people, chain = await self.free(escalation, callees), escalation.chain
        if not people:
            return ()
        target = Target(chain.item, chain.chat_id, here=chain.here)
        try:
            departure = await self._departures.take_out_but_operator(target, people)
        except Bitrix24Error as error:
            log.warning("who is not needed stays in the chat: %s", error)
            return ()
        return departure.gone
