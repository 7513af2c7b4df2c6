"""Keyboards of messages: the shapes that are accepted, the buttons that can be pressed."""

import json

from sandbox.errors import RestRefused
from sandbox.model import Message

_MOST_BYTES = 30_720
_NONE = ("N", "", None)


def read(value: object, bot_id: int) -> tuple[list[dict[str, object]] | None, int]:
    """Buttons and their bot from a JSON string, a map with BUTTONS, or a bare list.

    "N" or nothing means no keyboard.
    """
    if isinstance(value, str) and value not in _NONE:
        value = _parsed(value)
    if value in _NONE or value == []:
        return None, 0
    if isinstance(value, dict):
        bot_id = _number(value.get("BOT_ID", bot_id))
        value = value.get("BUTTONS")
    if not isinstance(value, list):
        raise _refused()
    if len(json.dumps(value, ensure_ascii=False).encode()) > _MOST_BYTES:
        raise RestRefused("KEYBOARD_OVERSIZE", "Keyboard is too big")
    return [_button(item) for item in value], bot_id


def button_at(message: Message, index: int) -> dict[str, object] | None:
    """The button at that place, line breaks not counted."""
    real = [button for button in message.keyboard or [] if button.get("TYPE") != "NEWLINE"]
    return real[index] if 0 <= index < len(real) else None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _refused() from None


def _button(item: object) -> dict[str, object]:
    if not isinstance(item, dict):
        raise _refused()
    if item.get("TYPE") == "NEWLINE":
        return {"TYPE": "NEWLINE"}
    link = item.get("LINK")
    if not item.get("TEXT") or (link and not _is_link(link)):
        raise _refused()
    return {str(key): value for key, value in item.items()}


def _is_link(link: object) -> bool:
    return isinstance(link, str) and link.startswith(("http://", "https://", "/"))


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise _refused() from None


def _refused() -> RestRefused:
    return RestRefused("KEYBOARD_ERROR", "Incorrect keyboard params")
