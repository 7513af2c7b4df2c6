"""The schema, from its first version on, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from bot.store.database import engine_for
from bot.store.migrate import configuration, migrate
from bot.store.schema import VERSION, SchemaOutdated, check_schema
from bot.store.tables import metadata

FIRST = "0001"


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    address = (
        f"sqlite:///{tmp_path}/empty.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").copy("template1")
    )
    engine = engine_for(address)
    yield engine
    engine.dispose()


both = pytest.mark.parametrize("empty", ["sqlite", "postgresql"], indirect=True)


@both
def test_the_migrations_make_the_tables_of_the_program(empty: Engine) -> None:
    migrate(empty)

    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _ours})
        assert compare_metadata(context, metadata) == []


def test_nobody_else_on_the_machine_reads_the_file(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path}/data/bot.db")
    migrate(engine)

    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM inbox"))
        modes = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "data").iterdir()}
    engine.dispose()
    assert modes.keys() >= {"bot.db", "bot.db-wal", "bot.db-shm"}
    assert set(modes.values()) == {0o600}


@both
def test_what_is_stored_comes_along_from_the_first_version(empty: Engine) -> None:
    config = configuration()
    with empty.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST)
        for statement in DATA:
            connection.execute(text(statement))

    migrate(empty)

    with empty.connect() as connection:
        assert connection.execute(text("SELECT lane, event FROM inbox")).one() == ("m/chat1", "{}")
        assert connection.execute(text("SELECT method FROM journal")).scalar_one() == "add"
        assert connection.execute(text("SELECT bot_id FROM portals")).scalar_one() == 456
        assert connection.execute(text("SELECT user_id FROM tokens")).scalar_one() == 7
    check_schema(empty)


@both
def test_doing_it_again_changes_nothing(empty: Engine) -> None:
    migrate(empty)
    migrate(empty)
    check_schema(empty)


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_an_older_schema_on_postgresql_is_refused(empty: Engine) -> None:
    with pytest.raises(SchemaOutdated, match="migrate"):
        check_schema(empty)


def test_the_versions_are_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())

    assert scripts.get_heads() == [VERSION]
    assert scripts.get_base() == FIRST


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not str(name).startswith("procrastinate")


DATA = [
    "INSERT INTO portals (member_id, client_endpoint, server_endpoint, application_token,"
    " application_token_hash, installer_id, bot_id, registered, installed_at)"
    " VALUES ('m', 'https://a/rest/', 'https://b/rest/', '', 'h', 1, 456, '', 1.5)",
    "INSERT INTO tokens (member_id, user_id, access_token) VALUES ('m', 7, '')",
    "INSERT INTO inbox (identity, member_id, lane, message_id, line, event, received_at, attempts)"
    " VALUES ('i', 'm', 'm/chat1', 5, 0, '{}', 1.5, 0)",
    "INSERT INTO journal (command_id, step, member_id, requester_id, chat, command, method,"
    " person_id, params, begun_at) VALUES (1, 0, 'm', 7, 'chat1', 'invite', 'add', 12, '{}', 1.5)",
]
