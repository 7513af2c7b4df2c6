"""Which schema this program needs, and whether the database has it."""

from sqlalchemy import Connection, Engine, inspect, text

# The newest of bot/store/migrations/versions.
VERSION = "0009"

_STORED = text("SELECT version_num FROM alembic_version")


class SchemaOutdated(Exception):
    """The database's schema is not this program's."""


def is_current(engine: Engine) -> bool:
    """Say whether the schema is this program's."""
    with engine.connect() as connection:
        return version_of(connection) == VERSION


def check_schema(engine: Engine) -> None:
    """Raise ``SchemaOutdated`` unless the schema is this program's; SQLite is migrated."""
    if is_current(engine):
        _check_jobs(engine)
        return
    check_age(engine)
    if engine.dialect.name != "sqlite":
        raise SchemaOutdated("run `python -m bot migrate` first")
    # Alembic takes 11 MiB, and hardly ever is there something for it to do.
    from bot.store.migrate import migrate

    migrate(engine)


def _check_jobs(engine: Engine) -> None:
    """Raise ``SchemaOutdated`` unless the job library's tables are those of its version here."""
    if engine.dialect.name == "sqlite":
        return
    from bot.store.job_library import fault

    with engine.connect() as connection:
        if found := fault(connection):
            raise SchemaOutdated(found)


def check_age(engine: Engine) -> None:
    """Raise ``SchemaOutdated`` where a newer program has been here: there is no way back."""
    with engine.connect() as connection:
        if (version_of(connection) or VERSION) > VERSION:
            raise SchemaOutdated("it is a newer version's; run that one, or restore a backup")


def version_of(connection: Connection) -> str | None:
    """Give the version of a database's schema; ``None`` where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(_STORED).scalar()
