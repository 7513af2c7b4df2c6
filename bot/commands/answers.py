"""What people say to an escalation: that they take it, that they cannot, that it is to stop.

That is only noted. It makes the next act due, which is the requester's own: ``bot/commands/chain``.
"""

import time
from dataclasses import dataclass

from bot.commands.past import UNDO_LIFE
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Chain, Escalation, Escalations, Taken


@dataclass(eq=False, slots=True)
class Answers:
    """Finds the escalation that a command is about, and notes what its requester says to it."""

    _escalations: Escalations
    _command: Accepted

    async def find(self, number: int) -> Escalation | None:
        """Give an escalation of this portal."""
        found = await self._escalations.find(number)
        is_here = found is not None and found.event.member_id == self._command.event.member_id
        return found if is_here else None

    async def own(self) -> tuple[list[Escalation], list[Escalation]]:
        """List what the requester has escalated in this chat, the newest first.

        Apart from these come those that an earlier command has undone, as long as /undo may.
        """
        event, kept, undone = self._command.event, [], []
        for one in await self._escalations.of(event.member_id, event.user.id, event.chat.dialog_id):
            ended = one.chain.ended
            if not ended or ended.how != "undone" or ended.command_id == self._command.id:
                kept.append(one)
            elif ended.at > time.time() - UNDO_LIFE:
                undone.append(one)
        return kept, undone

    async def take(self, escalation: Escalation) -> Escalation:
        """Note that the requester of this command takes it, if nobody has and it goes on.

        Whoever has called them twice into one chat is answered once.
        """
        found, user_id = await self._take(escalation), self._command.event.user.id
        if found.chain.taken is None or found.chain.taken.person.id != user_id:
            return found
        event, chat_id = found.event, found.chain.chat_id
        for one in await self._escalations.in_chat(event.member_id, chat_id):
            callee = one.chain.callee(user_id)
            if one.event.user.id == event.user.id and callee and not callee.declined:
                await self._take(one)
        return found

    async def _take(self, escalation: Escalation) -> Escalation:
        user_id = self._command.event.user.id
        at = max(escalation.begun_at, self._command.received_at)

        def taken(chain: Chain) -> Chain | None:
            callee = chain.callee(user_id)
            if callee is None or chain.ended or chain.taken or chain.stopped:
                return None
            return chain.model_copy(update={"taken": Taken(person=callee.person, at=at)})

        return await self._escalations.change(escalation, taken, due_at=time.time())

    async def decline(self, escalation: Escalation) -> Escalation:
        """Note that the requester of this command cannot, and have what follows from that done."""
        user_id = self._command.event.user.id

        def declined(chain: Chain) -> Chain | None:
            if chain.ended or chain.callee(user_id) is None:
                return None
            callees = [
                one.model_copy(update={"declined": True}) if one.person.id == user_id else one
                for one in chain.callees
            ]
            return chain.model_copy(update={"callees": tuple(callees)})

        return await self._escalations.change(escalation, declined, due_at=time.time())

    async def stop(self, escalation: Escalation) -> Escalation:
        """Note that its requester wants nobody called any more, unless it is taken or over."""

        def stopped(chain: Chain) -> Chain | None:
            if chain.ended or chain.taken:
                return None
            return chain.model_copy(update={"stopped": True})

        return await self._escalations.change(escalation, stopped, due_at=time.time())
