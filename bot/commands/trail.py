"""The trail that an escalation leaves in the timeline of its item."""

import asyncio
import logging

from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, NotTheirs, Refused
from bot.bitrix24.timeline import Timeline
from bot.languages import Languages
from bot.outcomes import Outcome
from bot.rendering import Wording
from bot.store.accepted import Accepted
from bot.store.escalations import EscalationEnded, How
from bot.store.portal_settings import PortalSettingsStore
from bot.store.portals import Portal
from bot.store.preferences import Preferences

log = logging.getLogger(__name__)

# Seconds that those who wait for the end of an escalation can wait for its trail.
PATIENCE = 20.0

# What the portal says where the requester may not change the item, or the app may not use CRM.
LACKING = frozenset({"ACCESS_DENIED", "insufficient_scope"})


class Trail(Outcome):
    """What stands in the timeline; ``people`` were called.

    Nobody is mentioned in it, for a mention notifies.
    """

    requester: Person
    people: tuple[Person, ...]
    taken_by: Person | None
    how: How
    seconds: int
    reason: str


class TrailRefused(Outcome):
    """An administrator learns that a right is missing, and whose."""

    to: Person
    who: Person
    item: CrmItem
    code: str


class Trails:
    """Leaves the trails of one requester's escalations."""

    def __init__(
        self,
        timeline: Timeline,
        settings: PortalSettingsStore,
        preferences: Preferences,
        languages: Languages,
        wording: Wording,
        portal: Portal,
        command: Accepted,
    ) -> None:
        self._timeline = timeline
        self._settings = settings
        self._preferences = preferences
        self._languages = languages
        self._wording = wording
        self._portal = portal
        self._command = command

    async def leave(self, ended: EscalationEnded) -> list[TrailRefused]:
        """Leave a comment, if the portal wants one, and tell of a right that it takes.

        Nothing else fails with it. Raises ``NotTheirs``.
        """
        # What has been undone has left nothing behind that the card should tell of.
        if ended.how == "undone" or not (await self._settings.of(ended.member_id)).trail:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._left(ended)
        except NotTheirs:
            raise
        except Refused as refused:
            return await self._refused(refused, ended)
        except (Bitrix24Error, TimeoutError) as error:
            log.warning("an escalation leaves no trail: %s", type(error).__name__)
            return []

    async def _left(self, ended: EscalationEnded) -> list[TrailRefused]:
        since = self._command.received_at
        answer = await self._timeline.comment(ended.item, await self._words(ended), since)
        return await self._refused(answer.refused, ended) if answer.refused else []

    async def _words(self, ended: EscalationEnded) -> str:
        language = await self._languages.of_portal(ended.member_id, self._command.event.language)
        trail = Trail(
            requester=ended.requester,
            people=ended.called,
            taken_by=ended.taken_by,
            how=ended.how,
            seconds=round(ended.seconds),
            reason=ended.reason,
        )
        return self._wording.word(trail, language)[0]

    async def _refused(self, refused: Refused, ended: EscalationEnded) -> list[TrailRefused]:
        log.warning("an escalation leaves no trail: %s", refused)
        if refused.code not in LACKING:
            return []
        if not await self._preferences.first_today(ended.member_id, f"trail/{refused.code}"):
            return []
        return [
            TrailRefused(
                to=Person(id=self._portal.installer_id),
                who=ended.requester,
                item=ended.item,
                code=refused.code,
            )
        ]
