"""The schema, from its first version on, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, delete, insert, inspect, text
from sqlalchemy.exc import OperationalError

import bot.store.migrate
from bot.cli.mistakes import about_database
from bot.store.database import engine_for
from bot.store.migrate import configuration, migrate
from bot.store.schema import VERSION, SchemaOutdated, check_schema
from bot.store.tables import job_migrations, metadata

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


on_postgresql = pytest.mark.parametrize("empty", ["postgresql"], indirect=True)


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


def test_a_file_that_others_could_read_is_closed_to_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [tmp_path / name for name in ("bot.db", "bot.db-wal", "bot.db-shm")]
    first = engine_for(f"sqlite:///{files[0]}")
    migrate(first)
    with first.connect() as connection:
        connection.execute(text("SELECT count(*) FROM inbox"))
        for file in files:
            file.chmod(0o644)

        engine_for(f"sqlite:///{files[0]}").dispose()
        engine_for(f"sqlite:///{files[0]}").dispose()

        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    first.dispose()
    told = [one.message for one in caplog.records if "they cannot any more" in one.message]
    assert told == [f"others on this machine could open {file}: they cannot any more"
                    for file in files]  # fmt: skip


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


@both
@pytest.mark.parametrize("begun", [FIRST, "0006"])
def test_one_that_was_interrupted_has_changed_nothing_and_is_done_again(
    empty: Engine, begun: str
) -> None:
    def interrupt(version: str, _words: str) -> None:
        if version == begun:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(empty, interrupt)

    assert inspect(empty).get_table_names() == []
    migrate(empty)
    check_schema(empty)


@on_postgresql
def test_whoever_comes_to_migrate_at_the_same_time_finds_it_done(empty: Engine) -> None:
    others = [engine_for(empty.url.render_as_string(hide_password=False)) for _ in range(2)]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(migrate, [empty, *others])) == [None] * 3
    for one in others:
        one.dispose()
    check_schema(empty)


@on_postgresql
def test_a_table_that_somebody_keeps_is_waited_for_a_little_at_a_time(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that runs, or a transaction left open, may take hours."""
    monkeypatch.setattr(bot.store.migrate, "PATIENCE", 0.0)
    with empty.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with empty.connect() as backup:
        backup.execute(text("SELECT count(*) FROM journal"))
        with pytest.raises(OperationalError) as kept:
            migrate(empty)
        monkeypatch.setattr(bot.store.migrate, "PATIENCE", 60.0)
        monkeypatch.setattr(bot.store.migrate.time, "sleep", lambda _seconds: backup.rollback())
        migrate(empty)

    assert about_database(kept.value).startswith("Somebody uses the tables that are to be changed")
    check_schema(empty)


@on_postgresql
def test_an_older_schema_on_postgresql_is_refused(empty: Engine) -> None:
    with pytest.raises(SchemaOutdated, match="migrate"):
        check_schema(empty)


@on_postgresql
def test_changes_of_the_job_librarys_tables_are_applied_in_their_order(empty: Engine) -> None:
    migrate(empty)
    made = _of_the_library(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    migrations = Path(SchemaManager.get_migrations_path()).glob("*.sql")
    older = sorted(one for one in migrations if one.name < "03.04")
    for one in older:
        with empty.begin() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute(one.read_text())
    config = configuration()
    with empty.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(insert(job_migrations), [{"name": one.name} for one in older])
    with pytest.raises(SchemaOutdated, match=r"job library has changed .* migrate"):
        check_schema(empty)

    migrate(empty)

    check_schema(empty)
    assert _of_the_library(empty) == made


@on_postgresql
def test_what_an_earlier_version_has_made_of_the_job_library_is_kept(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(delete(job_migrations))

    migrate(empty)

    check_schema(empty)


@on_postgresql
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE procrastinate_jobs CASCADE", r"are missing: .* migrate"),
        ("INSERT INTO job_migrations VALUES ('99.00.00_01_other.sql')", "newer version's"),
    ],
)
def test_without_the_job_librarys_tables_nothing_starts(
    empty: Engine, change: str, words: str
) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql(change)

    with pytest.raises(SchemaOutdated, match=words):
        check_schema(empty)


def test_the_versions_are_one_line() -> None:
    scripts = ScriptDirectory.from_config(configuration())

    assert scripts.get_heads() == [VERSION]
    assert scripts.get_base() == FIRST


def _of_the_library(engine: Engine) -> set[str]:
    """Give what the library has in the database: functions, triggers and columns."""
    question = """
        SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'procrastinate%'
        UNION SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'procrastinate%'
        UNION SELECT table_name || '.' || column_name FROM information_schema.columns
            WHERE table_name LIKE 'procrastinate%'
    """
    with engine.connect() as connection:
        return set(connection.execute(text(question)).scalars())


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
