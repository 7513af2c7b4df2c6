"""What can be seen of an app, a bot and a dialog without changing any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.requester import Requester
from bot.bitrix24.rows import read_rows
from bot.bitrix24.scopes import missing_scopes
from bot.bitrix24.texts import read_text


@dataclass(frozen=True, slots=True)
class Checkup:
    """The findings; ``None`` where there was nothing to look at, or no answer."""

    requester: Person
    missing_scopes: tuple[str, ...]
    revision: int | None
    supports_lines: bool | None
    item: CrmItem | None
    sees_dialog: bool | None
    is_active: bool | None


class Checkups:
    """Looks with the requester's token."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def look(self, bot_id: int, chat_id: int) -> Checkup:
        """Look at everything, in one request; at a dialog, if there is a chat."""
        calls = {
            "me": Call("profile"),
            "scopes": Call("scope"),
            "revision": Call("imbot.v2.Revision.get"),
            "bot": Call("imbot.v2.Bot.get", {"botId": bot_id}),
        }
        if chat_id:
            calls["dialog"] = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        seen = await self._requester.ask_all(calls)
        item = _item(seen.get("dialog"))
        active = await self._is_active(item, chat_id) if item else None
        return Checkup(
            requester=_person(seen["me"]),
            missing_scopes=missing_scopes(seen["scopes"]),
            revision=_revision(seen["revision"]),
            supports_lines=_supports_lines(seen["bot"]),
            item=item,
            sees_dialog=isinstance(seen["dialog"], Mapping) if chat_id else None,
            is_active=active,
        )

    async def _is_active(self, item: CrmItem, chat_id: int) -> bool | None:
        params = {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}
        try:
            found = await self._requester.ask(Call("imopenlines.crm.chat.get", params))
        except Refused:
            return None
        return any(str(row.get("CHAT_ID")) == str(chat_id) for row in read_rows(found))


def _person(found: Any) -> Person:
    row = found if isinstance(found, Mapping) else {}
    name = " ".join(read_text(row.get(part)) for part in ("NAME", "LAST_NAME")).strip()
    return Person(id=read_number(row.get("ID")) or 0, name=name)


def _revision(found: Any) -> int | None:
    return read_number(found.get("rest")) if isinstance(found, Mapping) else None


def _supports_lines(found: Any) -> bool | None:
    bot = found.get("bot") if isinstance(found, Mapping) else None
    return bool(bot.get("isSupportOpenline")) if isinstance(bot, Mapping) else None


def _item(found: Any) -> CrmItem | None:
    if not isinstance(found, Mapping):
        return None
    return CrmItem.bound(
        read_text(found.get("entity_data_2")), read_text(found.get("entity_data_1"))
    )
