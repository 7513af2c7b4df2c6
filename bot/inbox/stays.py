"""People who are in a chat for a while, and when they are to be taken out."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, bindparam, or_, select, update

from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.events import CommandEvent
from bot.inbox.due import NOW, Due, Legible, act, bare, fairly
from bot.store.database import Database
from bot.store.tables import stays

REMIND_BEFORE = 600.0

# Where the portal does not answer at the end, it is asked again: after as long as the end is over,
# between these two, and for so long altogether.
SOONEST, LATEST = 60.0, 600.0
LONGEST = 24 * 3600.0


class Guests(BaseModel):
    """Who is where for a while, since when; ``late``: their end, where it has been put off."""

    model_config = ConfigDict(frozen=True)

    item: CrmItem | None = None
    chat_id: int
    people: tuple[Person, ...]
    since: float = 0.0
    late: float | None = None

    def but(self, others: Collection[Person]) -> "Guests":
        """Give them without these people."""
        people = tuple(one for one in self.people if one not in others)
        return self.model_copy(update={"people": people})


@dataclass(frozen=True, slots=True)
class Stay:
    """For how long some guests stay; ``event`` is the command that began it."""

    id: int
    command_id: int
    event: CommandEvent
    guests: Guests
    until: float
    remind_at: float | None

    @property
    def is_over(self) -> bool:
        """Say whether the end has come."""
        return self.until <= time.time()


class Stays:
    """The table of stays."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._legible = Legible(database, stays.c.id)
        self._insert = database.insert(stays).on_conflict_do_nothing()
        same = stays.c.id == bindparam("number"), stays.c.until == bindparam("due")
        # A column that a row brings besides is changed.
        self._end = update(stays).where(*same)
        self._remind = self._end.values(remind_at=None)
        is_due = or_(stays.c.until <= NOW, stays.c.remind_at <= NOW)
        self._are_due = fairly(stays.c.until, stays.c.id, stays.c.ended_at.is_(None), is_due)

    async def begin(
        self, command_id: int, event: CommandEvent, guests: Guests, seconds: int
    ) -> None:
        """Note that these people are to be taken out after so many seconds; once a command."""
        now = time.time()
        until = now + seconds
        row = {
            "command_id": command_id,
            "member_id": event.member_id,
            "event": bare(event).stored,
            "stay": guests.model_copy(update={"since": now}).model_dump_json(),
            "until": until,
            "remind_at": until - min(REMIND_BEFORE, seconds / 2),
        }
        await self._database.write((self._insert, [row]))

    async def due(self) -> list[Due]:
        """List the ends of stays, and those ends that are near and have not been announced."""
        return [self._due(one) for one in await self._legible.due(self._are_due, _stay)]

    async def find(self, stay_id: int) -> Stay | None:
        """Give a stay, over or not, if there is one that can be read."""
        rows = await self._database.rows(select(stays).where(stays.c.id == stay_id))
        return next(iter(self._legible.read(rows, _stay)), None)

    def _due(self, stay: Stay) -> Due:
        params = f'{{"id":{stay.id},"until":{stay.until!r}}}'
        row = {"number": stay.id, "due": stay.until}
        if stay.is_over:
            row["ended_at"] = time.time()
            return Due(act(stay.event, "expire", params), (self._end, [row]))
        return Due(act(stay.event, "remind", params), (self._remind, [row]))

    async def extend(self, stay: Stay, seconds: int) -> bool:
        """Put the end off; ``False`` if it has come meanwhile."""
        until = stay.until + seconds
        statement = (
            update(stays)
            .where(
                stays.c.id == stay.id,
                stays.c.until == stay.until,
                stays.c.ended_at.is_(None),
            )
            .values(until=until, remind_at=until - min(REMIND_BEFORE, seconds / 2))
            .returning(stays.c.id, stays.c.until)
        )
        return bool(await self._database.change(statement))

    async def put_off(self, stay: Stay) -> bool:
        """Have an end come once more for which the portal had no answer; not for ever."""
        now, end = time.time(), stay.guests.late or stay.until
        if now - end > LONGEST:
            return False
        guests = stay.guests.model_copy(update={"late": end})
        statement = (
            update(stays)
            .where(stays.c.id == stay.id, stays.c.until == stay.until)
            .values(
                stay=guests.model_dump_json(),
                until=now + min(LATEST, max(SOONEST, now - end)),
                remind_at=None,
                ended_at=None,
            )
        )
        await self._database.write((statement, []))
        return True

    async def cancel(self, command_ids: Iterable[int]) -> None:
        """Note that the people whom these commands brought are out already."""
        statement = (
            update(stays)
            .where(stays.c.command_id.in_(command_ids), stays.c.ended_at.is_(None))
            .values(ended_at=time.time())
        )
        await self._database.write((statement, []))


def _stay(row: Row[Any]) -> Stay:
    event = CommandEvent.model_validate_json(row.event)
    guests = Guests.model_validate_json(row.stay)
    return Stay(row.id, row.command_id, event, guests, row.until, row.remind_at)
