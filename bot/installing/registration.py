"""A portal is told of the bot, its commands and its tab in CRM cards."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.bitrix24 import batch
from bot.bitrix24.bots import read_bot_id
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.retry import NOT_KNOWN, Retry
from bot.bitrix24.rows import part, rows
from bot.errors import StoreUnavailable
from bot.installing.declared import (
    LIFECYCLE_EVENTS,
    OLD_CODE,
    TAB_PATH,
    TABS,
    Declared,
    bound_to,
    known_commands,
)
from bot.portals.access import Access
from bot.portals.portals import Portal, Portals

log = logging.getLogger(__name__)

TAKEN = "BOT_CODE_ALREADY_TAKEN"
# What the portal says of a bot that is not, or not this app's any more.
NO_BOT = ("BOT_NOT_FOUND", "BOT_OWNERSHIP_ERROR")
# What boxes say whose messenger knows `Command.register` with flat parameters only (revision 32).
NO_FIELDS = "100"

# Portals that are told of a new version at a time: one that hangs holds up no other.
AT_ONCE = 8


@dataclass(eq=False, slots=True)
class Registration:
    """Makes a portal know the bot as it is declared."""

    _access: Access
    _portals: Portals
    _retry: Retry
    declared: Declared

    async def bring_up_to_date(self, portal: Portal) -> None:
        """Register or update the bot and its commands, if the portal knows others.

        Raises ``Bitrix24Error``.
        """
        if portal.registered != self.declared.current:
            async for _ in self.stages(portal):
                pass

    async def bring_all_up_to_date(self) -> None:
        """Do it for every portal that an earlier version of the bot was registered at."""
        portals = await self._portals.all()
        stale = [one.member_id for one in portals if one.registered != self.declared.current]
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
        if portal.registered != self.declared.current or not await self.stands(portal):
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
        await self._portals.registered(portal.member_id, bot_id, self.declared.current)
        log.info("portal %s knows bot %d and its commands", portal.member_id, bot_id)
        yield "events"

    async def stands(self, portal: Portal) -> bool:
        """Say whether the portal has the bot's commands and tabs, and tells it of its end."""
        calls = self.declared.questions(portal)
        results = await self._call(portal, batch.build(calls))
        has_commands = self.declared.missing_commands(results["commands"]) == set()
        has_tabs = self.declared.has_tabs(results["tabs"]) is not False
        return has_commands and has_tabs and self.declared.is_bound(results["events"]) is True

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
        fields = self.declared.bot_fields()
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
        return next(
            (named[code] for code in (*self.declared.codes, OLD_CODE) if named.get(code)), None
        )

    async def _new_bot(self, portal: Portal) -> int:
        """Register a bot, under another code where somebody else has taken the first one."""
        for code in self.declared.codes:
            call = Call(
                "imbot.v2.Bot.register", {"fields": {**self.declared.bot_fields(), "code": code}}
            )
            try:
                return read_bot_id(await self._call(portal, call))
            except Refused as refused:
                if refused.code != TAKEN or code == self.declared.codes[-1]:
                    raise
        raise AssertionError("there is a code to try")

    async def _register_commands(self, portal: Portal, bot_id: int) -> None:
        listed = await self._call(portal, Call("imbot.v2.Command.list", {"botId": bot_id}))
        known = known_commands(listed)
        calls: dict[str, Call] = {}
        wanted = self.declared.commands()
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
        spellings = {name: calls.pop(name) for name in self.declared.spellings()}
        await self._call_all(portal, calls)
        for name, refused in (await self._refusals(portal, spellings)).items():
            log.warning("portal %s does not take /%s: %s", portal.member_id, name, refused)

    async def _bind_events(self, portal: Portal) -> None:
        known = bound_to(await self._call(portal, Call("event.get")), "event")
        calls = {
            event: Call("event.bind", {"event": event, "handler": self.declared.events_url})
            for event in LIFECYCLE_EVENTS
            if (event, self.declared.events_url) not in known
        }
        try:
            await self._call_all(portal, calls)
        except Refused:
            # A call whose answer was lost has bound it: the second one is refused.
            if not self.declared.is_bound(await self._call(portal, Call("event.get"))):
                raise

    async def _bind_tabs(self, portal: Portal) -> bool:
        """Put the tab into the cards; ``False`` where the app has no right to: all else works."""
        listed = await self._listed_tabs(portal)
        if isinstance(listed, Refused):
            log.info("portal %s shows no tab in CRM cards: %s", portal.member_id, listed)
            return False
        url, known = self.declared.tab_url, bound_to(listed, "placement")
        wanted = {
            place: Call("placement.bind", params)
            for place, params in self.declared.tabs().items()
            if (place, url) not in known
        }
        # Those of an address that the bot had before.
        old = {
            f"old{number}": Call("placement.unbind", {"PLACEMENT": place, "HANDLER": other})
            for number, (place, other) in enumerate(sorted(known))
            if place in TABS and other.endswith(TAB_PATH) and other != url
        }
        for name, why in (await self._refusals(portal, wanted | old)).items():
            log.warning("portal %s: %s is not changed: %s", portal.member_id, name, why)
        # A result may be a refusal, and a refused call may have been made before: its answer was
        # lost.
        return not wanted or bool(self.declared.has_tabs(await self._listed_tabs(portal)))

    async def _listed_tabs(self, portal: Portal) -> Any:
        """Have the portal list what shows pages of the app, or say why it does not."""
        try:
            return await self._call(portal, Call("placement.get"))
        except Refused as refused:
            return refused

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


def _flat(call: Call) -> Call:
    """Write a call as portals take it whose messenger knows no ``fields`` yet."""
    params = dict(call.params)
    return Call(call.method, {**params, **params.pop("fields", {})})


def _wants_flat(call: Call, error: Bitrix24Error) -> bool:
    return "fields" in call.params and isinstance(error, Refused) and error.code == NO_FIELDS
