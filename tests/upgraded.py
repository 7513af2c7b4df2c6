"""A bot that has been upgraded: what the version before has left, with its portal as it was then.

`version_before.json` was taken of 0.1.0 itself, killed in the middle of its work: the rows of its
tables, and what the portal had of it. There times are seconds from that moment, tokens sealed with
the tests' key; `{bot}`, `{portal}`, `{authorization}` stand for addresses, `{ticket}` for Anna's.
"""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from alembic import command
from procrastinate.schema import SchemaManager
from pydantic import SecretStr
from sqlalchemy import Engine, Float, LargeBinary, MetaData, Table, Text, func, select
from stage import ANNA, CLIENT_ID, KEY

from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.migrate import configuration
from sandbox.messaging import ANSWER_LIFETIME
from sandbox.model import Bot, Command, Message, User
from sandbox.server import Portal
from sandbox.state import State

_LEFT = Path(__file__).parent / "version_before.json"

CIPHER = Cipher([SecretStr(KEY)])

# The tables whose rows the database numbers.
COUNTED = ("inbox", "journal", "stays")


class Left:
    """What is left, with the addresses of these servers, as of now."""

    def __init__(self, portal: Portal, settings: Settings) -> None:
        told = _LEFT.read_text()
        ticket = CIPHER.seal("connect", {"portal": portal.state.member_id, "user": ANNA})
        for name, value in (
            ("portal", portal.url),
            ("authorization", portal.oauth_url),
            ("bot", settings.public_url),
            ("ticket", ticket),
        ):
            told = told.replace(f"{{{name}}}", value)
        self._left = json.loads(told)
        self._now = time.time()
        self._tell(portal.state)

    def fill(self, engine: Engine) -> None:
        """Make an empty database the one of the version before."""
        self._make_schema(engine)
        for table in self._tables(engine):
            self._store(engine, table, self._left["tables"][table.name])
            if engine.dialect.name == "postgresql" and table.name in COUNTED:
                _count_on(engine, table)

    def accept(self, engine: Engine, *numbers: int) -> None:
        """Store these commands as a process does that still is of the version before."""
        told = self._left["tables"]
        names = {one["identity"] for one in told["inbox"] if one["id"] in numbers}
        for table in self._tables(engine):
            if table.name in ("inbox", "unproven_tokens"):
                with engine.begin() as connection:
                    connection.execute(table.delete().where(table.c.identity.in_(names)))
                rows = [one for one in told[table.name] if one["identity"] in names]
                self._store(engine, table, rows)

    def _make_schema(self, engine: Engine) -> None:
        config = configuration()
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, self._left["revision"])
            if engine.dialect.name == "postgresql":
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute(SchemaManager.get_schema())

    def _tables(self, engine: Engine) -> list[Table]:
        """Give the tables with something in them, as the database has them now."""
        tables = MetaData()
        tables.reflect(engine, only=lambda name, _: name in self._left["tables"])
        return [one for one in tables.sorted_tables if one.name in self._left["tables"]]

    def _store(self, engine: Engine, table: Table, rows: list[dict[str, Any]]) -> None:
        with engine.begin() as connection:
            for row in rows:
                connection.execute(table.insert().values(self._row(table, row)))

    def _row(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        return {name: self._value(table.c[name].type, value) for name, value in row.items()}

    def _value(self, kind: Any, value: Any) -> Any:
        if isinstance(kind, Float):
            return self._now + value
        if isinstance(kind, LargeBinary):
            return value.encode()
        if isinstance(kind, Text) and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return value

    def _tell(self, state: State) -> None:
        """Let the portal be as the version before had it."""
        told = self._left["portal"]
        state.app.installed = True
        state.app.application_token = told["application_token"]
        vars(state.app).update(told["card"])
        state.app.handlers = [(name, address) for name, address in told["handlers"]]
        bot = Bot(client_id=CLIENT_ID, **told["bot"])
        state.bots[bot.id] = bot
        state.users[bot.id] = User(bot.id, "Switchboard", kind="bot", departments=[1])
        for one in told["commands"]:
            state.commands[state.number("command")] = Command(bot_id=bot.id, **one)
        for one in told["chats"]:
            self._tell_chat(state, one)
            state.passes[bot.id, one["id"]] = self._now + ANSWER_LIFETIME
        # Today's portals have their administrators say who may look into others' dialogs.
        state.users[ANNA].history = "any"
        self._tell_tokens(state)

    def _tell_chat(self, state: State, told: dict[str, Any]) -> None:
        if told["kind"] == "private":
            chat = state.open_private_chat(*reversed(told["members"]))
        else:
            chat = state.chats[told["id"]]
            chat.members[:] = told["members"]
        for one in told["messages"]:
            values = {"author_id": 0, **one, "at": self._now + one["at"]}
            state.messages[one["id"]] = message = Message(chat_id=chat.id, **values)
            chat.messages.append(message)
            while state.number("message") < one["id"]:
                pass

    def _tell_tokens(self, state: State) -> None:
        """Let the portal know the pairs that the version before has been given."""
        tables = self._left["tables"]
        whose = {one["identity"]: one["requester_id"] for one in tables["inbox"]}
        for one in (*tables["tokens"], *tables["unproven_tokens"]):
            user_id = one.get("user_id") or whose[one["identity"]]
            access, refresh = (
                CIPHER.decrypt_unbound(one[name].encode()).get_secret_value()
                for name in ("access_token", "refresh_token")
            )
            pair = state.tokens.forge(user_id, "bot" if user_id in state.bots else "user")
            state.tokens.take(replace(pair, access=access, refresh=refresh))


def _count_on(engine: Engine, table: Table) -> None:
    """Have PostgreSQL number what comes after the last row."""
    last = select(func.max(table.c.id)).scalar_subquery()
    with engine.begin() as connection:
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last)))
