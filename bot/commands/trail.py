"""The trail that an escalation leaves: a comment in the timeline of its item.

Methods: crm.timeline.comment.add, crm.timeline.comment.list.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.acting.journal import Step
from bot.acting.requester import Requester
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import of_item
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, NotTheirs, Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import moment, rows, text
from bot.commands.outcomes import Outcome
from bot.inbox.accepted import Accepted
from bot.inbox.escalations import Chain
from bot.portals.portals import Portal
from bot.portals.preferences import Preferences
from bot.portals.settings import PortalSettings

log = logging.getLogger(__name__)

COMMENT = "crm.timeline.comment.add"

# Steps are counted within a command; this one comes with whatever else the command changes.
TRAIL = 3000

# The portal's clock may be so many seconds behind.
BEHIND = 600.0

LONGEST_COMMENT = 10_000

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
    """Leaves the trails of one requester's escalations, in their name."""

    _requester: Requester
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
                await self._comment(ended.item, words)
        except NotTheirs:
            raise
        except Refused as refused:
            return await self._refused(refused, ended)
        except (Bitrix24Error, TimeoutError) as error:
            log.warning("an escalation leaves no trail: %s", type(error).__name__)
        return []

    async def _comment(self, item: CrmItem, words: str) -> None:
        """Leave a comment once a command; the portal knows no second time by itself.

        Where a process has died over it, the comments are looked through for one with these words
        that is not older than the command.
        """
        fields = {"ENTITY_TYPE": item.type, "ENTITY_ID": item.id, "COMMENT": words}
        # The journal outlives what is in the comment: names, and what somebody wrote.
        step = Step(TRAIL, COMMENT, of_item(item), 0, sent={"fields": fields})
        look = {
            "filter": {"ENTITY_TYPE": item.type, "ENTITY_ID": item.id},
            "select": ["ID", "CREATED", "AUTHOR_ID", "COMMENT"],
            "order": {"ID": "DESC"},
        }
        since, author = self._command.received_at - BEHIND, self._requester.person.id
        is_there = partial(_is_there, author=author, since=since)
        await self._requester.change_one(step, Call("crm.timeline.comment.list", look), is_there)

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


def _is_there(found: Any, step: Step, *, author: int, since: float) -> bool | None:
    """Say whether a comment is among those of an item; ``None`` where they are not told."""
    if not isinstance(found, list | Mapping):
        return None
    words = _letters((step.sent or {})["fields"]["COMMENT"])
    return any(
        read_number(one.get("AUTHOR_ID")) == author
        and _letters(text(one.get("COMMENT"), LONGEST_COMMENT)) == words
        and (moment(one.get("CREATED")) or since) >= since
        for one in rows(found)
    )


def _letters(words: str) -> str:
    """Give what a portal keeps of a text, however it stores signs that nobody sees."""
    return "".join(filter(str.isalnum, words))
