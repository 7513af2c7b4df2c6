"""POST /bitrix24/tab: the tab in the cards of CRM records, for acting without typing.

It shows who is in the chats with the record's customer, and brings people in and out of them as
the visitor. Nothing is typed and nothing is said in those chats: the customer sees nothing of it.
"""

import json
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.acting.records import CustomerChat, Record, Records
from bot.bitrix24 import bbcode
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, NoPermission, Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.people import Found
from bot.bitrix24.visits import Visit
from bot.commands.parts import MAX_REASON
from bot.inbox.accepted import PRESS
from bot.inbox.escalations import Escalation, Escalations
from bot.portals.colleagues import Colleagues
from bot.portals.settings import PortalSettingsStore
from bot.portals.visitors import Visitor
from bot.story.connect import ConnectLinks
from bot.story.page_acts import Came, Note, PageActs
from bot.web.frame import Form, Frame

# What the buttons of the page are called, by the commands that they stand for.
COMMANDS = ("invite", "remove", "escalate")
# What can be said to an escalation that goes on.
ANSWERS = ("take", "pass_on", "stop")

# How long an escalation that is over is still shown, in seconds.
SHOWN_FOR = 24 * 3600

MOST_FOUND = 10
LONGEST_NAME = 100


@dataclass(eq=False)
class TabPage:
    """The page, for one record at a time."""

    _frame: Frame
    _records: Records
    _acts: PageActs
    _colleagues: Colleagues
    _settings: PortalSettingsStore
    _escalations: Escalations
    _links: ConnectLinks

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Open the page, or take one of its forms."""
        return await self._frame.receive(request, self._answer)

    async def _answer(
        self, visitor: Visitor, visit: Visit | None, posted: Form
    ) -> web.StreamResponse:
        if visit is None:
            return await self._posted(visitor, posted)
        if visit.item is None:
            return await self._frame.excuse(visit, visitor.turned_away("tab_no_record"), 400)
        return await self._show(visitor, visit.item)

    async def _posted(self, visitor: Visitor, posted: Form) -> web.StreamResponse:
        note = self._acts.read(visitor, str(posted.get("record", "")))
        if not visitor.connected:
            return await self._show(visitor, note.item)
        name = next((one for one in (*COMMANDS, *ANSWERS, PRESS) if one in posted), "")
        find = _words(posted.get("find"), LONGEST_NAME)
        at = read_number(posted.get("chat")) or 0
        if not name:
            return await self._show(visitor, note.item, at=at, find=find)
        where = visitor.portal, visitor.user_id
        # What is pressed of a command names a person; else it names what was offered.
        meant = posted.get("who") if name == "escalate" else posted.get(name)
        who = (read_number(meant) or 0) if name in COMMANDS else 0
        record = await self._seen(visitor, self._records.find(*where, note.item, who))
        chat = record.chat(at)
        if chat is None:
            # Nothing is done in a chat that the portal does not show them as the record's.
            raise visitor.turned_away("tab_no_chat")
        came = None
        if record.who or not who:
            came = await self._act(visitor, note, posted, name, record, chat)
        record = await self._seen(visitor, self._records.look_again(*where, record))
        return await self._show(visitor, note.item, record, came=came, at=at, find=find)

    async def _act(
        self,
        visitor: Visitor,
        note: Note,
        posted: Form,
        name: str,
        record: Record,
        chat: CustomerChat,
    ) -> Came | None:
        """Carry out what a button stands for; ``None`` where it stands for nothing any more."""
        if name == PRESS:
            params = _words(posted[PRESS], LONGEST_NAME)
        elif name in ANSWERS:
            number = read_number(posted[name])
            if number not in [one.id for one in await self._shown(visitor, chat)]:
                return None
            params = json.dumps({"id": number})
        else:
            people = [record.who.person] if record.who else []
            if not people and name != "escalate":
                return None
            params = _arguments(note.item, chat, people, _words(posted.get("reason"), MAX_REASON))
        return await self._acts.carry_out(visitor, note, chat.chat, name, params)

    async def _shown(self, visitor: Visitor, chat: CustomerChat) -> list[Escalation]:
        """List the escalations that run in a chat; else the last one, unless it is long over."""
        found = await self._escalations.in_chat(visitor.portal.member_id, chat.chat.id)
        since = time.time() - SHOWN_FOR
        return [one for one in found if one.chain.ended is None or one.chain.ended.at > since]

    async def _seen(self, visitor: Visitor, looking: Awaitable[Record]) -> Record:
        """Give a record as the visitor sees it. Raises ``NotLetIn`` where they may not."""
        try:
            record = await looking
        except (Refused, NoPermission):
            raise visitor.turned_away("tab_closed") from None
        reader = record.reader
        if reader is None or reader.is_external:
            raise visitor.turned_away("tab_closed")
        return record

    async def _show(
        self,
        visitor: Visitor,
        item: CrmItem,
        record: Record | None = None,
        *,
        came: Came | None = None,
        at: int = 0,
        find: str = "",
    ) -> web.StreamResponse:
        member_id, user_id = visitor.portal.member_id, visitor.user_id
        if record is None and visitor.connected:
            looking = self._records.look(visitor.portal, user_id, item)
            record = await self._seen(visitor, looking)
        chats = record.chats if record else ()
        found = await self._found(visitor, find) if find else []
        shown = {one.chat.id: await self._shown(visitor, one) for one in chats}
        off = (await self._settings.of(member_id)).commands_off
        return await self._frame.show(
            "tab.html.j2",
            visitor,
            record=self._acts.note(visitor, item),
            item=record.item if record else item,
            chats=chats,
            escalations=shown,
            # A script puts their times into the time zone of the browser, if no other is known.
            scripted=not visitor.chose_zone and any(shown.values()),
            chat_id=at,
            find=find,
            found=(found or [])[:MOST_FOUND],
            is_silent=found is None,
            has_more=len(found or []) > MOST_FOUND,
            may={name: name not in off for name in COMMANDS},
            came=came,
            said=bbcode.plain(came.reply.text).split("\n") if came and came.reply else [],
            most_reason=MAX_REASON,
            link="" if visitor.connected else self._links.make(member_id, user_id),
        )

    async def _found(self, visitor: Visitor, words: str) -> Sequence[Found] | None:
        """Find colleagues; ``None`` where the portal does not say who there is."""
        try:
            found = await self._colleagues.find(visitor.portal, visitor.user_id, words)
        except Bitrix24Error:
            return None
        # Bots are in no search. Page: user-search.md.
        return [one for one in found if one.active and not one.extranet]


def _words(value: Any, longest: int) -> str:
    """Give what was written into a field as one line of so many characters at most."""
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""


def _arguments(item: CrmItem, chat: CustomerChat, people: Sequence[Person], reason: str) -> str:
    """Write a command's arguments as the buttons of messages carry them.

    A chat of the record that is bound to another item by now is gone by itself, as if the command
    had been typed there.
    """
    is_bound = any((one.type, one.id) == (item.type, item.id) for one in chat.chat.items)
    told: dict[str, Any] = {"chat_id": chat.chat.id, "reason": reason}
    if is_bound:
        told["item"] = item.model_dump()
    if people:
        told["people"] = [one.model_dump() for one in people]
    return json.dumps(told, ensure_ascii=False)
