"""What the bot's buttons do: kept here, for a button itself has no room for it."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, and_, delete, exists, insert, select, update

from bot.bitrix24.entities import Act, Person
from bot.bitrix24.events import CommandEvent
from bot.store.database import Database
from bot.store.tables import inbox, presses

log = logging.getLogger(__name__)


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
    is_used: bool = False


class KeptButtons:
    """The table of buttons."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert(presses)

    def keep(self, buttons: list[KeptButton]) -> None:
        """Store buttons, before anybody sees them."""
        rows = [
            {
                "id": one.id,
                "question": one.question,
                "member_id": one.event.member_id,
                "owner_id": one.owner.id,
                "owner_name": one.owner.name,
                "command_id": one.command_id,
                "event": one.event.stored,
                "asked_at": one.asked_at,
                "act": one.act.name,
                "params": one.act.params,
                "expires_at": one.expires_at,
            }
            for one in buttons
        ]
        self._database.post((self._insert, rows))

    async def find(self, member_id: str, button_id: str, command_id: int) -> KeptButton | None:
        """Give a button of this portal, as the command finds it that presses it.

        ``None`` also where this version cannot read what another one has kept of it.
        """
        question = select(presses, _taken(command_id).label("is_used")).where(
            presses.c.id == button_id, presses.c.member_id == member_id
        )
        row = await self._database.row(question)
        try:
            return _button(row) if row else None
        except ValidationError:
            log.error("button %s cannot be read: it does nothing", button_id)
            return None

    async def claim(self, button: KeptButton, command_id: int) -> bool:
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

    async def forget_old(self) -> None:
        """Drop the buttons that do nothing any more."""
        old = delete(presses).where(presses.c.expires_at < time.time() - 86_400)
        await self._database.write((old, []))


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
