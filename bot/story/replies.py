"""Where words go. Nothing else in the bot sends into a chat.

In an open-line chat only ``system: true`` keeps a message from the customer. A reply is noted
before it leaves, and sent once more where it may have been lost.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from cachetools import TTLCache

from bot.bitrix24.bucket import Buckets
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    NoPermission,
    NotRenewed,
    Refused,
    RenewalRefused,
    Unanswered,
)
from bot.bitrix24.numerals import read_number
from bot.bitrix24.retry import SPEECHLESS, Retry
from bot.inbox.accepted import PRESS, Accepted, Button, Place, Reply
from bot.inbox.inbox import Inbox
from bot.portals.access import Access
from bot.portals.portals import Portal
from bot.portals.proof import Proof

log = logging.getLogger(__name__)

# Ten minutes after a command Command.answer says true and posts nothing; stay clear of that.
ANSWERABLE = 570.0

# How long nobody looks again whether a bot has come by a token of its own.
VOICELESS = 60.0

Way = Callable[[Portal, Accepted, Reply], Call]

# After these a stored token may be good again later; what has come with the command is good now.
NOT_NOW = (NotRenewed, RenewalRefused)

# After these it is certain, or as good as certain, that nothing was said.
NOT_SAID: tuple[type[Bitrix24Error], ...] = (*SPEECHLESS, Refused)

# A reply that may have been lost is sent once more, never a third time.
MAX_ATTEMPTS = 2
PAUSE = 3.0


@dataclass(eq=False)
class Replies:
    """The bot's voice in a portal."""

    _access: Access
    _proof: Proof
    _retry: Retry
    _pace: Buckets
    _inbox: Inbox

    def __post_init__(self) -> None:
        # The portals whose bot has no stored token of its own: the app's serves as well.
        self._voiceless: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=VOICELESS)

    async def send(self, portal: Portal, command: Accepted, replies: Sequence[Reply]) -> bool:
        """Send the replies; ``False`` if the requester's own certainly did not arrive."""
        attempts, is_said = command.attempts, True
        for number, reply in enumerate(replies):
            arrived = await self._send_one(portal, command, replies[number:], attempts)
            is_said = is_said and (arrived is not False or reply.user_id != 0)
            attempts = 0
        return is_said

    async def _send_one(
        self, portal: Portal, command: Accepted, rest: Sequence[Reply], attempts: int
    ) -> bool | None:
        """Send the first of these replies, again if it may have been lost; say if it arrived."""
        if attempts == MAX_ATTEMPTS:
            # A process died during the second attempt: its requester may have heard nothing.
            last = rest[0].model_copy(update={"place": Place.PRIVATE})
            return await self._sent(portal, command, [last, *rest[1:]], attempts)
        for attempt in range(attempts, MAX_ATTEMPTS):
            if attempt > attempts:
                await asyncio.sleep(PAUSE)
            arrived = await self._sent(portal, command, rest, attempt)
            if arrived is not None:
                return arrived
        return None

    def _ways(self, command: Accepted, reply: Reply) -> list[Way]:
        """List how a reply can be sent, the best way first."""
        event, since = command.answerable
        is_answerable = bool(event.command.id) and time.time() - since < ANSWERABLE
        if reply.spare:
            # Later than it can be answered, a line is taken only where the bot is a member.
            return [_in_chat, _line] if is_answerable else [_line]
        ways = list[Way]([_private])
        if is_answerable and not command.internal and not reply.user_id:
            ways.insert(0 if reply.place is Place.CHAT else 1, _in_chat)
        return ways

    async def _sent(
        self, portal: Portal, command: Accepted, rest: Sequence[Reply], attempts: int
    ) -> bool | None:
        """Send the first of these replies to where it belongs, else to the other place.

        Says if it arrived; ``None`` if nobody knows.
        """
        reply, ways = rest[0], self._ways(command, rest[0])
        try:
            for way in ways:
                call = way(portal, command, reply)
                try:
                    say = partial(self._say, portal, command, call, rest, attempts)
                    await self._retry.call(SPEECHLESS, say)
                    break
                except (Refused, Busy) as refused:
                    if way is ways[-1] and not reply.spare:
                        raise
                    log.warning("command %s: %s says %s", command.reference, call.method, refused)
        except Unanswered:
            return None
        except Bitrix24Error as error:
            log.error("command %s stays unanswered: %s", command.reference, error)
            return False
        return True

    async def notify(self, portal: Portal, command: Accepted, text: str) -> None:
        """Try once to tell a requester something privately: nothing hangs on it.

        Where commands wait for the portal's bucket it is left out: it would make them wait longer.
        """
        if not await self._pace.has_room(portal.member_id):
            return
        said = _private(portal, command, Reply(text=text, place=Place.PRIVATE))
        await self._call(portal, command, said)

    async def _say(
        self, portal: Portal, command: Accepted, call: Call, rest: Sequence[Reply], attempts: int
    ) -> None:
        """Say something once; it is noted before, and taken back where it was not said."""
        await self._inbox.replying(command, rest, attempts + 1)
        try:
            if not _is_said(await self._call(portal, command, call)):
                raise Refused("", "a message was taken and not posted", 200)
        except NOT_SAID:
            await self._inbox.replying(command, rest, attempts)
            raise

    async def _call(self, portal: Portal, command: Accepted, call: Call) -> Any:
        """Call with the bot's own stored token, else with the app's, else with what came."""
        if portal.member_id not in self._voiceless:
            try:
                return await self._access.call(portal, portal.bot_id or 0, call)
            except NoPermission:
                self._voiceless[portal.member_id] = True
            except NOT_NOW:
                log.info("portal %s: its bot's token is not renewed now", portal.member_id)
        try:
            return await self._access.call(portal, portal.installer_id, call)
        except NoPermission:
            self._voiceless.pop(portal.member_id, None)
            return await self._proof.as_bot(portal, command, call)
        except NOT_NOW:
            with suppress(NoPermission):
                return await self._proof.as_bot(portal, command, call)
            raise


def _is_said(told: Any) -> bool:
    """Say whether a message has been posted, by the result: a number, or ``{"result": true}``."""
    inner = told.get("result", told.get("id")) if isinstance(told, Mapping) else told
    return inner is True or bool(read_number(inner))


def _in_chat(_portal: Portal, command: Accepted, reply: Reply) -> Call:
    event, _since = command.answerable
    return Call(
        "imbot.v2.Command.answer",
        {
            "botId": event.bot.id,
            "commandId": event.command.id,
            "messageId": event.message.id,
            "dialogId": event.chat.dialog_id,
            "fields": _fields(reply, event.bot.id, in_chat=True),
        },
    )


def _line(portal: Portal, command: Accepted, reply: Reply) -> Call:
    """Make the call that says something in the chat of a command, so that its staff alone sees it.

    Page: chat-message-send.md.
    """
    event, _since = command.answerable
    return _message(portal, event.chat.dialog_id, reply, in_chat=True)


def _private(portal: Portal, command: Accepted, reply: Reply) -> Call:
    """Make the call that tells the requester, or who else is meant, in their talk with the bot."""
    reader = reply.user_id or command.event.user.id
    return _message(portal, str(reader), reply, in_chat=False)


def _message(portal: Portal, dialog_id: str, reply: Reply, *, in_chat: bool) -> Call:
    bot_id = portal.bot_id or 0
    fields = _fields(reply, bot_id, in_chat=in_chat)
    # Below revision 33 a JSON boolean is passed over here, and the customer would read the line.
    # Page: chat-bots-v2/change-log.md.
    fields |= {name: "Y" if one else "N" for name, one in fields.items() if isinstance(one, bool)}
    params = {"botId": bot_id, "dialogId": dialog_id, "fields": fields}
    return Call("imbot.v2.Chat.Message.send", params)


def _fields(reply: Reply, bot_id: int, *, in_chat: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"message": reply.text, "urlPreview": False}
    if in_chat:
        fields["system"] = True
    if reply.buttons:
        # Whoever is in the chat can press: a press must not close the button to its owner.
        buttons = [_button(button, once=not in_chat) for button in reply.buttons]
        fields["keyboard"] = {"BOT_ID": bot_id, "BUTTONS": buttons}
    return fields


def _button(button: Button, *, once: bool) -> dict[str, str]:
    # Page: message-keyboards.md. Keys stay in capitals in version 2 as well.
    look = {"TEXT": button.text, "DISPLAY": "LINE", "BG_COLOR_TOKEN": "primary"}
    if button.link:
        return {**look, "LINK": button.link}
    block = "Y" if once else "N"
    return {**look, "COMMAND": PRESS, "COMMAND_PARAMS": button.payload, "BLOCK": block}
