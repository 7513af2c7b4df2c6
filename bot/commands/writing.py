"""Typed parts to text: what a button carries is what somebody might have typed."""

from typing import Any

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Role, Someone
from bot.commands.grammar import parse
from bot.commands.line import Unclear
from bot.commands.someone import NAME


def write(parts: dict[str, Any]) -> str:
    """Write parts as a text that is read as the same parts."""
    words = [
        parts.get("word") or "",
        _group_text(parts.get("group")),
        _item_text(parts.get("item")),
        f"chat {parts['chat_id']}" if parts.get("chat_id") and "item" in parts else "",
        ", ".join(map(_someone_text, parts.get("people") or ())),
        "--dry" if parts.get("dry") else "",
        "--yes" if parts.get("yes") else "",
        f"--for {parts['lasting'] // 60}m" if parts.get("lasting") else "",
        f"-- {parts['reason']}" if parts.get("reason") else "",
    ]
    return " ".join(word for word in words if word)


def _group_text(group: Group | None) -> str:
    if group is None:
        return ""
    return str(group.id) if group.id else _in_quotes(group.name)


def _item_text(item: CrmItem | None) -> str:
    return f"{item.type} {item.id}" if item else ""


def _someone_text(someone: Someone) -> str:
    match someone:
        case Person(id=number, name=name):
            return f"[USER={number}]{name}[/USER]" if name else f"id{number}"
        case Email(address=address):
            return address
        case Me():
            return "me"
        case Role():
            return f"@{someone.value}"
        case Named(name=name):
            found = NAME.fullmatch(f"@{name}")
            return f"@{name}" if found and _is_plain_name(name) else _in_quotes(name)


def _is_plain_name(name: str) -> bool:
    try:
        return parse(f"@{name}", {"people"}) == {"people": (Named(name=name),)}
    except Unclear:
        return False


def _in_quotes(name: str) -> str:
    return f"«{name}»" if '"' in name else f'"{name}"'
