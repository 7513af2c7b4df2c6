"""The database's schema and its versions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, Engine, inspect

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the schema, and what is new in it."""

    number: str
    words: str


class SchemaOutdated(Exception):
    """The database's schema is not this program's."""


def migrate(engine: Engine, tell: Callable[[Version], None] = lambda version: None) -> None:
    """Bring the schema to this program's version; every version on the way is told when done."""
    config = configuration()
    config.attributes["tell"] = lambda *, step, **_rest: tell(_version(step.up_revision))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.dialect.name == "postgresql":
            _prepare_queue(connection)


def _version(script: Any) -> Version:
    return Version(script.revision, script.doc)


def check_schema(engine: Engine) -> None:
    """Raise ``SchemaOutdated`` unless the schema is this program's; SQLite is migrated."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == ScriptDirectory.from_config(configuration()).get_current_head():
        return
    if engine.dialect.name == "sqlite":
        migrate(engine)
    else:
        raise SchemaOutdated("run `python -m bot migrate` first")


def _prepare_queue(connection: Connection) -> None:
    if inspect(connection).has_table("procrastinate_jobs"):
        return
    # Many statements at once go through the driver itself: SQLAlchemy would read the colons.
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(SchemaManager.get_schema())


def configuration() -> Config:
    """Give alembic what it needs to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
