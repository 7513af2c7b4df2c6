"""What a portal should know of the bot, its commands and its tab; and whether it does."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import ITEM_TYPES
from bot.bitrix24.numerals import MOST_NUMBERS, read_number
from bot.bitrix24.rows import part, rows, text
from bot.commands.router import Command, Router
from bot.inbox.accepted import PRESS
from bot.portals.portals import Portal
from bot.wording.rendering import Wording

# What the bot's code was before it was the app's own: two apps of a portal cannot share one.
OLD_CODE = "switchboard"
# So many codes are tried where others have taken them.
MOST_CODES = 3

UPDATE, UNINSTALL = "ONAPPUPDATE", "ONAPPUNINSTALL"
LIFECYCLE_EVENTS = (UNINSTALL, UPDATE)
# The portal tells it of the bot without being asked to.
REMOVED = "ONIMBOTV2DELETE"

# The cards that the tab is shown in; it needs a scope that the bot does without.
TABS = tuple(f"CRM_{type_.upper()}_DETAIL_TAB" for type_ in ITEM_TYPES)
TAB_PATH = "/bitrix24/tab"


@dataclass(eq=False)
class Declared:
    """The bot as this version of it is."""

    _router: Router
    _wording: Wording
    _public_url: str
    _client_id: str

    def __post_init__(self) -> None:
        self.events_url = f"{self._public_url}/bitrix24/events"
        self.tab_url = f"{self._public_url}{TAB_PATH}"
        self.codes = bot_codes(self._client_id)

    @cached_property
    def current(self) -> str:
        """What a portal should know: a fingerprint of commands, tabs, words and address."""
        wanted = [self.bot_fields(), *self.commands().values(), *self.tabs().values()]
        return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()

    def questions(self, portal: Portal) -> dict[str, Call]:
        """Make the calls that show what a portal knows."""
        return {
            "commands": Call("imbot.v2.Command.list", {"botId": portal.bot_id or 0}),
            "events": Call("event.get"),
            "tabs": Call("placement.get"),
        }

    def missing_commands(self, listed: Any) -> set[str] | None:
        """Give the commands that are not among those that a portal lists; ``None``: it does not."""
        if not isinstance(listed, Mapping) or "commands" not in listed:
            return None
        return self._router.commands.keys() - known_commands(listed).keys()

    def is_bound(self, bound: Any) -> bool | None:
        """Say whether the portal will tell of an update and of its end; ``None``: it is silent."""
        if not isinstance(bound, list | Mapping):
            return None
        return bound_to(bound, "event") >= {(event, self.events_url) for event in LIFECYCLE_EVENTS}

    def has_tabs(self, bound: Any) -> bool | None:
        """Say whether the tab is in all cards; ``None``: the portal is silent, or may not say."""
        if not isinstance(bound, list | Mapping):
            return None
        return bound_to(bound, "placement") >= {(place, self.tab_url) for place in TABS}

    def bot_fields(self) -> dict[str, Any]:
        """Give what ``imbot.v2.Bot.register`` takes."""
        name, position = self._wording.page("bot.j2", "en").split("\n")
        return {
            "code": self.codes[0],
            "type": "bot",
            "isSupportOpenline": True,
            "eventMode": "webhook",
            "webhookUrl": self.events_url,
            "properties": {"name": name, "workPosition": position, "color": "aqua"},
        }

    def commands(self) -> dict[str, dict[str, Any]]:
        """Give the commands that the portal should know, with the one that buttons carry."""
        shown = {name: self._fields(one) for name, one in self._router.commands.items()}
        hidden = {PRESS: True, **self.spellings()}
        return shown | {
            name: {"command": name, "hidden": True, "common": common, "extranetSupport": False}
            for name, common in hidden.items()
        }

    def tabs(self) -> dict[str, dict[str, Any]]:
        """Give what binds the tab, by the places that it is to be in."""
        words = {lang: self._wording.page("tab.j2", lang).split("\n") for lang in
                 self._wording.languages}  # fmt: skip
        texts = {lang: {"TITLE": title, "DESCRIPTION": about} for lang, (title, about) in
                 words.items()}  # fmt: skip
        handler = {"HANDLER": self.tab_url, "LANG_ALL": texts}
        return {place: {"PLACEMENT": place, **handler} for place in TABS}

    def spellings(self) -> dict[str, bool]:
        """Give the other spellings of commands, and whether they can be typed everywhere."""
        commands = self._router.commands.values()
        return {word: one.everywhere for one in commands for word in one.spellings}

    def _fields(self, command: Command) -> dict[str, Any]:
        words = {
            lang: self._wording.command(command.name, lang) for lang in self._wording.languages
        }
        return {
            "command": command.name,
            "title": {language: one.title for language, one in words.items()},
            "params": {language: one.hint for language, one in words.items()},
            "common": command.everywhere,
            "extranetSupport": False,
        }


def bot_codes(client_id: str) -> list[str]:
    """Give the codes of an app's bot in the order in which they are tried: no other app has them.

    A code is one bot's on the whole portal, where the same program may stand twice.
    """
    own = f"{OLD_CODE}_{hashlib.sha256(client_id.encode()).hexdigest()[:10]}"
    return [own, *(f"{own}_{number}" for number in range(2, MOST_CODES + 1))]


def known_commands(found: Any) -> dict[str, int]:
    """Give the numbers of the commands that ``imbot.v2.Command.list`` lists, by their names."""
    listed = rows(part(found, "commands"), MOST_NUMBERS)
    named = {text(one.get("command")).lstrip("/"): read_number(one.get("id")) for one in listed}
    return {name: number for name, number in named.items() if name and number}


def bound_to(found: Any, to: str) -> set[tuple[str, str]]:
    """Give what addresses are bound to, an ``event`` or a ``placement``, and the addresses."""
    return {(text(one.get(to)).upper(), text(one.get("handler"))) for one in rows(found)}
