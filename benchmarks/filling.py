"""Databases as they are after years: filled by SQL, through the bot's own tables."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from benchmarks.events import Commands, Spread, member_id
from bot.bitrix24 import form
from bot.bitrix24.envelope import Envelope
from bot.store.database import engine_for
from bot.store.tables import inbox, journal, portals, tokens

AT_ONCE = 5000
TOLD_EVERY = 100
YEAR = 365 * 86_400.0

# Where nobody listens.
NOWHERE = "http://127.0.0.1:1/rest/"
DOWN = 100
CHATS = 10

Fill = Callable[[str], None]


def known_portals(count: int) -> Fill:
    """Make the database know so many portals, the installed one among them."""

    def fill(url: str) -> None:
        with _connected(url) as connection:
            _copy_portal(connection, range(1, count), lambda portal, row: {})

    return fill


def nothing(url: str) -> None:
    """Leave the database as it is: the bot is only started again."""


def old_journal(rows: int) -> Fill:
    """Make the journal so long."""

    def row(number: int, now: float) -> dict[str, Any]:
        chat = 30_000_000 + number % 1000
        params = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": number, "CHAT_ID": chat}
        return {
            "command_id": 10**9 + number,
            "step": 0,
            "member_id": member_id(0),
            "requester_id": 40_000_000 + number % 20,
            "chat": f"chat{chat}",
            "command": "invite",
            "method": "imopenlines.crm.chat.user.add",
            "person_id": number,
            "params": json.dumps(params),
            "begun_at": now,
            "answered_at": now,
            "result": str(chat),
            "changed": True,
        }

    def fill(url: str) -> None:
        first, step = time.time() - YEAR * 0.9, YEAR * 0.9 / rows
        with _connected(url) as connection:
            _insert(connection, journal, (row(n, first + n * step) for n in range(rows)))

    return fill


def waiting(count: int) -> Fill:
    """Make so many commands wait in chats of portals that cannot be reached."""

    def fill(url: str) -> None:
        spread = Spread(portals=DOWN, chats=CHATS)
        with _connected(url) as connection:
            _copy_portal(
                connection, range(1, DOWN + 1), lambda portal, row: {"client_endpoint": NOWHERE}
            )
            commands = Commands("http://127.0.0.1:1", spread)
            _insert(connection, inbox, (_waiting(commands, spread, n) for n in range(count)))

    return fill


def _waiting(commands: Commands, spread: Spread, number: int) -> dict[str, Any]:
    # The first portal is the one that is well.
    member = member_id(spread.origin(number).portal + 1)
    posted = form.decode(commands.form(number), "application/x-www-form-urlencoded")
    event = Envelope.read(posted).command(member)
    return {
        "identity": event.identity,
        "member_id": member,
        "requester_id": event.user.id,
        "lane": event.lane,
        "message_id": event.message.id,
        "line": event.line,
        "event": event.model_dump_json(by_alias=True, exclude_defaults=True),
        "received_at": time.time(),
    }


def _copy_portal(
    connection: Connection, numbers: range, changed: Callable[[int, Any], dict[str, Any]]
) -> None:
    """Copy the installed portal, and the tokens that are known of it, to others."""
    for table in (portals, tokens):
        originals = [dict(row) for row in connection.execute(select(table)).mappings()]
        copies = (
            {
                **row,
                **_named(table, row, number),
                **(changed(number, row) if table is portals else {}),
            }
            for number in numbers
            for row in originals
        )
        _insert(connection, table, copies)


def _named(table: Table, row: dict[str, Any], number: int) -> dict[str, Any]:
    if table is tokens:
        return {"member_id": member_id(number)}
    endpoint = row["client_endpoint"].replace("/0/rest/", f"/{number}/rest/")
    return {"member_id": member_id(number), "client_endpoint": endpoint}


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    for number in count(1):
        chunk = list(islice(rows, AT_ONCE))
        if not chunk:
            return
        connection.execute(insert(table), chunk)
        connection.commit()
        if not number % TOLD_EVERY:
            print(f" {number * AT_ONCE} rows", end="", flush=True)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
