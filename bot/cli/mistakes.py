"""Ordinary mistakes of those who run the bot, each in a sentence instead of a traceback."""

import errno

from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from bot.errors import StoreUnavailable
from bot.portals.keyring import WrongKeys
from bot.store.alone import NotAlone
from bot.store.commits import reason_of
from bot.store.database import FolderUnusable
from bot.store.schema import SchemaOutdated

# PostgreSQL's own codes for what a user has no right to, and for a table that somebody keeps.
FORBIDDEN, KEPT = "42501", "55P03"

_NOT_ALONE = (
    "Another process of the bot serves this database's file: stop that one. On SQLite one process "
    "does everything; several share a PostgreSQL."
)

_TAKES_NOTHING = (
    "The database takes nothing: {reason}. "
    "See that it is there, has room, and lets this user write."
)

_KEPT = (
    "Somebody uses the tables that are to be changed: a backup that runs, or a transaction left "
    "open. Nothing has changed. Wait for its end, or end it, and migrate then."
)

_PORTS = {
    errno.EADDRINUSE: "another program has it: stop that one, or choose another by PORT",
    errno.EACCES: "this user may not take it: choose one above 1023 by PORT",
}


def about_port(error: OSError, port: int) -> str:
    """Word why nobody can be listened to at a port; empty if it is something else."""
    reason = _PORTS.get(error.errno or 0)
    return f"Port {port} cannot be used: {reason}." if reason else ""


def about_database(error: Exception) -> str:
    """Word what is wrong with the database; empty if it is a fault of the program's own."""
    if isinstance(error, SchemaOutdated):
        return f"The database's schema is not this version's: {error}"
    if isinstance(error, WrongKeys):
        return f"The bot does not start: {error}."
    if isinstance(error, NotAlone):
        return _NOT_ALONE
    if isinstance(error, FolderUnusable):
        return _about_file(str(error))
    if isinstance(error, StoreUnavailable):
        return _TAKES_NOTHING.format(reason=error)
    if not isinstance(error, DBAPIError):
        return ""
    reason = reason_of(error).rstrip(".")
    if getattr(error.orig, "sqlstate", None) == FORBIDDEN:
        return f"The database refuses: {reason}. Its user has to own the database, or its schema."
    if getattr(error.orig, "sqlstate", None) == KEPT:
        return _KEPT
    if type(error.orig).__module__ == "sqlite3":
        return _about_file(reason) if _concerns_file(error) else ""
    if isinstance(error, InternalError):
        return _TAKES_NOTHING.format(reason=reason)
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database does not answer: {reason}. Start it, or correct DATABASE_URL."
    return ""


def _about_file(reason: str) -> str:
    return (
        f"The database's file cannot be used: {reason}. DATABASE_URL names it; its folder has to "
        "be one that this user may write to."
    )


def _concerns_file(error: DBAPIError) -> bool:
    # "file is not a database" is a DatabaseError and none of its kinds.
    return isinstance(error, OperationalError) or type(error) is DatabaseError
