"""The bot, its commands and its tab in CRM cards, as the portal knows them."""

import asyncio
import hashlib
import json
import logging
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from bot.bitrix24 import batch
from bot.bitrix24.bots import read_bot_id
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import ITEM_TYPES
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import MOST_NUMBERS, read_number
from bot.bitrix24.retry import NOT_KNOWN, Retry
from bot.bitrix24.rows import part, rows, text
from bot.commands.router import Command, Router
from bot.errors import StoreUnavailable
from bot.inbox.pressed import PRESS
from bot.portals.access import Access
from bot.portals.portals import Portal, Portals
from bot.wording.rendering import Wording

log = logging.getLogger(__name__)

# What the bot's code was before it was the app's own: two apps of a portal cannot share one.
OLD_CODE = "switchboard"
# So many codes are tried where others have taken them.
MOST_CODES = 3
TAKEN = "BOT_CODE_ALREADY_TAKEN"
# What the portal says of a bot that is not, or not this app's any more.
NO_BOT = ("BOT_NOT_FOUND", "BOT_OWNERSHIP_ERROR")
# What boxes say whose messenger knows `Command.register` with flat parameters only (revision 32).
NO_FIELDS = "100"

UPDATE, UNINSTALL = "ONAPPUPDATE", "ONAPPUNINSTALL"
LIFECYCLE_EVENTS = (UNINSTALL, UPDATE)
# The portal tells it of the bot without being asked to.
REMOVED = "ONIMBOTV2DELETE"

# The cards that the tab is shown in; it needs a scope that the bot does without.
TABS = tuple(f"CRM_{type_.upper()}_DETAIL_TAB" for type_ in ITEM_TYPES)
TAB_PATH = "/bitrix24/tab"

# Portals that are told of a new version at a time: one that hangs holds up no other.
AT_ONCE = 8


@dataclass(eq=False)
class Registration:
    """Makes a portal know the bot as this version of it is."""

    _access: Access
    _portals: Portals
    _router: Router
    _wording: Wording
    _retry: Retry
    _public_url: str
    _client_id: str

    def __post_init__(self) -> None:
        self._events_url = f"{self._public_url}/bitrix24/events"
        self._tab_url = f"{self._public_url}{TAB_PATH}"
        self._codes = bot_codes(self._client_id)

    @cached_property
    def current(self) -> str:
        """What a portal should know: a fingerprint of commands, tabs, words and address."""
        wanted = [self._bot_fields(), *self._wanted().values(), *self._tabs().values()]
        return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()

    async def bring_up_to_date(self, portal: Portal) -> None:
        """Register or update the bot and its commands, if the portal knows others.

        Raises ``Bitrix24Error``.
        """
        if portal.registered != self.current:
            async for _ in self.stages(portal):
                pass

    async def bring_all_up_to_date(self) -> None:
        """Do it for every portal that an earlier version of the bot was registered at."""
        portals = await self._portals.all()
        stale = [one.member_id for one in portals if one.registered != self.current]
        # Processes that start together share the work, unless they meet at every portal.
        random.shuffle(stale)
        left = iter(stale)
        await asyncio.gather(*(self._tell_those_left(left) for _ in range(AT_ONCE)))

    async def _tell_those_left(self, member_ids: Iterator[str]) -> None:
        for member_id in member_ids:
            try:
                if portal := await self._portals.fresh(member_id):
                    await self.bring_up_to_date(portal)
            except (Bitrix24Error, StoreUnavailable) as error:
                log.error("portal %s does not know this version: %s", member_id, error)

    async def install(self, portal: Portal) -> AsyncIterator[str]:
        """Tell a portal that installs what it does not know, and tell each stage that is done.

        Raises ``Bitrix24Error``.
        """
        # It may have removed the app while nobody was here to hear of it.
        if portal.registered != self.current or not await self.stands(portal):
            async for stage in self.stages(portal):
                yield stage

    async def stages(self, portal: Portal) -> AsyncIterator[str]:
        """Register or update everything, and tell each stage that is done.

        Raises ``Bitrix24Error``.
        """
        bot_id = await self._register_bot(portal)
        yield "bot"
        await self._register_commands(portal, bot_id)
        yield "commands"
        if await self._bind_tabs(portal):
            yield "tabs"
        await self._bind_events(portal)
        await self._portals.registered(portal.member_id, bot_id, self.current)
        log.info("portal %s knows bot %d and its commands", portal.member_id, bot_id)
        yield "events"

    async def stands(self, portal: Portal) -> bool:
        """Say whether the portal has the bot's commands and tabs, and tells it of its end."""
        calls = self.questions(portal)
        results = await self._call(portal, batch.build(calls))
        has_commands = self.missing_commands(results["commands"]) == set()
        has_tabs = self.has_tabs(results["tabs"]) is not False
        return has_commands and has_tabs and self.is_bound(results["events"]) is True

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
        return self._router.commands.keys() - _commands(listed).keys()

    def is_bound(self, bound: Any) -> bool | None:
        """Say whether the portal will tell of an update and of its end; ``None``: it is silent."""
        if not isinstance(bound, list | Mapping):
            return None
        return _bound(bound, "event") >= {(event, self._events_url) for event in LIFECYCLE_EVENTS}

    def has_tabs(self, bound: Any) -> bool | None:
        """Say whether the tab is in all cards; ``None``: the portal is silent, or may not say."""
        if not isinstance(bound, list | Mapping):
            return None
        return _bound(bound, "placement") >= {(place, self._tab_url) for place in TABS}

    async def _register_bot(self, portal: Portal) -> int:
        """Bring the app's bot up to date; only where it has none, register one."""
        if portal.bot_id and await self._updates(portal, portal.bot_id):
            return portal.bot_id
        own = await self._own_bot(portal)
        if own and await self._updates(portal, own):
            return own
        bot_id = await self._new_bot(portal)
        # Where it is there after all, registering has changed nothing: an update does.
        await self._updates(portal, bot_id)
        return bot_id

    async def _updates(self, portal: Portal, bot_id: int) -> bool:
        """Bring a bot up to date; ``False`` where the app has no such bot."""
        fields = self._bot_fields()
        changed = {key: value for key, value in fields.items() if key not in ("code", "type")}
        call = Call("imbot.v2.Bot.update", {"botId": bot_id, "fields": changed})
        try:
            await self._call(portal, call)
        except Refused as refused:
            if refused.code in NO_BOT:
                return False
            raise
        return True

    async def _own_bot(self, portal: Portal) -> int | None:
        """Find the bot that the app has on the portal, though nobody here remembers it."""
        try:
            found = await self._call(portal, Call("imbot.v2.Bot.list"))
        except Refused:
            return None
        bots = rows(part(found, "bots"))
        named = {str(one.get("code")): read_number(one.get("id")) for one in bots}
        return next((named[code] for code in (*self._codes, OLD_CODE) if named.get(code)), None)

    async def _new_bot(self, portal: Portal) -> int:
        """Register a bot, under another code where somebody else has taken the first one."""
        for code in self._codes:
            call = Call("imbot.v2.Bot.register", {"fields": {**self._bot_fields(), "code": code}})
            try:
                return read_bot_id(await self._call(portal, call))
            except Refused as refused:
                if refused.code != TAKEN or code == self._codes[-1]:
                    raise
        raise AssertionError("there is a code to try")

    async def _register_commands(self, portal: Portal, bot_id: int) -> None:
        listed = await self._call(portal, Call("imbot.v2.Command.list", {"botId": bot_id}))
        known = _commands(listed)
        calls: dict[str, Call] = {}
        wanted = self._wanted()
        for name, fields in wanted.items():
            params: dict[str, Any] = {"botId": bot_id, "fields": fields}
            if name in known:
                params["commandId"] = known[name]
            method = "update" if name in known else "register"
            calls[name] = Call(f"imbot.v2.Command.{method}", params)
        for name in known.keys() - wanted.keys():
            params = {"botId": bot_id, "commandId": known[name]}
            calls[name] = Call("imbot.v2.Command.unregister", params)
        # Pages name Latin letters alone: a portal may refuse a spelling, but not a command.
        spellings = {name: calls.pop(name) for name in self._spellings()}
        await self._call_all(portal, calls)
        for name, refused in (await self._refusals(portal, spellings)).items():
            log.warning("portal %s does not take /%s: %s", portal.member_id, name, refused)

    async def _bind_events(self, portal: Portal) -> None:
        known = _bound(await self._call(portal, Call("event.get")), "event")
        calls = {
            event: Call("event.bind", {"event": event, "handler": self._events_url})
            for event in LIFECYCLE_EVENTS
            if (event, self._events_url) not in known
        }
        try:
            await self._call_all(portal, calls)
        except Refused:
            # A call whose answer was lost has bound it: the second one is refused.
            if not self.is_bound(await self._call(portal, Call("event.get"))):
                raise

    async def _bind_tabs(self, portal: Portal) -> bool:
        """Put the tab into the cards; ``False`` where the app has no right to: all else works."""
        known = await self._places(portal)
        if known is None:
            return False
        wanted = {
            place: Call("placement.bind", params)
            for place, params in self._tabs().items()
            if (place, self._tab_url) not in known
        }
        # Those of an address that the bot had before.
        old = {
            f"old{number}": Call("placement.unbind", {"PLACEMENT": place, "HANDLER": url})
            for number, (place, url) in enumerate(sorted(known))
            if place in TABS and url.endswith(TAB_PATH) and url != self._tab_url
        }
        for name, why in (await self._refusals(portal, wanted | old)).items():
            log.warning("portal %s: %s is not changed: %s", portal.member_id, name, why)
        # A result may be a refusal, and a refused call may have been made before: its answer was
        # lost.
        places = {(place, self._tab_url) for place in TABS}
        return not wanted or (await self._places(portal) or set()) >= places

    async def _places(self, portal: Portal) -> set[tuple[str, str]] | None:
        """Give what shows pages of the app, with their addresses; ``None``: it has no right to."""
        try:
            return _bound(await self._call(portal, Call("placement.get")), "placement")
        except Refused as refused:
            log.info("portal %s shows no tab in CRM cards: %s", portal.member_id, refused)
            return None

    async def _call_all(self, portal: Portal, calls: Mapping[str, Call]) -> None:
        for refused in (await self._refusals(portal, calls)).values():
            raise refused

    async def _refusals(
        self, portal: Portal, calls: Mapping[str, Call]
    ) -> dict[str, Bitrix24Error]:
        """Make calls; give what they came to but for results."""
        refused = await self._refused(portal, calls)
        lag = [name for name, one in refused.items() if _wants_flat(calls[name], one)]
        flat = {name: _flat(calls[name]) for name in lag}
        others = {name: one for name, one in refused.items() if name not in flat}
        return others | await self._refused(portal, flat)

    async def _refused(self, portal: Portal, calls: Mapping[str, Call]) -> dict[str, Bitrix24Error]:
        """Make calls, as many a request as it takes."""
        refused: dict[str, Bitrix24Error] = {}
        for first in range(0, len(calls), batch.MAX_CALLS):
            some = dict(islice(calls.items(), first, first + batch.MAX_CALLS))
            results = await self._call(portal, batch.build(some))
            refused |= {
                name: one for name, one in results.items() if isinstance(one, Bitrix24Error)
            }
        return refused

    async def _call(self, portal: Portal, call: Call) -> Any:
        return await self._retry.call(
            NOT_KNOWN, lambda: self._access.call(portal, portal.installer_id, call)
        )

    def _bot_fields(self) -> dict[str, Any]:
        name, position = self._wording.page("bot.j2", "en").split("\n")
        return {
            "code": self._codes[0],
            "type": "bot",
            "isSupportOpenline": True,
            "eventMode": "webhook",
            "webhookUrl": self._events_url,
            "properties": {"name": name, "workPosition": position, "color": "aqua"},
        }

    def _wanted(self) -> dict[str, dict[str, Any]]:
        """Give the commands that the portal should know, with the one that buttons carry."""
        shown = {name: self._fields(one) for name, one in self._router.commands.items()}
        hidden = {PRESS: True, **self._spellings()}
        return shown | {
            name: {"command": name, "hidden": True, "common": common, "extranetSupport": False}
            for name, common in hidden.items()
        }

    def _tabs(self) -> dict[str, dict[str, Any]]:
        """Give what binds the tab, by the places that it is to be in."""
        words = {lang: self._wording.page("tab.j2", lang).split("\n") for lang in
                 self._wording.languages}  # fmt: skip
        texts = {lang: {"TITLE": title, "DESCRIPTION": about} for lang, (title, about) in
                 words.items()}  # fmt: skip
        handler = {"HANDLER": self._tab_url, "LANG_ALL": texts}
        return {place: {"PLACEMENT": place, **handler} for place in TABS}

    def _spellings(self) -> dict[str, bool]:
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


def _flat(call: Call) -> Call:
    """Write a call as portals take it whose messenger knows no ``fields`` yet."""
    params = dict(call.params)
    return Call(call.method, {**params, **params.pop("fields", {})})


def _wants_flat(call: Call, error: Bitrix24Error) -> bool:
    return "fields" in call.params and isinstance(error, Refused) and error.code == NO_FIELDS


def _commands(found: Any) -> dict[str, int]:
    """Give the numbers of the commands that ``imbot.v2.Command.list`` lists, by their names."""
    listed = rows(part(found, "commands"), MOST_NUMBERS)
    named = {text(one.get("command")).lstrip("/"): read_number(one.get("id")) for one in listed}
    return {name: number for name, number in named.items() if name and number}


def _bound(found: Any, to: str) -> set[tuple[str, str]]:
    """Give what addresses are bound to, an ``event`` or a ``placement``, and the addresses."""
    return {(text(one.get(to)).upper(), text(one.get("handler"))) for one in rows(found)}
