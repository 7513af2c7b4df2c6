"""How a database comes to this program's schema, version by version."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, tell: Callable[[str, str], None] = lambda version, words: None) -> None:
    """Bring the schema to this program's version.

    Every version on the way is told when it is reached, and in a few words what is new in it.
    Whatever interrupts it, the schema is then as it was before.
    """
    config = configuration()
    config.attributes["tell"] = lambda *, step, **_rest: tell(
        step.up_revision.revision, step.up_revision.doc
    )
    with engine.begin() as connection, _whole(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if engine.dialect.name == "postgresql":
        # SQLite is migrated without the library.
        from bot.store.job_library import bring_up_to_date

        bring_up_to_date(engine)


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
