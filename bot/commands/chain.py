"""An escalation on its way: one after the other is called until somebody takes it.

Each of its acts is the requester's own, with the requester's own token. What others say to it,
``bot/commands/answers`` notes.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.acting.crm import Card, Crm
from bot.acting.open_lines import OpenLines, Target
from bot.acting.requester import Requester
from bot.bitrix24.dialogs import Glance
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error, NoPermission, Refused
from bot.bitrix24.retry import NOT_KNOWN
from bot.commands.arrivals import Wish
from bot.commands.diagnosis import system_refusal
from bot.commands.needed import Needed
from bot.commands.policy import Policy, Round
from bot.errors import Refusal
from bot.figures import Figures
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import (
    LONGEST,
    Callee,
    Chain,
    Ended,
    Escalation,
    Escalations,
    How,
    Taken,
)
from bot.portals.actor import Actor
from bot.portals.portals import Portal
from bot.portals.settings import PortalSettings

log = logging.getLogger(__name__)

# Where the portal did not answer, so many seconds pass before it is asked again.
RETRY = 60.0

# However much is said in a chat, it is looked at twice in so many seconds at most.
QUIET = 10.0


class Progress(NamedTuple):
    """How far an act has brought an escalation: somebody was called, or it has ended.

    ``round`` is unknown where the act was cut short after its call.
    """

    escalation: Escalation
    called: Callee | None = None
    round: Round | None = None
    refusals: Sequence[Refusal] = ()


@dataclass(eq=False, slots=True)
class Chains:
    """Carries escalations on, in the name of one command's requester."""

    _requester: Requester
    _lines: OpenLines
    _crm: Crm
    _policy: Policy
    _needed: Needed
    _escalations: Escalations
    _settings: PortalSettings
    _portal: Portal
    _figures: Figures
    _command: Accepted
    _actor: Actor

    @property
    def number(self) -> int:
        """What an escalation is known by that this command begins."""
        return self._command.id

    @property
    def is_taken_up(self) -> bool:
        """Say whether this command has waited for its requester, and is run once more."""
        return self._command.since != self._command.received_at

    def administrator(self, ended: Ended | None) -> Person | None:
        """Give who else hears that nobody has taken it.

        If the portal wants that, or if nobody would hear it otherwise.
        """
        is_deserted = ended is not None and ended.deserted
        is_told = is_deserted or self._settings.at_end == "administrator"
        return Person(id=self._portal.installer_id) if is_told else None

    async def begin(
        self, target: Target, card: Card, named: Sequence[Person], wait: int, wish: Wish
    ) -> tuple[Chain, Round]:
        """Call the first who can come, and note the escalation, if anybody was called.

        They are those ``named``, or whom the portal's order gives; each has ``wait`` seconds.
        """
        chain = Chain(
            requester=self._requester.person,
            item=card.item,
            chat_id=target.known_chat,
            here=target.here,
            reason=wish.reason,
            named=tuple(named),
            wait=wait,
            lasting=wish.lasting,
        )
        newest = await self._newest(chain.chat_id)
        owner_id = self._command.event.chat.owner if target.here else 0
        found = await self._policy.bring_first(chain, target, card.responsible_id, newest, owner_id)
        if found.arrival is not None:
            known = {
                "item": await self._crm.titled(chain.item),
                "requester": self._requester.person,
                "chat_id": found.arrival.chat_id,
            }
            chain = _with(chain, found).model_copy(update=known)
            await self._escalations.begin(self._command.id, self._command.event, chain)
        return chain, found

    async def _newest(self, chat_id: int) -> int:
        """Give the last message of the chat so far: the command, or what the portal shows there.

        What is asked for on a page has no message.
        """
        event, _since = self._command.answerable
        if number := max(self._command.event.message.id, event.message.id):
            return number
        return max((one.id for one in (await self._lines.glance(chat_id)).said), default=0)

    async def undo(self, escalation: Escalation) -> Escalation:
        """End it, if it goes on: what it has done is taken back by this command.

        Raises ``NotProven``, ``NotTheirs``, ``Bitrix24Error``: nothing else may have proven yet
        that its requester wants that.
        """
        await self._actor.prove()
        return (await self._end(escalation, "undone")).escalation

    async def advance(self, found: Escalation, due: float) -> Progress | None:
        """Do what is to be done now, as the requester; ``None`` where that is nothing.

        A command that was cut short asks again, and is told the same.
        Raises ``NoPermission``. Where the portal cannot be asked now, it is put off.
        """
        if found.event.user.id != self._command.event.user.id:
            return None
        if found.chain.ended:
            return Progress(found) if self.has_ended(found) else None
        called = [one for one in found.chain.callees if one.command_id == self._command.id]
        if called:
            return Progress(found, called[-1])
        try:
            return await self._advance(found, due)
        except NoPermission:
            if found.chain.stopped or found.age > LONGEST:
                return await self._end(found, "nobody")
            if await self._actor.has_left():
                return await self._desert(found, due)
            # This act waits as long for the permission.
            await self._put_off(found, time.time() + LONGEST + RETRY)
            raise
        except NOT_KNOWN:
            await self._put_off(found, time.time() + RETRY)
            return None
        except Refused as refused:
            why = system_refusal(refused, self._command.reference)
            return await self._end(found, "nobody", refusals=[why])
        except Refusal as refusal:
            return await self._end(found, "nobody", refusals=[refusal])

    async def unasked(self, escalation: Escalation) -> tuple[Person, ...]:
        """Give some whom nobody has asked yet: on duty, or in the queue of the line."""
        chain = escalation.chain
        try:
            dialog = await self._lines.dialog(chain.chat_id)
            queue = await self._lines.known_queue(dialog.line_id) or ()
            return await self._policy.unasked(chain.asked, queue)
        except Bitrix24Error:
            return ()

    def has_ended(self, escalation: Escalation) -> bool:
        """Say whether it was this very command that has ended it."""
        ended = escalation.chain.ended
        return ended is not None and ended.command_id == self._command.id

    def record(self, escalation: Escalation) -> None:
        """Count an escalation that this command has ended.

        Every end comes by here once; and once more where the process died while it was told.
        """
        ended, seconds = escalation.chain.ended, escalation.seconds
        if ended and self.has_ended(escalation):
            log.info("an escalation has ended: %s after %.0f s", ended.how, seconds)
            self._figures.escalated(ended.how, seconds if escalation.chain.taken else None)

    async def _advance(self, found: Escalation, due: float) -> Progress | None:
        if found.chain.taken:
            return await self._end(found, "taken")
        seen = await self._lines.glance(found.chain.chat_id)
        if taken := _taking(found, seen):
            return await self._end(found, "taken", taken)
        if found.chain.stopped or seen.dialog.is_over:
            return await self._end(found, "stopped", closed=not found.chain.stopped)
        if found.chain.is_waited_for and not found.is_late(due):
            await self._wait(found)
            return None
        if found.age > LONGEST:
            return await self._end(found, "nobody")
        return await self._next(found, seen)

    async def _desert(self, found: Escalation, due: float) -> Progress | None:
        """End it when whoever was called last has had their time: nobody can call the next one."""
        if found.chain.is_waited_for and not found.is_late(due):
            await self._put_off(found, found.until)
            return None
        return await self._end(found, "nobody", deserted=True)

    async def _wait(self, found: Escalation) -> None:
        """Wait on, and look once more in a while: whatever is said until then costs no look."""
        again = not found.chain.looked
        soon = time.time() + QUIET if again else found.until
        await self._put_off(found, min(found.until, soon), looked=again)

    async def _put_off(self, found: Escalation, due_at: float, **looked: bool) -> None:
        """Look at it again later, unless its end or somebody's answer has made it due meanwhile."""

        def later(chain: Chain) -> Chain | None:
            return chain.model_copy(update=looked) if chain == found.chain else None

        await self._escalations.change(found, later, due_at=due_at)

    async def _next(self, found: Escalation, seen: Glance) -> Progress | None:
        chain = found.chain
        if not chain.is_waited_for:
            await self._needed.let_go(found, [one for one in chain.callees[-1:] if one.joined])
        responsible_id = 0 if chain.named else (await self._crm.card(chain.item)).responsible_id
        target = Target(chain.item, chain.chat_id, here=chain.here)
        newest = max(0, *(one.id for one in seen.said), *(one.since for one in chain.callees))
        done = await self._policy.bring_first(
            chain, target, responsible_id, newest, seen.dialog.owner
        )
        callee, now = done.callee, time.time()

        def called(chain: Chain) -> Chain | None:
            return None if chain.ended else _with(chain, done)

        found = await self._escalations.change(
            found, called, until=now + chain.wait, due_at=now + chain.wait
        )
        if callee is None:
            return await self._end(found, "nobody", refusals=done.refusals)
        if found.chain.callee(callee.person.id) is None:
            # It was ended from elsewhere meanwhile: nobody needs them.
            await self._needed.let_go(found, [callee] if callee.joined else [], always=True)
            return None
        if found.chain.taken or found.chain.stopped:
            # As it is: it is only to be looked at again at once.
            await self._escalations.change(
                found, lambda chain: None if chain.ended else chain, due_at=now
            )
        return Progress(found, callee, done)

    async def _end(
        self,
        found: Escalation,
        how: How,
        taken: Taken | None = None,
        *,
        closed: bool = False,
        deserted: bool = False,
        refusals: Sequence[Refusal] = (),
    ) -> Progress:
        def over(chain: Chain) -> Chain | None:
            if chain.ended:
                return None
            by = taken or chain.taken
            # Whoever has taken it meanwhile has taken it; only its requester undoes that.
            really: How = "taken" if by and how != "undone" else how
            if chain.stopped and really == "nobody":
                really = "stopped"
            closes = closed and not (by or chain.stopped)
            ended = Ended(
                how=really,
                closed=closes,
                deserted=deserted and really == "nobody",
                command_id=self._command.id,
                at=time.time(),
            )
            return chain.model_copy(update={"ended": ended, "taken": by})

        ended = await self._escalations.change(found, over, due_at=time.time())
        return Progress(ended, refusals=refusals)


def _with(chain: Chain, done: Round) -> Chain:
    """Give the chain after a round: who was called, and who was passed over, each once."""
    passed = {one.person.id: one for one in (*chain.skipped, *done.skipped)}
    callees = (*chain.callees, done.callee) if done.callee else chain.callees
    return chain.model_copy(update={"callees": callees, "skipped": tuple(passed.values())})


def _taking(found: Escalation, seen: Glance) -> Taken | None:
    """Say who of those called has taken it: by writing in the chat, or as its operator."""
    # Who has said that they cannot may still say why.
    wrote = [
        (said.id, one.person, said.at)
        for one in found.chain.callees
        if not one.declined and (said := seen.first_of(one.person.id, one.since))
    ]
    now = time.time()
    if wrote:
        _number, person, at = min(wrote, key=lambda one: one[0])
        return Taken(person=person, at=min(now, max(found.begun_at, at or now)))
    owner = found.chain.callee(seen.dialog.owner)
    return Taken(person=owner.person, at=now) if owner and not owner.led else None
