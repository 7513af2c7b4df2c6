"""What is checked when somebody asks how the bot does: in the shell, on the app's page.

A check says what it found in data, not in words: its name and its remedy are keys of the
wording.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from bot.bitrix24 import batch
from bot.bitrix24.bots import bot_call, supports_lines
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Bitrix24Error, NoPermission, Refused
from bot.bitrix24.scopes import missing_scopes
from bot.errors import EndsProcesses, snake
from bot.inbox.accepted import reference_of
from bot.installing.declared import Declared
from bot.installing.overview import Overview
from bot.portals.access import Access
from bot.portals.portals import Portal

LATELY = 24 * 3600

# What the portal says of a method whose scope the app has not been granted.
NO_SCOPE = "insufficient_scope"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    ``ok`` is ``None`` where nobody can tell. ``value`` is what was found, empty where there is
    nothing to show; ``at`` a moment, in unix seconds. ``remedy`` names what is to be done, empty
    where nothing is.
    """

    name: str
    ok: bool | None
    value: str = ""
    remedy: str = ""
    at: float | None = None


@dataclass(eq=False, slots=True)
class Doctor:
    """Looks whether everything is as it must be; changes nothing."""

    _access: Access
    _declared: Declared
    _overview: Overview

    async def check(self, portal: Portal) -> list[Check]:
        """Check what an administrator of the portal can mend. Never raises ``Bitrix24Error``.

        Names: ``installer``, ``scopes``, ``bot``, ``commands``, ``lifecycle``, ``tabs``,
        ``events``, ``reach``, ``errors``, and ``set_aside`` for each command that ends processes.
        """
        member_id, lately = portal.member_id, time.time() - LATELY
        people = await self._overview.out_of_reach(member_id, lately)
        # Older modules of the portal refuse without a code.
        codes = (await self._overview.refusals(member_id, lately)).items()
        ended = await self._overview.ended(member_id, snake(EndsProcesses))
        return [
            *await self._seen(portal),
            _arriving((await self._overview.standing(member_id)).last_event),
            _lately("reach", [f"id{number}" for number in people], "roles"),
            _lately("errors", [f"{code or '—'} × {n}" for code, n in codes], "see_journal"),
            *starmap(_set_aside, ended.items()),
        ]

    async def _seen(self, portal: Portal) -> list[Check]:
        """Ask the portal, all in one request, with the token that the bot was installed with."""
        calls = {
            "scopes": Call("scope"),
            "bot": bot_call(portal.bot_id or 0),
            **self._declared.questions(portal),
        }
        try:
            seen = await self._access.call(portal, portal.installer_id, batch.build(calls))
        except NoPermission:
            return [Check("installer", ok=False, remedy="open_page")]
        except Refused as refused:
            return [Check("installer", ok=False, value=refused.code, remedy="refused")]
        except Bitrix24Error:
            return [Check("installer", ok=None, remedy="server")]
        bot = seen["bot"]
        return [
            Check("installer", ok=True),
            _scopes(seen["scopes"]),
            _told("bot", False if isinstance(bot, Refused) else supports_lines(bot)),
            self._commands(portal, seen["commands"]),
            _told("lifecycle", self._declared.is_bound(seen["events"])),
            self._tabs(seen["tabs"]),
        ]

    def _commands(self, portal: Portal, listed: Any) -> Check:
        missing = self._declared.missing_commands(listed)
        if missing:
            value = ", ".join(f"/{name}" for name in sorted(missing))
            return Check("commands", ok=False, value=value, remedy="repair")
        is_current = portal.registered == self._declared.current
        return _told("commands", None if missing is None else is_current)

    def _tabs(self, bound: Any) -> Check:
        """Say whether the tab is in CRM cards; without the scope for it nothing is wrong."""
        if isinstance(bound, Refused):
            is_scope = bound.code == NO_SCOPE
            return Check("tabs", ok=None, value="placement" if is_scope else bound.code,
                         remedy="placement" if is_scope else "refused")  # fmt: skip
        return _told("tabs", self._declared.has_tabs(bound))


@dataclass(eq=False, slots=True)
class PortalDoctor:
    """The doctor at one portal."""

    _doctor: Doctor
    _portal: Portal

    async def failing(self) -> list[Check]:
        """Give the checks that something is wrong with."""
        return [one for one in await self._doctor.check(self._portal) if one.ok is False]


def _scopes(granted: Any) -> Check:
    if isinstance(granted, Refused):
        return Check("scopes", ok=None, value=granted.code, remedy="refused")
    lacking = missing_scopes(granted)
    if lacking is None:
        return Check("scopes", ok=None, remedy="server")
    return Check(
        "scopes", ok=not lacking, value=", ".join(lacking), remedy="scopes" if lacking else ""
    )


def _told(name: str, ok: bool | None) -> Check:
    """Say what registering anew mends, or that the portal's answer does not tell."""
    return Check(name, ok=ok, remedy={True: "", False: "repair", None: "server"}[ok])


def _arriving(last: float | None) -> Check:
    if last is None:
        return Check("events", ok=None, remedy="try_help")
    return Check("events", ok=True, at=last)


def _lately(name: str, seen: Iterable[str], remedy: str) -> Check:
    """Say what was seen lately that somebody may want to look at; nothing has to be wrong."""
    value = ", ".join(seen)
    return Check(name, ok=None if value else True, value=value, remedy=remedy if value else "")


def _set_aside(command_id: int, at: float) -> Check:
    reference = reference_of(command_id)
    return Check("set_aside", ok=None, value=reference, remedy="tell_operator", at=at)
