"""How a database comes to this program's schema, version by version."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from bot.store.schema import VERSION, version_of
from bot.store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"

# For so many seconds it is tried to have the tables for oneself.
PATIENCE = 60.0
PAUSE = 1.0

# The lock's number is anybody's who migrates this program's database.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(24024)")

# Whoever waits for a table keeps all waiting who come later, for less time than an event has.
_BRIEFLY = text("SET LOCAL lock_timeout = '2s'")


def migrate(engine: Engine, tell: Callable[[str, str], None] = lambda version, words: None) -> None:
    """Bring the schema to this program's version.

    Every version on the way is told when it is reached, and in a few words what is new in it.
    Whatever interrupts it, the schema is then as it was before.
    Raises ``OperationalError`` where somebody keeps a table for long.
    """
    config = configuration()
    config.attributes["tell"] = lambda *, step, **_rest: tell(
        step.up_revision.revision, step.up_revision.doc
    )
    with _alone(engine) as connection, _whole(connection):
        _have_tables(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if engine.dialect.name == "postgresql":
        # SQLite is migrated without the library.
        from bot.store.job_library import bring_up_to_date

        bring_up_to_date(partial(_alone, engine))


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction; whoever else comes to migrate waits for its end."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME)
        yield connection


def _have_tables(connection: Connection) -> None:
    """Wait until nobody uses the tables that are to be changed (PostgreSQL).

    A change that had to wait, for a backup or for a transaction that somebody has left open, would
    keep the bot's events waiting as long. Raises ``OperationalError``.
    """
    if connection.dialect.name != "postgresql" or version_of(connection) == VERSION:
        return
    there = set(inspect(connection).get_table_names())
    names = ", ".join(one.name for one in metadata.sorted_tables if one.name in there)
    deadline = time.monotonic() + PATIENCE
    while names:
        try:
            with connection.begin_nested():
                connection.execute(_BRIEFLY)
                connection.execute(text(f"LOCK TABLE {names}"))
                return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


@contextmanager
def _whole(connection: Connection) -> Iterator[None]:
    """Have SQLite, too, change tables in the transaction: its driver commits before each change."""
    driver = connection.connection.driver_connection
    if driver is None or connection.dialect.name != "sqlite":
        yield
        return
    usual, driver.isolation_level = driver.isolation_level, None
    try:
        # Whoever else comes to migrate waits, and finds it done.
        driver.execute("BEGIN IMMEDIATE")
        yield
        driver.commit()
    except BaseException:
        driver.rollback()
        raise
    finally:
        driver.isolation_level = usual


def configuration() -> Config:
    """Give alembic what it needs to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
