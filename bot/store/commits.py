"""Commits that many share, made in a thread of their own.

Whatever is handed over while a commit is under way goes into the next one, in one transaction
and, statement by statement, in one round trip: an event costs a part of an fsync, not a whole
one, and the event loop never waits for the disk.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import StoreUnavailable
from bot.store.prepared import Prepared

log = logging.getLogger(__name__)

Row = dict[str, Any]
# A statement and what it is to be executed for. One with rows is the same object each time, for as
# long as the program runs; without rows it is executed once, as it stands.
Write = tuple[Executable, Sequence[Row]]

GROUP_LIMIT = 512


@dataclass(slots=True)
class Request:
    """Writes that belong together, and who waits for them, if anybody does."""

    writes: tuple[Write, ...]
    done: "asyncio.Future[dict[Any, Any]] | None"


# What the statements with RETURNING gave, first column to second, and each without rows its own
# pairs; or why nothing was written.
Answer = tuple[Request, dict[Any, Any] | Exception]


class Commits:
    """The thread that writes."""

    def __init__(self, engine: Engine, tell: Callable[[list[Answer]], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._groups: SimpleQueue[list[Request] | None] = SimpleQueue()
        # Has these committed; ``tell`` is called in the thread with what came of them.
        self.add: Callable[[list[Request]], None] = self._groups.put
        # Whether the database took something, the last time that it was given anything.
        self.is_taking = False
        # What nobody waits for and the database would not take.
        self._owed: list[Request] = []
        # By the statements' ids, which nobody else comes by: what is prepared holds its statement.
        self._prepared: dict[int, Prepared] = {}
        self._connection: Connection | None = None
        self._is_committing = False
        self._thread = threading.Thread(target=self._run, name="writes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what was handed over; blocks."""
        self._groups.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            group, closing = self._group()
            if group:
                self._tell(self._commit(group))
        if self._connection is not None:
            self._connection.close()

    def _group(self) -> tuple[list[Request], bool]:
        """Give what is to be committed next: all that has been handed over meanwhile."""
        group, self._owed = self._owed, []
        asked = self._groups.get()
        while asked is not None:
            group += asked
            if len(group) >= GROUP_LIMIT or self._groups.empty():
                return group, False
            asked = self._groups.get()
        return group, True

    def _commit(self, group: list[Request]) -> list[Answer]:
        """Give every request its answer; what is posted and not taken is kept for later."""
        try:
            try:
                return self._attempt(group)
            except DBAPIError as error:
                # A connection that was lost in a quiet hour shows only now, before any commit.
                if self._is_committing or not error.connection_invalidated:
                    raise
            return self._attempt(group)
        except Exception as error:
            if len(group) > 1 and not _concerns_all(error):
                # One bad row must not take the others with it.
                return [answer for request in group for answer in self._commit([request])]
            failure = translated(error)
        log.warning("the database refused a commit: %s", failure)
        if not isinstance(failure, StoreUnavailable):
            return [(request, failure) for request in group]
        self.is_taking = False
        self._owed += [request for request in group if request.done is None]
        return [(request, failure) for request in group if request.done is not None]

    def _attempt(self, group: list[Request]) -> list[Answer]:
        self._is_committing = False
        statements: dict[int, tuple[Executable, list[Row]]] = {}
        for request in group:
            for statement, rows in request.writes:
                statements.setdefault(id(statement), (statement, []))[1].extend(rows)
        returned: dict[Any, Any] = {}
        if not statements:
            return [(request, returned) for request in group]
        # Kept: to fetch one from the pool takes as long as a small statement.
        connection = self._connection = self._connection or self._engine.connect()
        with connection.begin():
            for key, (statement, rows) in statements.items():
                prepared = self._prepared.get(key)
                if prepared is None:
                    result = self._execute(connection, statement, rows)
                else:
                    result = prepared.execute(connection, rows)
                pairs: Sequence[Any] = result.all() if result.returns_rows else ()
                returned.update(pairs)
                if not rows:
                    returned[statement] = pairs
            self._is_committing = True
        self.is_taking = True
        return [(request, returned) for request in group]

    def _execute(
        self, connection: Connection, statement: Executable, rows: list[Row]
    ) -> CursorResult[Any]:
        if not rows:
            return connection.execute(statement)
        prepared = Prepared(statement, rows[0], connection.dialect)
        self._prepared[id(statement)] = prepared
        return prepared.execute(connection, rows)


def translated(error: Exception) -> Exception:
    """Tell a database that is out of order from a request that is wrong."""
    if isinstance(error, OperationalError | InterfaceError | InternalError | PoolTimeout):
        return StoreUnavailable(reason_of(error))
    # The driver's words may quote what was to be stored.
    return RuntimeError(f"the database rejects a statement: {type(error).__name__}")


def reason_of(error: Exception) -> str:
    """Give the first line of the driver's words: the next ones may quote what was to be stored."""
    words = str(getattr(error, "orig", error)).strip().splitlines()
    return words[0] if words else type(error).__name__


def _concerns_all(error: Exception) -> bool:
    """Say whether the database is out of order: each request alone would fare no better."""
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    orig = getattr(error, "orig", error)
    return is_lost or isinstance(orig, sqlite3.OperationalError | PoolTimeout)
