"""How a database comes to this program's schema, version by version."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the schema, and what is new in it."""

    number: str
    words: str


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


def _prepare_queue(connection: Connection) -> None:
    if inspect(connection).has_table("procrastinate_jobs"):
        return
    # SQLite is migrated without it.
    from procrastinate.schema import SchemaManager

    # Many statements at once go through the driver itself: SQLAlchemy would read the colons.
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(SchemaManager.get_schema())


def configuration() -> Config:
    """Give alembic what it needs to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
