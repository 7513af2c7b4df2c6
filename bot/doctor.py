"""What is checked when the bot is asked how it does: in the shell, in a chat, on the app's page.

A check says what it found in data, not in words: its name and its remedy are keys of the
wording.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.client import Call
from bot.bitrix24.events import Chat
from bot.store.portals import Portal

# What a requester asks the portal with, all in one request: `Requester.ask_all`.
Asks = Callable[[Mapping[str, Call]], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    ``ok`` is ``None`` where nobody can tell. ``value`` is what was found, empty where there is
    nothing to show. ``remedy`` names what is to be done, empty where nothing is.
    """

    name: str
    ok: bool | None
    value: str = ""
    remedy: str = ""


class Doctor:
    """Looks whether everything is as it must be; changes nothing."""

    async def portal(self, portal: Portal) -> list[Check]:
        """Check what an administrator of the portal can mend. Never raises ``Bitrix24Error``.

        Names: ``installer``, ``scopes``, ``bot``, ``commands``, ``lifecycle``, ``events``,
        ``errors``.
        """
        raise NotImplementedError

    async def requester(self, portal: Portal, asks: Asks, chat: Chat) -> list[Check]:
        """Check what a command of this person in this chat depends on.

        Never raises ``Bitrix24Error``. Names: ``permission``, ``scopes``, ``revision``; in an
        open-line chat also ``binding`` and ``dialog``.
        """
        raise NotImplementedError
