"""The app's bot as its portal tells of it. Methods: imbot.v2.Bot.*."""

from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.errors import Unanswered
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import flag, row


def bot_call(bot_id: int) -> Call:
    """Make the call that looks a bot up."""
    return Call("imbot.v2.Bot.get", {"botId": bot_id})


def supports_lines(found: Any) -> bool | None:
    """Say whether a bot is one for open lines; ``None`` where the answer does not tell."""
    told = row(found, "bot").get("isSupportOpenline")
    return None if told is None else flag(told)


def read_bot_id(found: Any) -> int:
    """Read the answer of ``imbot.v2.Bot.register``. Raises ``Unanswered``."""
    bot_id = read_number(row(found, "bot").get("id"))
    if not bot_id:
        raise Unanswered("imbot.v2.Bot.register was answered without a bot")
    return bot_id
