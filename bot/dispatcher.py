"""One command's story, from its row in the inbox to its answer."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import time

import structlog
from cachetools import TTLCache
from structlog.contextvars import bound_contextvars

from bot.bitrix24.entities import Act, Offer, Person
from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    NoPermission,
    Refused,
    Unanswered,
    Unreachable,
)
from bot.commands.quotes import is_quoted
from bot.commands.runner import Runner
from bot.connect import Links
from bot.diagnosis import system_refusal
from bot.endings import end_of
from bot.errors import (
    AppClosed,
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
from bot.rendering import Wording
from bot.replies import PRESS, Replies
from bot.store.accepted import Accepted, End, Ending, Place, Reply
from bot.store.inbox import Inbox
from bot.store.portals import Portal, Portals
from bot.store.preferences import Preferences

log = logging.getLogger(__name__)
lines = structlog.get_logger()

# A reply that may have been lost is sent once more, never a third time.
MAX_ATTEMPTS = 2
PAUSE = 3.0
NOTICE_AFTER = 3.0
# What has waited long already is perhaps done at once.
NOTICE_AT_LEAST = 0.5
# How often, and how far, is looked at what waits behind a command that takes long.
LOOK_BEHIND = 1.0
BEHIND = 16

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
        wording: Wording,
        letters: Letters,
        buttons: Buttons,
        preferences: Preferences,
        replies: Replies,
        links: Links,
        figures: Figures,
    ) -> None:
        self._runner = runner
        self._portals = portals
        self._inbox = inbox
        self._wording = wording
        self._letters = letters
        self._buttons = buttons
        self._preferences = preferences
        self._replies = replies
        self._links = links
        self._told_to_wait: TTLCache[int, bool] = TTLCache(maxsize=10_000, ttl=900)
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
            end = await self._tell(command, acting, obstacle)
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

    async def _tell(self, command: Accepted, acting: Accepted, obstacle: Refusal | None) -> End:
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
            replies = await self._letters.write(outcomes, acting)
            replies += await self._alert(portal, acting, outcomes)
            replies += await self._hint(acting)
        is_said = await self._answer(portal, acting, replies)
        if any(reply.parks for reply in replies):
            return End(Ending.WAITS, end.code)
        return end if is_said else End(Ending.UNANSWERED)

    async def _outcomes(self, portal: Portal, command: Accepted) -> Outcomes:
        try:
            with self._notice(portal, command):
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
        if command.event.name != PRESS:
            return command, None
        try:
            return await self._buttons.press(command), None
        except Refusal as refusal:
            return command, refusal

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

    async def _answer(self, portal: Portal, command: Accepted, replies: list[Reply]) -> bool:
        """Send the replies; ``False`` if the requester's own certainly did not arrive."""
        attempts, is_said = command.attempts, True
        for number in range(len(replies)):
            is_said = await self._insist(portal, command, replies[number:], attempts) and is_said
            attempts = 0
        return is_said

    async def _insist(
        self, portal: Portal, command: Accepted, rest: list[Reply], attempts: int
    ) -> bool:
        """Send the first of these replies, again if it may have been lost.

        ``False`` if it certainly did not arrive and was its requester's.
        """
        arrived: bool | None = None
        if attempts == MAX_ATTEMPTS:
            # A process died during the second attempt: its requester may have heard nothing.
            last = rest[0].model_copy(update={"place": Place.PRIVATE})
            arrived = await self._sent(portal, command, [last, *rest[1:]], attempts)
        for attempt in range(attempts, MAX_ATTEMPTS):
            arrived = await self._sent(portal, command, rest, attempt)
            if arrived is not None:
                break
            await asyncio.sleep(PAUSE)
        return arrived is not False or rest[0].user_id != 0

    async def _sent(
        self, portal: Portal, command: Accepted, rest: list[Reply], attempts: int
    ) -> bool | None:
        """Send the first of these replies and say if it arrived; ``None`` if nobody knows."""

        async def under_way(is_leaving: bool) -> None:
            await self._inbox.replying(command.id, rest, attempts + is_leaving)

        try:
            await self._replies.send(portal, command, rest[0], under_way)
        except Unanswered:
            return None
        except Bitrix24Error as error:
            log.error("command %s stays unanswered: %s", command.reference, error)
            return False
        return True

    @contextmanager
    def _notice(self, portal: Portal, command: Accepted) -> Iterator[None]:
        """Tell whoever waits, for this command or behind it, once that it takes longer."""
        tasks: list[asyncio.Task[None]] = []

        def begin() -> None:
            tasks.append(asyncio.create_task(self._notify(portal, command)))

        waited = time() - command.since
        wait = max(NOTICE_AT_LEAST, NOTICE_AFTER - waited)
        timer = asyncio.get_running_loop().call_later(wait, begin)
        try:
            yield
        finally:
            timer.cancel()
            for task in tasks:
                task.cancel()

    async def _notify(self, portal: Portal, command: Accepted) -> None:
        told: set[int] = set()
        late = [command]
        while True:
            for one in late:
                await self._tell_to_wait(portal, one, told)
            await asyncio.sleep(LOOK_BEHIND)
            late = await self._late_behind(command)

    async def _late_behind(self, command: Accepted) -> list[Accepted]:
        try:
            waiting = await self._inbox.waiting(command.lane, BEHIND)
        except StoreUnavailable:
            return []
        return [one for one in waiting if time() - one.since >= NOTICE_AFTER]

    async def _tell_to_wait(self, portal: Portal, command: Accepted, told: set[int]) -> None:
        """Tell a requester, if he has not been told, neither now nor for this command."""
        requester = command.event.user.id
        is_news = requester not in told and command.id not in self._told_to_wait
        told.add(requester)
        self._told_to_wait[command.id] = True
        try:
            if is_news:
                language = await self._letters.language(command)
                text = self._wording.page("taking_longer.j2", language)
                await self._replies.notify(portal, requester, text)
        except (Bitrix24Error, StoreUnavailable) as error:
            log.info("command %s: no notice: %s", command.reference, error)
