"""The database, and the commit that many share.

One thread writes. Whatever is handed to it while a commit is under way goes into the next
one, in one transaction and, statement by statement, in one round trip: an event costs a part
of an fsync, not a whole one, and the event loop never waits for the disk.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
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


@dataclass(slots=True)
class _Request:
    """Writes that belong together, and who waits for them."""

    writes: tuple[Write, ...]
    done: "asyncio.Future[dict[Any, Any]]"


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
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
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
        if self._requests.qsize() > QUEUE_LIMIT:
            raise StoreUnavailable("too many writes are waiting")
        done: asyncio.Future[dict[Any, Any]] = self._loop.create_future()
        self._requests.put(_Request(writes, done))
        try:
            async with asyncio.timeout(WAIT):
                return await done
        except TimeoutError:
            raise StoreUnavailable("the database does not answer") from None

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask in a thread. Raises ``StoreUnavailable``."""
        return await self._loop.run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        try:
            with self.engine.connect() as connection:
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
        self._requests.put(None)
        await self._loop.run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        self.engine.dispose()

    def _write_groups(self) -> None:
        while (first := self._requests.get()) is not None:
            group, closing = self._group(first)
            self._finish(self._commit(group))
            if closing:
                return

    def _group(self, first: _Request) -> tuple[list[_Request], bool]:
        group = [first]
        while len(group) < GROUP_LIMIT:
            try:
                request = self._requests.get_nowait()
            except Empty:
                break
            if request is None:
                return group, True
            group.append(request)
        return group, False

    def _commit(self, group: list[_Request]) -> list[tuple[_Request, dict[Any, Any] | Exception]]:
        try:
            return self._transaction(group)
        except SQLAlchemyError as error:
            if len(group) > 1 and not _is_connection_lost(error):
                # One bad row must not take the others with it.
                return [answer for request in group for answer in self._commit([request])]
            refusal = _refusal(error)
            log.warning("the database refused a commit: %r", refusal)
            return [(request, refusal) for request in group]

    def _transaction(
        self, group: list[_Request]
    ) -> list[tuple[_Request, dict[Any, Any] | Exception]]:
        statements: dict[int, tuple[Executable, list[Row]]] = {}
        for request in group:
            for statement, rows in request.writes:
                statements.setdefault(id(statement), (statement, []))[1].extend(rows)
        returned: dict[Any, Any] = {}
        with self.engine.begin() as connection:
            for statement, rows in statements.values():
                result = connection.execute(statement, rows or None)
                if result.returns_rows:
                    returned.update((row[0], row[1]) for row in result)
        return [(request, returned) for request in group]

    def _finish(self, answers: list[tuple[_Request, dict[Any, Any] | Exception]]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, answers)


def _refusal(error: SQLAlchemyError) -> Exception:
    """Tell a database that is out of order from a request that is wrong."""
    if isinstance(error, OperationalError | InterfaceError | InternalError | PoolTimeout):
        return StoreUnavailable(type(getattr(error, "orig", error)).__name__)
    # The driver's words may quote what was to be stored.
    return RuntimeError(f"the database rejects a statement: {type(error).__name__}")


def _is_connection_lost(error: SQLAlchemyError) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _resolve(answers: list[tuple[_Request, dict[Any, Any] | Exception]]) -> None:
    for request, answer in answers:
        if request.done.done():
            continue
        if isinstance(answer, Exception):
            request.done.set_exception(answer)
        else:
            request.done.set_result(answer)
