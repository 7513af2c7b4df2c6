"""How a database comes to this program's schema, version by version."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, tell: Callable[[str, str], None] = lambda version, words: None) -> None:
    """Bring the schema to this program's version.

    Every version on the way is told when it is reached, and in a few words what is new in it.
    """
    config = configuration()
    config.attributes["tell"] = lambda *, step, **_rest: tell(
        step.up_revision.revision, step.up_revision.doc
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if engine.dialect.name == "postgresql":
        # SQLite is migrated without the library.
        from bot.store.job_library import bring_up_to_date

        bring_up_to_date(engine)


def configuration() -> Config:
    """Give alembic what it needs to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
