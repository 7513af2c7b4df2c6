"""How a database comes to this program's schema, version by version."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

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
    if engine.dialect.name == "postgresql":
        # SQLite is migrated without the library.
        from bot.store.job_library import bring_up_to_date

        bring_up_to_date(engine)


def _version(script: Any) -> Version:
    return Version(script.revision, script.doc)


def configuration() -> Config:
    """Give alembic what it needs to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
