"""One command's story, from its row in the inbox to its answer."""

import logging
from collections.abc import Sequence
from time import time

import structlog
from structlog.contextvars import bound_contextvars

from bot.answers import Answers
from bot.bitrix24.entities import Act, Offer, Person
from bot.bitrix24.errors import Busy, NoPermission, Refused, Unanswered, Unreachable
from bot.commands.quotes import is_quoted
from bot.commands.runner import Runner
from bot.connect import Links
from bot.diagnosis import system_refusal
from bot.endings import end_of
from bot.errors import (
    AppClosed,
    EndsProcesses,
    Failure,
    NoAnswer,
    PermissionNeeded,
    PlanLacksRest,
    Refusal,
    ScopeMissing,
    StoreUnavailable,
    SubscriptionEnded,
)
from bot.figures import Figures
from bot.letters import Letters
from bot.outcomes import AdministratorNeeded, HiddenHint, Outcomes
from bot.presses import Buttons, Pressed
from bot.replies import PRESS
from bot.store.accepted import Accepted, End, Ending, Reply
from bot.store.inbox import Inbox
from bot.store.portals import Portal, Portals
from bot.store.preferences import Preferences
from bot.taking_longer import TakingLonger

log = logging.getLogger(__name__)
lines = structlog.get_logger()

ALARMING = (ScopeMissing, AppClosed, SubscriptionEnded, PlanLacksRest)

HIDDEN_OFFERS = (
    Offer(name="hide", act=Act(name="hide"), independent=True),
    Offer(name="delete", act=Act(name="delete_command"), independent=True),
)


class Dispatcher:
    """Carries out accepted commands and answers them."""

    def __init__(
        self,
        runner: Runner,
        portals: Portals,
        inbox: Inbox,
        letters: Letters,
        buttons: Buttons,
        preferences: Preferences,
        taking_longer: TakingLonger,
        answers: Answers,
        links: Links,
        figures: Figures,
    ) -> None:
        self._runner = runner
        self._portals = portals
        self._inbox = inbox
        self._letters = letters
        self._buttons = buttons
        self._preferences = preferences
        self._taking_longer = taking_longer
        self._answers = answers
        self._links = links
        self._figures = figures

    async def dispatch(self, command: Accepted) -> None:
        """Carry out a command, answer it, and note that it is done.

        Raises ``StoreUnavailable`` alone: then it is to be dispatched again.
        """
        event = command.event
        with bound_contextvars(
            portal=event.member_id, event_id=event.identity[:32], reference=command.reference
        ):
            await self._dispatch(command)

    async def _dispatch(self, command: Accepted) -> None:
        acting, end = command, End(Ending.UNANSWERED)
        try:
            acting, obstacle = await self._acting(command)
            end = await self._story(command, acting, obstacle)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("command %s stays unanswered", command.reference)
        seconds = time() - command.since
        if end.outcome is Ending.WAITS:
            await self._inbox.park(command.id)
        else:
            await self._inbox.done(command.id, end)
        self._account(acting, end, seconds)

    def _account(self, command: Accepted, end: End, seconds: float) -> None:
        """Count a command that is over, and say in one line what became of it."""
        event = command.event
        name = self._figures.named(event.name)
        self._figures.ended(name, end, seconds)
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

    async def _story(self, command: Accepted, acting: Accepted, obstacle: Refusal | None) -> End:
        """Carry a command out and answer it; say how that ended."""
        portal = await self._portals.find(command.event.member_id)
        if portal is None:
            log.info("command %s: its portal has left", command.reference)
            return End(Ending.DROPPED)
        replies, end = command.replies, End(Ending.TOLD)
        if replies is None and is_quoted(command.event):
            log.info("command %s is only quoted", command.reference)
            return End(Ending.DROPPED)
        if replies is None:
            outcomes = obstacle or await self._outcomes(portal, acting)
            end = end_of(outcomes)
            replies = await self._worded(portal, acting, outcomes)
        is_said = await self._answers.send(portal, acting, replies)
        if any(reply.parks for reply in replies):
            return End(Ending.WAITS, end.code)
        return end if is_said else End(Ending.UNANSWERED)

    async def _outcomes(self, portal: Portal, command: Accepted) -> Outcomes:
        try:
            with self._taking_longer.notice(portal, command):
                return await self._runner.run(portal, command)
        except Refusal as refusal:
            return refusal
        except StoreUnavailable:
            raise
        except NoPermission:
            link = self._links.make(portal.member_id, command.event.user.id)
            return PermissionNeeded.with_link(link)
        except (Busy, Unreachable, Unanswered):
            return NoAnswer(command.reference)
        except Refused as refused:
            return system_refusal(refused, command.reference)
        except Exception:
            log.exception("command %s failed", command.reference)
            return Failure(command.reference)

    async def _acting(self, command: Accepted) -> tuple[Accepted, Refusal | None]:
        """Give what a press stands for; a refusal where it is not to have any effect."""
        if command.is_poison:
            return command, EndsProcesses(command.reference)
        if command.event.name != PRESS:
            return command, None
        try:
            return await self._buttons.press(command), None
        except Refusal as refusal:
            return command, refusal

    async def _worded(self, portal: Portal, command: Accepted, outcomes: Outcomes) -> list[Reply]:
        """Give the replies to what a command came to, and what is to be told besides."""
        replies = await self._letters.write(outcomes, command)
        replies += await self._alert(portal, command, outcomes)
        return replies + await self._hint(command)

    async def _alert(self, portal: Portal, command: Accepted, outcomes: Outcomes) -> list[Reply]:
        """Tell the administrator, once a day, what only he can mend."""
        told = outcomes if isinstance(outcomes, Sequence) else [outcomes]
        found = next((one for one in told if isinstance(one, ALARMING)), None)
        administrator = Person(id=portal.installer_id)
        if found is None or administrator.id == command.event.user.id:
            return []
        what = type(found).__name__
        if not await self._preferences.first_today(portal.member_id, f"alert/{what}"):
            return []
        alert = AdministratorNeeded(to=administrator, who=command.event.user.person, what=what)
        return await self._letters.write(alert, command)

    async def _hint(self, command: Accepted) -> list[Reply]:
        """Tell once a chat and day that the customer may have seen what was typed."""
        event = command.event
        is_seen = event.is_typed and not (event.chat.is_hidden or event.message.is_hidden)
        if not (is_seen and event.chat.is_open_line) or isinstance(command, Pressed):
            return []
        if not await self._preferences.first_today(event.member_id, f"hint/{event.chat.id}"):
            return []
        return await self._letters.write(HiddenHint(offers=HIDDEN_OFFERS), command)
