"""The trail that an escalation leaves in the timeline of its item."""

import asyncio
import logging
from dataclasses import dataclass

from bot.acting.timeline import Timeline
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, NotTheirs, Refused
from bot.commands.outcomes import Outcome
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Chain
from bot.portals.portals import Portal
from bot.portals.preferences import Preferences
from bot.portals.settings import PortalSettings

log = logging.getLogger(__name__)

# Seconds that those who wait for the end of an escalation can wait for its trail.
PATIENCE = 20.0

# What the portal says where the requester may not change the item, or the app may not use CRM.
LACKING = frozenset({"ACCESS_DENIED", "insufficient_scope"})


class TrailRefused(Outcome):
    """An administrator learns that a right is missing, and whose."""

    to: Person
    who: Person
    item: CrmItem
    code: str


@dataclass(eq=False, slots=True)
class Trails:
    """Leaves the trails of one requester's escalations."""

    _timeline: Timeline
    _settings: PortalSettings
    _preferences: Preferences
    _portal: Portal
    _command: Accepted

    def are_wanted(self, ended: Chain) -> bool:
        """Say whether an escalation leaves a trail: one that was undone has nothing to tell."""
        return ended.how != "undone" and self._settings.trail

    async def leave(self, ended: Chain, words: str) -> list[TrailRefused]:
        """Leave a comment, and tell of a right that it takes. Nothing else fails with it.

        Raises ``NotTheirs``.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                since = self._command.received_at
                await self._timeline.comment(ended.item, words, since)
        except NotTheirs:
            raise
        except Refused as refused:
            return await self._refused(refused, ended)
        except (Bitrix24Error, TimeoutError) as error:
            log.warning("an escalation leaves no trail: %s", type(error).__name__)
        return []

    async def _refused(self, refused: Refused, ended: Chain) -> list[TrailRefused]:
        log.warning("an escalation leaves no trail: %s", refused)
        if refused.code not in LACKING:
            return []
        if not await self._preferences.first_today(self._portal.member_id, f"trail/{refused.code}"):
            return []
        return [
            TrailRefused(
                to=Person(id=self._portal.installer_id),
                who=ended.requester,
                item=ended.item,
                code=refused.code,
            )
        ]
