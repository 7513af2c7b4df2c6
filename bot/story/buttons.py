"""Buttons: what they do, whose they are, and that each is pressed once.

That is kept in a table, for a button itself has no room for it.
"""

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, and_, exists, insert, select, update

from bot.bitrix24.entities import Act, Offer, Person
from bot.bitrix24.events import CommandEvent
from bot.commands.errors import ButtonExpired, ButtonUsed, NotYours
from bot.inbox.accepted import PRESS, Accepted, Press
from bot.portals.actor import Actor
from bot.store.database import Database
from bot.store.tables import inbox, presses

log = logging.getLogger(__name__)

# A button offers what is meant now: tomorrow the chat is another one.
LIFE = 30 * 60


@dataclass(frozen=True, slots=True)
class KeptButton:
    """One button: whose it is, what it does, and the command under whose answer it stands.

    Of the buttons of one ``question`` only one is ever pressed with effect: ``is_used``: a proven
    command has done so.
    """

    id: str
    question: str
    owner: Person
    command_id: int
    event: CommandEvent
    asked_at: float
    act: Act
    expires_at: float
    is_used: bool


class Buttons:
    """Makes buttons, and knows them again when they are pressed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert(presses)

    def make(self, offers: Sequence[Offer], command: Accepted, owner: Person) -> list[str]:
        """Give what each button is to carry, which cannot be guessed; nothing for a link.

        They are stored before anybody sees them. The owner alone can press them, each once, and
        of those that belong together one.
        """
        event, asked_at = _original(command)
        names = _names(command)
        together = next(names)
        rows = [
            {
                "id": next(names),
                "question": next(names) if offer.independent else together,
                "member_id": event.member_id,
                "owner_id": owner.id,
                "owner_name": owner.name,
                "command_id": command.id,
                "event": event.stored,
                "asked_at": asked_at,
                "act": offer.act.name,
                "params": offer.act.params,
                "expires_at": time.time() + (offer.life or LIFE),
            }
            for offer in offers
            if offer.act is not None
        ]
        if rows:
            self._database.post((self._insert, rows))
        ids = iter([str(row["id"]) for row in rows])
        return [next(ids) if offer.act is not None else "" for offer in offers]

    async def press(self, command: Accepted, actor: Actor) -> Accepted:
        """Give what a press is to do, and mark it as done before it is.

        A press that nothing proves must not use up its owner's button. The same press may be
        asked about again, after a crash.
        Raises ``NotYours``, ``ButtonExpired``, ``ButtonUsed``; ``NotProven``.
        """
        button = await self.meant(command)
        if button is None:
            raise ButtonExpired
        if button.owner.id != command.event.user.id:
            raise NotYours(button.owner)
        if button.expires_at < command.received_at:
            raise ButtonExpired
        if button.is_used:
            raise ButtonUsed
        if not actor.may_act:
            await actor.prove()
        if not await self._claim(button, command.id):
            raise ButtonUsed
        return _pressed(button, command)

    async def meant(self, command: Accepted) -> KeptButton | None:
        """Give the button of a press, without pressing it; ``None`` for what is no press.

        ``None`` also where this version cannot read what another one has kept of it.
        """
        if command.event.name != PRESS:
            return None
        button_id = command.event.command.params.strip()[:64]
        question = select(presses, _taken(command.id).label("is_used")).where(
            presses.c.id == button_id, presses.c.member_id == command.event.member_id
        )
        row = await self._database.row(question)
        try:
            return _button(row) if row else None
        except ValidationError:
            log.error("button %s cannot be read: it does nothing", button_id)
            return None

    async def _claim(self, button: KeptButton, command_id: int) -> bool:
        """Mark a button as pressed by this command; ``False`` if its question is answered.

        A claim that nothing has proven keeps nobody from pressing.
        """
        # The whole question is marked, so that two buttons pressed at once meet at one row.
        statement = (
            update(presses)
            .where(presses.c.question == button.question, ~_taken(command_id))
            .values(used_by=command_id)
            .returning(presses.c.id, presses.c.used_by)
        )
        claimed = await self._database.write((statement, []))
        return bool(claimed.get(button.id) == command_id)


def _names(command: Accepted) -> Iterator[str]:
    """Make names that cannot be guessed by who has not seen one of them.

    New ones stand side by side in the database's index.
    """
    secret = secrets.token_urlsafe(15)
    return (f"{command.id:x}.{number}.{secret}"[:32] for number in count())


def _original(command: Accepted) -> tuple[CommandEvent, float]:
    """Give what a command's buttons are about, and when that was asked for."""
    event, asked_at = command.answerable
    if event is not command.event:
        event = event.about(command.event.name, command.event.command.params)
        event = event.model_copy(update={"user": command.event.user})
    return event, asked_at


def _taken(command_id: int) -> ColumnElement[bool]:
    """Make the condition that another command, a proven one, has pressed a button."""
    proven = exists().where(inbox.c.id == presses.c.used_by, inbox.c.proven)
    return and_(presses.c.used_by.is_not(None), presses.c.used_by != command_id, proven)


def _button(row: Row[Any]) -> KeptButton:
    return KeptButton(
        id=row.id,
        question=row.question,
        owner=Person(id=row.owner_id, name=row.owner_name),
        command_id=row.command_id,
        event=CommandEvent.model_validate_json(row.event),
        asked_at=row.asked_at,
        act=Act(name=row.act, params=row.params),
        expires_at=row.expires_at,
        is_used=bool(row.is_used),
    )


def _pressed(button: KeptButton, command: Accepted) -> Accepted:
    original, event = button.event, command.event
    act = button.act if button.act.name else Act(name=original.name, params=original.command.params)
    # A press in the chat itself can be answered there for another ten minutes.
    same = event.chat.dialog_id == original.chat.dialog_id
    told_by, since = (event, command.asked_at) if same else (original, button.asked_at)
    # Since then another operator may have taken the dialog over.
    chat = original.chat.model_copy(update={"owner": 0})
    place = original.model_copy(update={"user": event.user, "chat": chat})
    press = Press(place, button.command_id, told_by, since)
    return replace(command, event=place.about(act.name, act.params), press=press)
