"""SQL that is written out once in a test process, not once for each of its thousand bots."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

# SQLAlchemy keeps what it has written out for an engine, by statement and dialect.
_written: dict[Any, Any] = {}


class _Once:
    """All dialects of a kind are one, for whoever looks for a statement that is written out."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_written)


class SQLite(_Once, SQLiteDialect_pysqlite):
    """What the bot uses for SQLite."""

    supports_statement_cache = True


class PostgreSQL(_Once, PGDialect_psycopg):
    """What the bot uses for PostgreSQL."""

    supports_statement_cache = True


def write_out_once() -> None:
    """Have every engine of this process use what another one has written out."""
    registry.register("sqlite.pysqlite", __name__, "SQLite")
    registry.register("postgresql.psycopg", __name__, "PostgreSQL")
