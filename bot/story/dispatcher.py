"""One command's story, from its row in the inbox to its answer."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import time

import structlog
from structlog.contextvars import bound_contextvars

from bot.bitrix24.entities import Act, Offer, Person
from bot.bitrix24.errors import NoPermission, NotProven, NotTheirs, Refused, Renamed
from bot.bitrix24.retry import NOT_KNOWN
from bot.commands.diagnosis import system_refusal
from bot.commands.outcomes import (
    AdministratorNeeded,
    CommandList,
    Greeting,
    HiddenHint,
    Told,
    Usage,
    end_of,
)
from bot.commands.quotes import is_forwarded
from bot.commands.runner import Runner
from bot.errors import (
    AppClosed,
    ConsentNeeded,
    EndsProcesses,
    EscalationWaits,
    Failure,
    ForwardedCommand,
    NoAnswer,
    PermissionNeeded,
    PlanLacksRest,
    PortalRenamed,
    Refusal,
    ScopeMissing,
    StoreUnavailable,
    SubscriptionEnded,
)
from bot.figures import Ending, Figures
from bot.inbox.accepted import PRESS, Accepted, End, Place, Reply
from bot.inbox.escalations import LONGEST
from bot.inbox.inbox import KEPT, Inbox
from bot.portals.actor import Actor
from bot.portals.portals import Portal, Portals
from bot.portals.preferences import Preferences
from bot.story.buttons import Buttons
from bot.story.connect import ConnectLinks
from bot.story.doubts import Doubts
from bot.story.letters import Letters
from bot.story.replies import Replies
from bot.story.taking_longer import TakingLonger

log = logging.getLogger(__name__)
lines = structlog.get_logger()

ALARMING = (ScopeMissing, AppClosed, SubscriptionEnded, PlanLacksRest, PortalRenamed)

# Nothing in them is anybody's but the bot's.
HARMLESS = (Usage, CommandList, Greeting)

HIDDEN_OFFERS = (
    Offer(name="hide", act=Act(name="hide"), independent=True),
    Offer(name="delete", act=Act(name="delete_command"), independent=True),
)


# What was carried out in a command's place, perhaps proven by now, and how that ended.
_Ended = tuple[Accepted, End]


@dataclass(eq=False, slots=True)
class Dispatcher:
    """Carries out accepted commands and answers them."""

    _runner: Runner
    _doubts: Doubts
    _actor_for: Callable[[Portal, Accepted], Actor]
    _portals: Portals
    _inbox: Inbox
    _letters: Letters
    _buttons: Buttons
    _preferences: Preferences
    _taking_longer: TakingLonger
    _replies: Replies
    _links: ConnectLinks
    _figures: Figures

    async def dispatch(self, command: Accepted) -> None:
        """Carry out a command, answer it, and note that it is done.

        Raises ``StoreUnavailable`` alone: then it is to be dispatched again.
        """
        event, reference = command.event, command.reference
        acting, end = command, End(Ending.UNANSWERED)
        with bound_contextvars(
            portal=event.member_id, event_id=event.identity[:32], reference=reference
        ):
            try:
                acting, end = await self._story(command)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("command %s stays unanswered", reference)
            seconds = time() - command.since
            if end.outcome is Ending.WAITS:
                await self._inbox.park(command.id, LONGEST if command.internal else KEPT)
            elif end.outcome is Ending.DROPPED and not acting.proven:
                await self._inbox.drop(command.id, end)
            else:
                await self._inbox.done(command.id, end, proven=acting.proven)
            self._account(acting, end, seconds)

    def _account(self, command: Accepted, end: End, seconds: float) -> None:
        """Count a command that is over, and say in one line what became of it."""
        event = command.event
        name = self._runner.named(event.name)
        self._figures.commands.add(name, end.outcome, end.code)
        if end.is_answer:
            self._figures.to_reply.observe(max(0.0, seconds))
        lines.info(
            "command ended",
            logger=__name__,
            command=name,
            outcome=end.outcome.value,
            code=end.code,
            seconds=round(seconds, 3),
            chat=event.chat.dialog_id,
            user=event.user.id,
            message_id=event.message.id,
        )

    async def _story(self, command: Accepted) -> _Ended:
        """Carry a command out and answer it; say how that ended."""
        portal = await self._portals.find(command.event.member_id)
        if portal is None:
            log.info("command %s: its portal has left", command.reference)
            return command, End(Ending.DROPPED)
        if dropped := await self._doubts.dropped(portal, command):
            log.info("command %s is %s", command.reference, dropped)
            return command, End(Ending.DROPPED)
        if command.replies is not None:
            return await self._answered(portal, command, command.replies, End(Ending.TOLD))
        actor = self._actor_for(portal, command)
        try:
            acting, told = await self._told(portal, command, actor)
            told = await self._tellable(portal, acting, actor, told)
            end = end_of(told)
            untold = await self._doubts.untold(portal, command, end, actor)
        except NotTheirs:
            # Nothing is said to whom the command only pretended to come from.
            return command, End(Ending.DROPPED)
        acting = replace(acting, proven=actor.is_proven)
        if untold:
            return acting, untold
        replies = await self._worded(portal, acting, actor.person, told, end.outcome)
        return await self._answered(portal, acting, replies, end)

    async def _tellable(
        self, portal: Portal, acting: Accepted, actor: Actor, told: Sequence[Told]
    ) -> Sequence[Told]:
        """Give what may be told of a command that nothing has proven, unless it proves now.

        Raises ``NotTheirs``.
        """
        if actor.is_proven or (ending := end_of(told).outcome) is Ending.ASKED:
            return told
        is_asked = any(offer.act is not None for one in told for offer in one.offers)
        if actor.may_act and not is_asked and ending is not Ending.DROPPED:
            return told
        if all(isinstance(one, HARMLESS) for one in told):
            return told
        try:
            await actor.prove()
        except NotProven:
            return [self._asking(portal, acting)]
        except NOT_KNOWN:
            return [NoAnswer(acting.reference)]
        return told

    async def _answered(
        self, portal: Portal, acting: Accepted, replies: Sequence[Reply], end: End
    ) -> _Ended:
        is_said = await self._replies.send(portal, acting, replies)
        if any(reply.parks for reply in replies):
            return acting, End(Ending.WAITS, end.code)
        if any(reply.asks for reply in replies):
            return acting, End(Ending.ASKED, end.code)
        return acting, end if is_said else End(Ending.UNANSWERED)

    async def _told(
        self, portal: Portal, command: Accepted, actor: Actor
    ) -> tuple[Accepted, Sequence[Told]]:
        """Carry a command out, and give what it came to; and what was carried out in its place.

        Raises ``NotTheirs``, ``StoreUnavailable``.
        """
        acting = command
        try:
            if command.is_poison:
                raise EndsProcesses(command.reference)
            if is_forwarded(command.event):
                raise ForwardedCommand
            if command.event.name == PRESS:
                acting = await self._buttons.press(command, actor)
            with self._taking_longer.notice(portal, command):
                told = await self._runner.run(portal, acting, actor)
            return acting, [self._linked(portal, command, one) for one in told]
        except Refusal as refusal:
            return acting, [refusal]
        except (NotTheirs, StoreUnavailable):
            raise
        except NotProven:
            return acting, [self._asking(portal, acting)]
        except NoPermission:
            kind = EscalationWaits if command.internal else PermissionNeeded
            return acting, [self._linked(portal, command, kind())]
        except Renamed:
            return acting, [PortalRenamed()]
        except NOT_KNOWN:
            return acting, [NoAnswer(command.reference)]
        except Refused as refused:
            return acting, [system_refusal(refused, command.reference)]
        except Exception:
            log.exception("command %s failed", command.reference)
            return acting, [Failure(command.reference)]

    def _linked(self, portal: Portal, command: Accepted, told: Told) -> Told:
        """Give what waits for a permission the link by which its requester gives it."""
        if not isinstance(told, PermissionNeeded):
            return told
        return told.with_link(self._links.make(portal.member_id, command.event.user.id))

    def _asking(self, portal: Portal, command: Accepted) -> ConsentNeeded:
        event = command.event
        link = self._links.make(portal.member_id, event.user.id, command.id)
        is_typed = command.press is None and self._runner.knows(event.name)
        return ConsentNeeded(event.name if is_typed else "").with_link(link)

    async def _worded(
        self,
        portal: Portal,
        command: Accepted,
        requester: Person,
        told: Sequence[Told],
        ending: Ending,
    ) -> list[Reply]:
        """Give the replies to what a command came to, and what is to be told besides."""
        try:
            replies = await self._letters.write(told, command, ending)
        except StoreUnavailable:
            raise
        except Exception:
            # A handler of one's own may give what no template words.
            log.exception("command %s: there are no words for it", command.reference)
            replies = await self._letters.write([Failure(command.reference)], command)
        if not command.proven:
            return replies
        replies += await self._alert(portal, command, requester, told)
        replies += await self._hint(command)
        # What is said last stays readable: a page shows its visitor what came of their wish.
        if command.event.is_of_page:
            replies.sort(key=lambda one: one.place is Place.PRIVATE and not one.user_id)
        return replies

    async def _alert(
        self, portal: Portal, command: Accepted, requester: Person, told: Sequence[Told]
    ) -> list[Reply]:
        """Tell the administrator, once a day, what only an administrator can mend."""
        found = next((one for one in told if isinstance(one, ALARMING)), None)
        administrator = Person(id=portal.installer_id)
        if found is None or administrator.id == command.event.user.id:
            return []
        what = type(found).__name__
        if not await self._preferences.first_today(portal.member_id, f"alert/{what}"):
            return []
        alert = AdministratorNeeded(to=administrator, who=requester, what=what)
        return await self._letters.write([alert], command)

    async def _hint(self, command: Accepted) -> list[Reply]:
        """Tell once a chat and day that the customer may have seen what was typed."""
        event = command.event
        is_seen = event.is_typed and not (event.chat.is_hidden or event.message.is_hidden)
        is_command = command.press is None and not is_forwarded(event)
        if not (is_seen and is_command and event.chat.is_open_line):
            return []
        if not await self._preferences.first_today(event.member_id, f"hint/{event.chat.id}"):
            return []
        return await self._letters.write([HiddenHint(offers=HIDDEN_OFFERS)], command)
