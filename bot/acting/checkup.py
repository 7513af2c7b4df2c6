"""What can be seen of an app, a bot and a dialog without changing any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.acting.requester import Requester
from bot.bitrix24.bots import bot_call, supports_lines
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import (
    OpenLine,
    chats_call,
    dialog_call,
    is_dialog,
    lines_call,
    read_chats,
    read_dialog,
    read_lines,
)
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.ownership import ADMIN, PROFILE
from bot.bitrix24.people import read_person
from bot.bitrix24.rows import part
from bot.bitrix24.scopes import missing_scopes

NO_METHOD = "ERROR_METHOD_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Checkup:
    """The findings; ``None`` where there was nothing to look at, or no answer.

    ``lines`` are the one of the dialog; without a dialog those in whose queue the requester is.
    ``queues`` are those of all lines. ``revision`` is 0 where the portal is too old to have one.
    """

    requester: Person | None
    missing_scopes: tuple[str, ...] | None
    revision: int | None
    supports_lines: bool | None
    item: CrmItem | None
    sees_dialog: bool | None
    is_active: bool | None
    is_admin: bool
    lines: tuple[OpenLine, ...]
    queues: tuple[tuple[int, ...], ...]


class Checkups:
    """Looks with the requester's token."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def look(self, bot_id: int, chat_id: int) -> Checkup:
        """Look at everything, in one request; at a dialog, if there is a chat."""
        calls = {
            "me": PROFILE,
            "scopes": Call("scope"),
            "revision": Call("imbot.v2.Revision.get"),
            "bot": bot_call(bot_id),
            "admin": ADMIN,
            "lines": lines_call(),
        }
        if chat_id:
            calls["dialog"] = dialog_call(chat_id)
        seen = await self._requester.ask_all(calls)
        dialog = read_dialog(chat_id, seen.get("dialog"))
        item = dialog.bound_item
        active = await self._is_active(item, chat_id) if item else None
        requester = read_person(seen["me"])
        every = read_lines(seen["lines"])
        lines = [
            one
            for one in every
            if (one.id == dialog.line_id if chat_id else requester and requester.id in one.queue)
        ]
        return Checkup(
            requester=requester,
            missing_scopes=missing_scopes(seen["scopes"]),
            revision=_revision(seen["revision"]),
            supports_lines=supports_lines(seen["bot"]),
            item=item,
            sees_dialog=_sees(chat_id, seen["dialog"]) if chat_id else None,
            is_active=active,
            is_admin=seen["admin"] is True,
            lines=tuple(lines),
            queues=tuple(one.queue for one in every),
        )

    async def _is_active(self, item: CrmItem, chat_id: int) -> bool | None:
        try:
            found = await self._requester.ask(chats_call(item))
        except Bitrix24Error:
            return None
        return chat_id in read_chats(found) if isinstance(found, list | Mapping) else None


def _revision(found: Any) -> int | None:
    if isinstance(found, Refused) and found.code == NO_METHOD:
        return 0
    return read_number(part(found, "rest"))


def _sees(chat_id: int, found: Any) -> bool | None:
    return True if is_dialog(found, chat_id) else False if isinstance(found, Refused) else None
