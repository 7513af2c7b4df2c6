"""What is stored of a portal, or of one person there, erased from every table."""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Row,
    Table,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from bot.bitrix24.events import CommandEvent
from bot.inbox.escalations import Chain
from bot.inbox.stays import Guests
from bot.portals.settings import read_stored
from bot.portals.tokens import Tokens
from bot.store.database import Database
from bot.store.tables import (
    escalations,
    inbox,
    journal,
    marks,
    metadata,
    portal_settings,
    preferences,
    presses,
    replays,
    stays,
    tokens,
    unproven_tokens,
)

# How many rows of each table are gone.
Counts = dict[str, int]

# Rows that one statement erases: databases take no more than so many thousand values at once.
AT_ONCE = 500


class Forgetting:
    """Erases people while the bot runs."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens
        self._turn = asyncio.Lock()

    async def person(self, member_id: str, user_id: int) -> int:
        """Erase what is stored of a person, and say how many rows that was.

        One after the other: for as long as one has taken, the database is everybody else's.
        Raises ``StoreUnavailable``.
        """
        async with self._turn:
            began = time.monotonic()
            counts = await self._database.exchange(lambda c: erase_person(c, member_id, user_id))
            await asyncio.sleep(time.monotonic() - began)
        # This process may hold the pair still; it sees that it is gone.
        await self._tokens.fresh(member_id, user_id)
        return sum(counts.values())


def erase_portal(connection: Connection, member_id: str) -> Counts:
    """Erase everything that is stored of a portal, in the transaction that is open."""
    _overwrite(connection)
    again = delete(replays).where(_of(inbox.c.member_id == member_id))
    counts = {"replays": _gone(connection, again)}
    for table in metadata.sorted_tables:
        if "member_id" in table.columns:
            statement = delete(table).where(table.c.member_id == member_id)
            counts[table.name] = _gone(connection, statement)
    return _found(counts)


def erase_person(connection: Connection, member_id: str, user_id: int) -> Counts:
    """Erase what is stored of a person at a portal, in the transaction that is open.

    Commands of other people go too where they name the person by a mention and are answered.
    """
    _overwrite(connection)
    # What takes long comes first: until something is erased, others can write on SQLite, too.
    found = _found_of(connection, member_id, user_id)
    counts = {column.table.name: _erased(connection, column, keys) for column, keys in found}
    counts["stays"] = _stays(connection, member_id, user_id)
    counts["escalations"] = _escalations(connection, member_id, user_id)
    counts["portal_settings"] = _duty(connection, member_id, user_id)
    for table in (tokens, preferences):
        this = (table.c.member_id == member_id) & (table.c.user_id == user_id)
        counts[table.name] = _gone(connection, delete(table).where(this))
    return _found(counts)


def _found_of(
    connection: Connection, member_id: str, user_id: int
) -> list[tuple[Column[Any], Sequence[Any]]]:
    """Find the commands and what belongs to them, each table's rows by what they are known by."""
    told = (marks.c.member_id == member_id) & marks.c.mark.contains(f"/{user_id}/")
    own = (inbox.c.member_id == member_id) & (inbox.c.requester_id == user_id)
    named = _mentions(inbox, member_id, user_id, inbox.c.event, inbox.c.replies)
    pressed = (presses.c.member_id == member_id) & (presses.c.owner_id == user_id)
    shown = _mentions(presses, member_id, user_id, presses.c.event, presses.c.params)
    offered = (presses.c.member_id == member_id) & _holds(presses.c.params, user_id)
    # What shows the person's name on a button does not say whose that is.
    on_buttons = inbox.c.id.in_(select(presses.c.command_id).where(offered))
    of_others = or_(named, on_buttons) & inbox.c.done_at.is_not(None)
    # Buttons that others got by a command of the person's.
    users = [presses.c.event.contains(f'"user":{{"id":{user_id}{end}') for end in (",", "}")]
    asked = (presses.c.member_id == member_id) & or_(*users)
    brought = unproven_tokens.c.identity.in_(select(inbox.c.identity).where(own))
    wanted = {
        unproven_tokens.c.identity: brought,
        replays.c.command_id: _of(own),
        marks.c.mark: told,
        inbox.c.id: or_(own, of_others),
        presses.c.id: or_(pressed, shown, offered, asked),
    }
    found = [
        (column, connection.scalars(select(column).where(this)).all())
        for column, this in wanted.items()
    ]
    return [*found, (journal.c.id, _journal(connection, member_id, user_id))]


def _erased(connection: Connection, column: Column[Any], keys: Sequence[Any]) -> int:
    """Erase rows of a table by what they are known by."""
    left = iter(keys)
    count = 0
    while some := list(islice(left, AT_ONCE)):
        count += _gone(connection, delete(column.table).where(column.in_(some)))
    return count


def _of(commands: Any) -> Any:
    return replays.c.command_id.in_(select(inbox.c.id).where(commands))


def _holds(column: Any, user_id: int) -> Any:
    """Make the condition that stored JSON holds the person, by number and name."""
    return column.contains(f'{{"id":{user_id},"name":')


def _mentions(table: Any, member_id: str, user_id: int, *columns: Any) -> Any:
    """Make the condition that a row of the portal names the person by a mention."""
    written = (f"[USER={user_id}]", f"[USER={user_id} ")
    found = [func.coalesce(one, "").contains(mention) for one in columns for mention in written]
    return (table.c.member_id == member_id) & or_(*found)


def _stays(connection: Connection, member_id: str, user_id: int) -> int:
    """Erase the stays that the person has begun, and take the person out of the others."""
    rows = connection.execute(select(stays).where(stays.c.member_id == member_id)).all()
    touched = 0
    for row in rows:
        this = stays.c.id == row.id
        try:
            guests = Guests.model_validate_json(row.stay)
            requester = CommandEvent.model_validate_json(row.event).user.id
        except ValidationError:
            touched += _illegible(connection, stays, row, this, user_id)
            continue
        left = guests.but([one for one in guests.people if one.id == user_id])
        if requester == user_id or not left.people:
            connection.execute(delete(stays).where(this))
        elif left != guests:
            connection.execute(update(stays).where(this).values(stay=left.model_dump_json()))
        else:
            continue
        touched += 1
    return touched


def _escalations(connection: Connection, member_id: str, user_id: int) -> int:
    """Erase the escalations that the person has begun, and take the person out of the others."""
    theirs = escalations.c.member_id == member_id
    own = delete(escalations).where(theirs, escalations.c.requester_id == user_id)
    touched = _gone(connection, own)
    for row in connection.execute(select(escalations).where(theirs)).all():
        this = escalations.c.command_id == row.command_id
        try:
            chain = Chain.model_validate_json(row.chain)
        except ValidationError:
            touched += _illegible(connection, escalations, row, this, user_id)
            continue
        left = chain.without(user_id)
        if left != chain:
            values = {"chain": left.model_dump_json(), "version": row.version + 1}
            connection.execute(update(escalations).where(this).values(values))
            touched += 1
    return touched


def _illegible(
    connection: Connection, table: Table, row: Row[Any], this: ColumnElement[bool], user_id: int
) -> int:
    """Erase a row of another version that this one cannot read, where it may name the person."""
    if not re.search(rf"\b{user_id}\b", " ".join(map(str, row))):
        return 0
    return _gone(connection, delete(table).where(this))


def _journal(connection: Connection, member_id: str, user_id: int) -> Sequence[int]:
    """Find what the person has asked for, and what has been asked for the person."""
    of_portal = journal.c.member_id == member_id
    several = select(journal.c.id, journal.c.params).where(of_portal, journal.c.person_id == 0)
    among = [row.id for row in connection.execute(several) if user_id in _people(row.params)]
    theirs = or_(journal.c.requester_id == user_id, journal.c.person_id == user_id)
    alone = connection.scalars(select(journal.c.id).where(of_portal, theirs))
    return list({*among, *alone})


def _people(params: str) -> Iterable[int]:
    people = json.loads(params).get("USER_ID")
    return people if isinstance(people, list) else ()


def _duty(connection: Connection, member_id: str, user_id: int) -> int:
    """Take the person off the people on duty."""
    this = portal_settings.c.member_id == member_id
    found = connection.execute(select(portal_settings.c.settings).where(this)).scalar()
    settings = read_stored(found)
    if user_id not in settings.duty:
        return 0
    duty = tuple(one for one in settings.duty if one != user_id)
    changed = settings.model_copy(update={"duty": duty}).model_dump_json(exclude_defaults=True)
    return connection.execute(update(portal_settings).where(this).values(settings=changed)).rowcount


def _overwrite(connection: Connection) -> None:
    """Have SQLite leave nothing readable where the rows have been."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete = ON"))


def _gone(connection: Connection, statement: Delete) -> int:
    return connection.execute(statement).rowcount


def _found(counts: Counts) -> Counts:
    return {name: number for name, number in counts.items() if number}
