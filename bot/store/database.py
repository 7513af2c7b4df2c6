"""The database, and the commit that many share.

One thread writes. Whatever is handed to it while a commit is under way goes into the next
one, in one transaction and, statement by statement, in one round trip: an event costs a part
of an fsync, not a whole one, and the event loop never waits for the disk.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import StoreUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = dict[str, Any]
Write = tuple[Executable, Sequence[Row]]

GROUP_LIMIT = 512
QUEUE_LIMIT = 20_000
WAIT = 10.0
WATCH_EVERY = 1.0

# Where several requests came together the last time, how long the next ones wait for others:
# a commit costs as much as all that is in it.
GATHER = 0.002

# How long posted rows may wait for others to share a commit with.
LINGER = 0.02


@dataclass(slots=True)
class _Request:
    """Writes that belong together, and who waits for them, if anybody does."""

    writes: tuple[Write, ...]
    done: "asyncio.Future[dict[Any, Any]] | None"
    asked_at: float


Answer = tuple[_Request, dict[Any, Any] | Exception]


def engine_for(url: str) -> Engine:
    """Open SQLite or PostgreSQL by the address that ``DATABASE_URL`` may hold."""
    parsed = _normalised(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": 5})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(parsed, pool_size=4, max_overflow=4, pool_timeout=5, pool_pre_ping=True)


def _normalised(url: URL) -> URL:
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername.startswith("sqlite"):
        return url.set(drivername="sqlite+pysqlite")
    return url


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class Database:
    """Reads in threads, writes in one thread and in shared commits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # Written in this turn of the loop, not handed over yet.
        self._next: list[_Request] = []
        self._soon = False
        self._is_busy = False
        self._later: asyncio.TimerHandle | None = None
        self._asked: dict[int, _Request] = {}
        self._watching = False
        self._posted = 0
        self._groups: SimpleQueue[list[_Request] | None] = SimpleQueue()
        # The writer's own: what was posted and the database would not take.
        self._owed: list[_Request] = []
        # A single question needs no transaction, which would be two more round trips.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="reads")
        self._writer = threading.Thread(target=self._write_groups, name="writes", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Make an INSERT that can say ON CONFLICT, in this database's own dialect."""
        is_shared = self.engine.dialect.name == "postgresql"
        return postgresql.insert(table) if is_shared else sqlite.insert(table)

    async def write(self, *writes: Write) -> dict[Any, Any]:
        """Commit these rows together, along with everything else that waits.

        Returns what the statements with RETURNING gave, first column to second.
        Raises ``StoreUnavailable``.
        """
        if len(self._asked) > QUEUE_LIMIT:
            raise StoreUnavailable("too many writes are waiting")
        done: asyncio.Future[dict[Any, Any]] = self._loop.create_future()
        self._next.append(_Request(writes, done, self._loop.time()))
        if not self._soon:
            self._soon = True
            if self._is_busy:
                self._loop.call_later(GATHER, self._hand_over)
            else:
                self._loop.call_soon(self._hand_over)
        return await done

    def post(self, *writes: Write) -> None:
        """Commit these rows before anything that is written later, and within a moment.

        Nobody waits for them: a database that is out of order gets them when it is back, and
        only the end of the process can lose them.
        """
        self._posted += 1
        self._next.append(_Request(writes, None, self._loop.time()))
        if self._later is None:
            self._later = self._loop.call_later(LINGER, self._hand_over)

    def _hand_over(self) -> None:
        """Give the writer all that was written in this turn of the loop."""
        group, self._next, self._soon = self._next, [], False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if group:
            self._is_busy = sum(request.done is not None for request in group) > 1
            if not self._watching:
                self._watching = True
                self._loop.call_later(WATCH_EVERY, self._watch)
            self._asked.update((id(request), request) for request in group)
            self._groups.put(group)

    def _watch(self) -> None:
        """Let nobody wait for ever for a database that does not answer."""
        late = self._loop.time() - WAIT
        for request in self._asked.values():
            if request.asked_at < late and request.done is not None and not request.done.done():
                request.done.set_exception(StoreUnavailable("the database does not answer"))
        self._watching = bool(self._asked)
        if self._watching:
            self._loop.call_later(WATCH_EVERY, self._watch)

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask in a thread; what this process has posted is seen. Raises ``StoreUnavailable``."""
        if self._posted:
            await self.write()
        return await self._loop.run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        try:
            with self._reading.connect() as connection:
                return question(connection)
        except SQLAlchemyError as error:
            raise _refusal(error) from None

    async def exchange(self, work: Callable[[Connection], T]) -> T:
        """Do something small in a transaction of its own that need not survive a power cut.

        Raises ``StoreUnavailable``.
        """
        return await self._loop.run_in_executor(self._readers, self._transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET LOCAL synchronous_commit = off"))
                return work(connection)
        except SQLAlchemyError as error:
            raise _refusal(error) from None

    async def close(self) -> None:
        """Finish what was handed over, then let go of the database."""
        self._hand_over()
        self._groups.put(None)
        await self._loop.run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        self.engine.dispose()

    def _write_groups(self) -> None:
        closing = False
        while not closing:
            group, closing = self._group()
            if group:
                answers = self._commit(group)
                if not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._resolve, answers)

    def _group(self) -> tuple[list[_Request], bool]:
        """Give what is to be committed next: all that has been handed over meanwhile."""
        group, self._owed = self._owed, []
        asked = self._groups.get()
        while asked is not None:
            group += asked
            if len(group) >= GROUP_LIMIT or self._groups.empty():
                return group, False
            asked = self._groups.get()
        return group, True

    def _commit(self, group: list[_Request]) -> list[Answer]:
        """Give every request its answer; what was posted and not taken is kept for later."""
        try:
            return self._transaction(group)
        except SQLAlchemyError as error:
            if len(group) > 1 and not _concerns_all(error):
                # One bad row must not take the others with it.
                return [answer for request in group for answer in self._commit([request])]
            refusal = _refusal(error)
        log.warning("the database refused a commit: %r", refusal)
        if not isinstance(refusal, StoreUnavailable):
            return [(request, refusal) for request in group]
        self._owed += [request for request in group if request.done is None]
        return [(request, refusal) for request in group if request.done is not None]

    def _transaction(self, group: list[_Request]) -> list[Answer]:
        statements: dict[int, tuple[Executable, list[Row]]] = {}
        for request in group:
            for statement, rows in request.writes:
                statements.setdefault(id(statement), (statement, []))[1].extend(rows)
        returned: dict[Any, Any] = {}
        if not statements:
            return [(request, returned) for request in group]
        with self.engine.begin() as connection:
            for statement, rows in statements.values():
                result = connection.execute(statement, rows or None)
                if result.returns_rows:
                    returned.update((row[0], row[1]) for row in result)
        return [(request, returned) for request in group]

    def _resolve(self, answers: list[Answer]) -> None:
        for request, answer in answers:
            del self._asked[id(request)]
            if request.done is None:
                self._posted -= 1
            elif request.done.done():
                continue
            elif isinstance(answer, Exception):
                request.done.set_exception(answer)
            else:
                request.done.set_result(answer)


def _refusal(error: SQLAlchemyError) -> Exception:
    """Tell a database that is out of order from a request that is wrong."""
    if isinstance(error, OperationalError | InterfaceError | InternalError | PoolTimeout):
        return StoreUnavailable(type(getattr(error, "orig", error)).__name__)
    # The driver's words may quote what was to be stored.
    return RuntimeError(f"the database rejects a statement: {type(error).__name__}")


def _concerns_all(error: SQLAlchemyError) -> bool:
    """Say whether the database is out of order: each request alone would fare no better."""
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    orig = getattr(error, "orig", error)
    return is_lost or isinstance(orig, sqlite3.OperationalError | PoolTimeout)
