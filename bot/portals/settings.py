"""What a portal's administrator has decided."""

import json
import logging
from collections.abc import Callable
from typing import Any, Literal

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select

from bot.store.database import Database
from bot.store.tables import portal_settings

log = logging.getLogger(__name__)

# How long another process may go on with what it knew.
REMEMBER = 10.0

ByChat = Literal["ask", "always", "never"]
AtEnd = Literal["requester", "administrator"]
NotNeeded = Literal["stay", "leave"]


class WorkingHours(BaseModel):
    """When a portal works: on ``days`` (Monday is 0), between two minutes of the day.

    ``zone`` is an IANA name or an offset from UTC. An end that is not after the beginning is
    the next day's.
    """

    model_config = ConfigDict(frozen=True)

    days: tuple[int, ...]
    begin: int = 9 * 60
    end: int = 18 * 60
    zone: str = "UTC"


class PortalSettings(BaseModel):
    """The decisions, with what holds where nobody has decided.

    ``duty``: the users to escalate to, in this order, where nobody else is there.
    ``escalation``: the order in which an escalation looks for somebody.
    ``commands_off``: commands that nobody may use. ``errors_in_chat``: what goes wrong is told
    in the chat, and not privately. ``enterprise``: the portal's plan takes requests faster.
    ``by_chat``: whether people whom the portal does not add by the item are added by the chat
    itself, where they may come in without access to the item.
    ``take_within``: seconds until the next one of an escalation is called. ``at_end``: who hears
    that nobody took it, besides its requester. ``not_needed``: what becomes of those in the chat
    who were called and did not take it. ``trail``: an escalation leaves a comment in the item's
    timeline. ``hours``: outside them an escalation calls those on duty first.
    """

    model_config = ConfigDict(frozen=True)

    default_language: str = ""
    duty: tuple[int, ...] = ()
    escalation: tuple[str, ...] = ("responsible", "head", "duty")
    commands_off: tuple[str, ...] = ()
    errors_in_chat: bool = False
    enterprise: bool = False
    by_chat: ByChat = "ask"
    take_within: int = 300
    at_end: AtEnd = "requester"
    not_needed: NotNeeded = "stay"
    trail: bool = False
    hours: WorkingHours | None = None

    def changed(self, since: "PortalSettings") -> dict[str, Any]:
        """Give the decisions that are others than they were then, by their names."""
        return {name: value for name, value in self if value != getattr(since, name)}


class PortalSettingsStore:
    """The table of portals' settings, remembered for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: TTLCache[str, PortalSettings] = TTLCache(maxsize=2048, ttl=REMEMBER)

    async def of(self, member_id: str) -> PortalSettings:
        """Give a portal's settings."""
        if known := self._known.get(member_id):
            return known
        return await self.fresh(member_id)

    async def fresh(self, member_id: str) -> PortalSettings:
        """Give a portal's settings as they are in the database."""
        self._known[member_id] = found = read_stored(await self._stored(member_id))
        return found

    async def is_enterprise(self, member_id: str) -> bool:
        """Say whether the portal is on the plan that takes requests faster."""
        return (await self.of(member_id)).enterprise

    async def change(
        self, member_id: str, decide: Callable[[PortalSettings], PortalSettings]
    ) -> PortalSettings:
        """Store what is decided in view of what has held until now, and give the latter.

        Where somebody else stores something meanwhile it is decided again.
        """
        while True:
            stored = await self._stored(member_id)
            before = read_stored(stored)
            row = {"settings": decide(before).model_dump_json(exclude_defaults=True)}
            statement = self._database.insert(portal_settings).values(member_id=member_id, **row)
            is_same = portal_settings.c.settings == (stored or "")
            statement = statement.on_conflict_do_update(
                index_elements=["member_id"], set_=row, where=is_same
            )
            if await self._database.change(statement.returning(*portal_settings.c)):
                self._known.pop(member_id, None)
                return before

    async def _stored(self, member_id: str) -> str | None:
        question = select(portal_settings).where(portal_settings.c.member_id == member_id)
        row = await self._database.row(question)
        return row.settings if row else None


def read_stored(stored: str | None) -> PortalSettings:
    """Read what is stored; a decision that another version wrote otherwise counts as not made."""
    told = stored or "{}"
    try:
        return PortalSettings.model_validate_json(told)
    except ValidationError as error:
        faulty = {one["loc"][0] for one in error.errors() if one["loc"]}
        log.error("settings of a portal cannot be read: %s", ", ".join(map(str, faulty)) or "all")
    decided = json.loads(told) if faulty else {}
    return PortalSettings.model_validate({k: v for k, v in decided.items() if k not in faulty})
