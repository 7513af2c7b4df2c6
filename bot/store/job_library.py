"""The tables of the job library (PostgreSQL): made, brought up to date, and checked.

The library brings one file with all of its tables and a file for every change of them since. It
does not note which of those a database has had: ``job_migrations`` does.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, insert, inspect, select

from bot.store.tables import job_migrations

# The newest change that a database can have had before anybody noted them.
UNNOTED = "03.04.00_50_post_add_retry_failed_job_procedure.sql"

# Without it nothing of the library is there.
_TABLE = "procrastinate_jobs"


def bring_up_to_date(begin: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Make the library's tables, or apply its changes, and note which the database has had.

    ``begin`` begins a transaction that no other process migrates beside.
    """
    with begin() as connection:
        applied = _applied(connection)
        if not inspect(connection).has_table(_TABLE):
            _run(connection, SchemaManager.get_schema())
            applied = _noted(connection, set(_known()), applied)
        elif not applied:
            applied = _noted(connection, {name for name in _known() if name <= UNNOTED}, applied)
    for name in sorted(set(_known()) - applied):
        # Each on its own: what one adds to a type can be used after its commit only.
        with begin() as connection:
            if name not in (applied := _applied(connection)):
                _run(connection, _known()[name].read_text(encoding="utf-8"))
                _noted(connection, {name}, applied)


def fault(connection: Connection) -> str:
    """Say what keeps the library installed here from working; empty where nothing does."""
    if not inspect(connection).has_table(_TABLE):
        return "the job library's tables are missing: run `python -m bot migrate`"
    applied, known = _applied(connection), set(_known())
    if known - applied:
        return "the job library has changed its tables: run `python -m bot migrate`"
    if applied - known:
        return "the job library's tables are a newer version's: install that one"
    return ""


def _known() -> dict[str, Path]:
    return {one.name: one for one in Path(SchemaManager.get_migrations_path()).glob("*.sql")}


def _applied(connection: Connection) -> set[str]:
    return set(connection.execute(select(job_migrations.c.name)).scalars())


def _noted(connection: Connection, names: set[str], before: set[str]) -> set[str]:
    """Note what the database has had besides, and give all that it has had."""
    rows = [{"name": one} for one in sorted(names - before)]
    if rows:
        connection.execute(insert(job_migrations), rows)
    return names | before


def _run(connection: Connection, script: str) -> None:
    # Many statements at once go through the driver itself: SQLAlchemy would read the colons.
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(script)
