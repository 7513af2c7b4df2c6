"""Open lines and their dialogs as the portal's answers tell of them. Methods: imopenlines.*."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import CrmItem
from bot.bitrix24.events import Chat
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.rows import moment, part, rows, text

# How many messages are looked at, and how many lines: what the portal gives at most.
MESSAGES, LINES = 50, 200


class Dialog(Chat):
    """An open-line chat as the portal shows it when it is asked."""

    @property
    def is_over(self) -> bool | None:
        """Say whether its session has ended: the sixth part of ``Y|DEAL|288|N|N|512|…`` is 0.

        ``None`` where the portal does not tell.
        """
        session = next(iter(self.entity_data_1.split("|")[5:6]), "")
        return None if (number := read_number(session)) is None else number == 0


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a chat, by whom, and when it was written, if that is told."""

    id: int
    author_id: int
    at: float | None


@dataclass(frozen=True, slots=True)
class Glance:
    """A dialog and its newest messages, as far as the requester may see them."""

    dialog: Dialog
    said: tuple[Said, ...]

    def first_of(self, user_id: int, after: int) -> Said | None:
        """Give the first message that somebody has written after this one."""
        own = [one for one in self.said if one.author_id == user_id and one.id > after]
        return min(own, key=lambda one: one.id, default=None)


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An open line, and the operators of its queue."""

    id: int
    name: str
    queue: tuple[int, ...]


def of_item(item: CrmItem) -> dict[str, Any]:
    """Give the parameters that name an item: in the methods of open lines, and in the journal."""
    return {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}


def dialog_call(chat_id: int) -> Call:
    """Make the call that looks a dialog up."""
    return Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})


def members_call(chat_id: int) -> Call:
    """Make the call that lists who is in a chat."""
    return Call("im.chat.user.list", {"CHAT_ID": chat_id})


def chats_call(item: CrmItem, **further: str) -> Call:
    """Make the call that lists the active chats of an item."""
    return Call("imopenlines.crm.chat.get", {**of_item(item), **further})


def read_chats(found: Any) -> dict[int, str]:
    """Read the answer of ``imopenlines.crm.chat.get``: the chats, and their connectors' titles."""
    return {
        number: text(one.get("CONNECTOR_TITLE")) or text(one.get("CONNECTOR_ID"))
        for one in rows(found)
        if (number := read_number(one.get("CHAT_ID")))
    }


def queue_call(line_id: int) -> Call:
    """Make the call that looks an open line up with its queue: everybody may."""
    return Call("imopenlines.config.get", {"CONFIG_ID": line_id, "WITH_QUEUE": "Y"})


def read_queue(found: Any) -> tuple[int, ...] | None:
    """Read the operators off what ``imopenlines.config.get`` answers; ``None`` where it is none."""
    told = part(found, "QUEUE")
    return read_numbers(told) if isinstance(told, list | Mapping) else None


def lines_call() -> Call:
    """Make the call that lists the open lines with their queues: everybody may."""
    params = {"PARAMS": {"limit": LINES}, "OPTIONS": {"QUEUE": "Y"}}
    return Call("imopenlines.config.list.get", params)


def read_lines(found: Any) -> list[OpenLine]:
    """Read the answer of ``imopenlines.config.list.get``."""
    return [
        OpenLine(number, text(one.get("LINE_NAME")), read_numbers(one.get("QUEUE")))
        for one in rows(found, LINES)
        if (number := read_number(one.get("ID"))) and one.get("ACTIVE") != "N"
    ]


def is_dialog(found: Any, chat_id: int) -> TypeGuard[Mapping[str, Any]]:
    """Say whether this is what ``imopenlines.dialog.get`` tells of a chat, as far as can be seen.

    What is told of another chat is nothing about this one.
    """
    if not isinstance(found, Mapping) or not found.keys() & {"id", "entity_id", "entity_data_2"}:
        return False
    return read_number(found.get("id")) in (None, chat_id)


def read_dialog(chat_id: int, found: Any) -> Dialog:
    """Read the answer of ``imopenlines.dialog.get``; an empty dialog where it is none."""
    found = found if is_dialog(found, chat_id) else {}
    told = ("name", "entity_id", "entity_data_1", "entity_data_2", "entity_data_3")
    return Dialog(
        id=chat_id,
        dialog_id=f"chat{chat_id}",
        owner=read_number(found.get("owner")) or 0,
        entity_type="LINES",
        **{name: text(found.get(name)) for name in told},
    )


def read_said(found: Any) -> tuple[Said, ...]:
    """Read the answer of ``im.dialog.messages.get``."""
    return tuple(
        Said(number, read_number(one.get("author_id")) or 0, moment(one.get("date")))
        for one in rows(part(found, "messages"), MESSAGES)
        if (number := read_number(one.get("id")))
    )
