"""Commands that may be somebody else's doing: which are dropped, and of which nobody is told."""

import logging
from dataclasses import dataclass

from bot.bitrix24.errors import NotProven
from bot.bitrix24.retry import NOT_KNOWN
from bot.commands.quotes import is_own_word
from bot.figures import Ending
from bot.inbox.accepted import PRESS, Accepted, End
from bot.inbox.inbox import Inbox
from bot.portals.actor import Actor
from bot.portals.portals import Portal
from bot.portals.preferences import Preferences
from bot.portals.proof import Proof

log = logging.getLogger(__name__)

# Seconds after an answer in which the same press is still taken for a second delivery.
AGAIN_AFTER = 1.0


@dataclass(eq=False, slots=True)
class Doubts:
    """What anybody could bring about in another's name comes to little, and is seldom told."""

    _proof: Proof
    _inbox: Inbox
    _preferences: Preferences

    async def dropped(self, portal: Portal, command: Accepted) -> str:
        """Say why a command is none of its requester's, or none any more; empty if it is."""
        if command.replies is not None:
            # What a run has come to is due, however that run ended.
            if not command.is_refusal or command.attempts > 0:
                return ""
            is_colleague = await self._proof.is_colleague(portal, command.event.user.id)
            return "" if is_colleague and await self._is_first(command, "refused") else "untold"
        if not (command.proven or command.internal) and self._proof.is_external(
            portal, command.event.user.id
        ):
            return "an external user's"
        if not is_own_word(command.event):
            return "only quoted"
        if command.is_second and await self._inbox.proven_before(command):
            return "" if await self._is_pressed_again(command) else "known already"
        return ""

    async def untold(self, portal: Portal, command: Accepted, end: End, actor: Actor) -> End | None:
        """Say how a command ended of which nobody is told; ``None`` where a word is due.

        What anybody could bring about often, or to anybody, is seldom told. A few are kept that
        their requester may mean: the page shows them with the one that they were told of.
        Raises ``NotTheirs``.
        """
        member_id, person = command.event.member_id, command.event.user.id
        if end.outcome is Ending.DROPPED:
            is_first = await self._preferences.first_today(member_id, f"forwarded/{person}")
            return None if is_first else End(Ending.DROPPED)
        is_asked = end.outcome is Ending.ASKED
        if not is_asked and await self._may_be_told(portal, command, actor):
            return None
        if not await self._proof.is_colleague(portal, person):
            return End(Ending.DROPPED)
        if await self._is_first(command, "asked" if is_asked else "told"):
            return None
        if is_asked:
            is_enough = await self._inbox.is_asked_enough(member_id, person)
            return End(Ending.DROPPED) if is_enough else end
        return None if await _may_be_genuine(actor) else End(Ending.DROPPED)

    async def _may_be_told(self, portal: Portal, command: Accepted, actor: Actor) -> bool:
        """Say whether a command's requester is told of it whenever they like.

        A token of which only the event says whose it is has to be theirs, if they are told often.
        Raises ``NotTheirs``.
        """
        if actor.is_proven or not actor.may_act:
            return actor.is_proven
        return self._proof.is_free(portal, command.event.user.id) or await _may_be_genuine(actor)

    async def _is_first(self, command: Accepted, what: str) -> bool:
        """Say whether a requester whom nothing proves is told such a thing: once a minute."""
        event, minute = command.event, int(command.received_at / 60)
        note = f"{what}/{event.user.id}/{minute}"
        if await self._preferences.first_today(event.member_id, note):
            return True
        log.warning("command %s: its requester was told something a moment ago", command.reference)
        return False

    async def _is_pressed_again(self, command: Accepted) -> bool:
        """Tell a person who presses a button once more from a second delivery.

        The two look alike, but a delivery does not come back after the answer. Whoever presses
        again is told once that the button has worked.
        """
        event = command.event
        if event.name != PRESS or not await self._inbox.proven_before(command, AGAIN_AFTER):
            return False
        return await self._preferences.first_today(event.member_id, f"again/{event.identity[:40]}")


async def _may_be_genuine(actor: Actor) -> bool:
    """Say whether a command may be its requester's: nobody who can be asked says that it is not."""
    try:
        await actor.prove()
    except NotProven:
        return False
    except NOT_KNOWN:
        pass
    return True
