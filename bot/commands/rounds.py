"""One round of an escalation: candidates are tried in their order until one is in the chat."""

import time
from dataclasses import dataclass, field

from bot.acting.open_lines import Target
from bot.commands.arrivals import Arrival, Arrivals, Wish
from bot.commands.missed import Missed, reasons
from bot.commands.policy import Candidate, Policy
from bot.errors import (
    AccessUnclear,
    IsBot,
    IsCustomer,
    IsExtranet,
    NotAdded,
    NotByChat,
    OutcomeUnclear,
    PersonDismissed,
    PersonLacksItem,
    PersonUnavailable,
    Refusal,
    RequesterLacksHistory,
)
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Callee, Chain, Skipped

# What stands in one person's way alone: another one may come.
PERSONAL = (
    AccessUnclear, IsBot, IsCustomer, IsExtranet, NotAdded, NotByChat, OutcomeUnclear,
    PersonDismissed, PersonLacksItem, PersonUnavailable, RequesterLacksHistory,
)  # fmt: skip


@dataclass
class Round:
    """Who was called, if anybody; who was passed over before them, and why."""

    callee: Callee | None = None
    arrival: Arrival | None = None
    skipped: list[Skipped] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)

    @property
    def refusals(self) -> list[Refusal]:
        """What is to be told about those who could not be added, each once."""
        return reasons(self.missed)


@dataclass(eq=False, slots=True)
class Rounds:
    """Brings in whom an escalation calls, in the name of one command's requester."""

    _policy: Policy
    _arrivals: Arrivals
    _command: Accepted

    async def bring_first(
        self, chain: Chain, target: Target, responsible_id: int, newest: int, owner_id: int
    ) -> Round:
        """Bring in the first who can come, one after the other.

        ``newest`` is the last message of the chat so far, ``owner_id`` the dialog's operator.
        """
        found = Round()
        wish = Wish(lasting=chain.lasting, reason=chain.reason, briefed=True)
        event = self._command.event
        async for one in self._policy.candidates(chain.named, responsible_id, event):
            if one.account.person.id in chain.asked:
                continue
            if one.obstacle is None:
                arrival = await self._arrivals.bring(target, [one.account.person], wish)
                found.missed += arrival.missed
                if arrival.joined or arrival.present:
                    found.arrival = arrival
                    led = one.account.person.id == owner_id
                    found.callee = self._callee(one, arrival, newest, led)
                    break
                if not all(isinstance(why, PERSONAL) for why in arrival.refusals):
                    break
            found.skipped.append(one.skipped)
        found.missed = self._arrivals.together(found.missed, target, wish)
        return found

    def _callee(self, candidate: Candidate, arrival: Arrival, newest: int, led: bool) -> Callee:
        return Callee(
            person=candidate.account.person,
            role=candidate.role,
            at=time.time(),
            since=newest,
            command_id=self._command.id,
            joined=bool(arrival.joined),
            led=led,
        )
