"""What visitors ask for on the page of a CRM record: commands like typed ones, and nobody types.

A form of the page carries a sealed note: whose it is, which record it is about, and a number that
is good once. Together with the visitor's session it proves that they mean what they ask for, so
that the command is noted as proven, and the vault's tokens act for it. A command is known by the
note's number: a form that is sent again does nothing.
"""

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Literal

from bot.bitrix24.entities import CrmItem
from bot.bitrix24.events import PAGE, Bot, Chat, CommandEvent, CommandLine, Message, User
from bot.inbox.accepted import Reply
from bot.inbox.accepting import Accepting
from bot.inbox.backlog import Backlog, Room
from bot.inbox.inbox import Inbox
from bot.portals.visitors import SESSION_LIFE, Visitor
from bot.store.cipher import Cipher, Unreadable

RECORD = "record"

# Seconds for which a page waits for the answer; later ones are told privately alone.
PATIENCE = 8.0


@dataclass(frozen=True, slots=True)
class Note:
    """Which record a form is about, and what makes it known again."""

    item: CrmItem
    identity: str


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a wish, and what its visitor was told.

    ``again``: the form was sent before; ``full``: too much waits; neither has done anything.
    """

    how: Literal["done", "running", "again", "full"]
    reply: Reply | None = None


@dataclass(eq=False)
class PageActs:
    """Has commands carried out that visitors ask for on a page."""

    _cipher: Cipher
    _accepting: Accepting
    _backlog: Backlog
    _inbox: Inbox

    def note(self, visitor: Visitor, item: CrmItem) -> str:
        """Write the note that the visitor's next form carries."""
        return self._cipher.seal(
            RECORD,
            {
                "portal": visitor.portal.member_id,
                "user": visitor.user_id,
                "type": item.type,
                "id": item.id,
                "once": secrets.token_hex(16),
            },
        )

    def read(self, visitor: Visitor, note: str) -> Note:
        """Read a note of this visitor's. Raises ``NotLetIn``."""
        try:
            told = self._cipher.unseal(RECORD, note, SESSION_LIFE)
        except Unreadable:
            raise visitor.turned_away("page_session") from None
        if (told["portal"], told["user"]) != (visitor.portal.member_id, visitor.user_id):
            raise visitor.turned_away("page_proof")
        # A command without a message, known by what nobody else can know.
        known_by = hashlib.sha256(f"{told['portal']}/{told['once']}".encode()).hexdigest()
        item = CrmItem(type=told["type"], id=told["id"])
        return Note(item, f"{0:016x}{known_by[:48]}")

    async def carry_out(
        self, visitor: Visitor, note: Note, chat: Chat, name: str, params: str
    ) -> Came:
        """Have a command run as this visitor, and wait a while for what comes of it.

        Raises ``StoreUnavailable``.
        """
        event = _event(visitor, chat, name, params)
        if await self._backlog.room(event) is not Room.ENOUGH:
            return Came("full")
        if not await self._accepting.accept(event, identity=note.identity, proven=True):
            return Came("again")
        return await self._answer(visitor, note)

    async def _answer(self, visitor: Visitor, note: Note) -> Came:
        deadline, pause = time.monotonic() + PATIENCE, 0.03
        while time.monotonic() < deadline:
            told = await self._inbox.told(visitor.portal.member_id, note.identity)
            if told is not None:
                return Came("done", told[-1] if told else None)
            await asyncio.sleep(pause)
            pause = min(0.5, 1.3 * pause)
        return Came("running")


def _event(visitor: Visitor, chat: Chat, name: str, params: str) -> CommandEvent:
    return CommandEvent(
        member_id=visitor.portal.member_id,
        bot=Bot(id=visitor.portal.bot_id or 0),
        command=CommandLine(id=0, command=f"/{name}", params=params, context=PAGE),
        message=Message(id=0),
        chat=chat,
        user=User(id=visitor.user_id, name=visitor.name),
        language=visitor.language,
        ts=time.time(),
    )
