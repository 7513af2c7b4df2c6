"""The database: questions are asked in threads, writes go into commits that many share."""

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Row, Table, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StoreUnavailable
from bot.store.commits import Answer, Commits, Request, Write, translated

if TYPE_CHECKING:  # on SQLite its dialects, and they take 2 MiB, are not imported
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

log = logging.getLogger(__name__)

QUEUE_LIMIT = 20_000

# Threads that ask. PostgreSQL's connections are counted, a SQLite file's are not.
READERS = 4
READERS_OF_MANY = 2

# Nobody waits for ever for a database that does not answer.
WAIT = 10.0

# What SQLite puts beside its file, and how that begins.
BESIDE = ("-wal", "-shm", "-journal")
BEGINNING = b"SQLite format 3\0"

# A server that has gone without a word, as at the end of its machine, is given up after so many
# seconds (the last one: milliseconds); DATABASE_URL may say otherwise.
GONE_AFTER = {
    "connect_timeout": "8",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}

# PostgreSQL's own codes for a write to a server that takes none, and for a statement that was
# prepared for a table that has been changed since.
READ_ONLY, CHANGED = "25006", "0A000"

# To see whether the database answers, and whether it takes anything.
_ANYTHING = text("SELECT 1")
_AS_IT_IS = text("UPDATE alembic_version SET version_num = version_num")

# A transaction that need not survive a power cut waits for no disk.
_LIGHTLY = text("SET LOCAL synchronous_commit = off")

# Where several requests came together the last time, how long the next ones wait for others:
# a commit costs as much as all that is in it.
GATHER = 0.002

# How long posted rows may wait for others to share a commit with.
LINGER = 0.02


class FolderUnusable(StoreUnavailable):
    """SQLite's file, or the folder that it is in, cannot be made."""


def engine_for(url: str) -> Engine:
    """Open SQLite or PostgreSQL by the address that ``DATABASE_URL`` may hold.

    Raises ``FolderUnusable``.
    """
    parsed = _normalised(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            make_file(Path(parsed.database))
        engine = create_engine(parsed, connect_args={"timeout": 5})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    # One to write, and one for each thread that asks.
    parsed = parsed.set(query={**GONE_AFTER, **parsed.query})
    engine = create_engine(parsed, pool_size=1 + READERS_OF_MANY, max_overflow=0, pool_timeout=5)
    event.listen(engine, "connect", _beware_of_poolers)
    event.listen(engine, "handle_error", _begin_anew)
    return engine


def _beware_of_poolers(connection: Any, _record: object) -> None:
    """Prepare no statements behind a pooler: the next one may come to a server that knows none.

    A pooler has a number of its own for the connection in the place of the server's.
    """
    [number] = connection.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    if number != connection.info.backend_pid:
        connection.prepare_threshold = None


def _begin_anew(context: ExceptionContext) -> None:
    """Give up connections for new ones, where those may fare better.

    Another server may take by now what this one does not; and nothing is prepared there yet.
    """
    if getattr(context.original_exception, "sqlstate", None) in (READ_ONLY, CHANGED):
        context.is_disconnect = True


def make_file(file: Path) -> None:
    """Make SQLite's file and its folder, for this user alone. Raises ``FolderUnusable``."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Nobody else on this machine reads it, nor the files that SQLite puts beside it.
        file.touch(mode=0o600)
        if not _is_database(file):
            return
    except OSError as error:
        raise FolderUnusable(error.strerror) from None
    for one in (file, *(file.with_name(file.name + end) for end in BESIDE)):
        _close_to_others(one)


def _is_database(file: Path) -> bool:
    """Say whether a file is SQLite's: a wrong address may name anything that is to stay as it is.

    Raises ``OSError``.
    """
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not file.stat().st_mode & 0o077:
        # Closing it would end the locks that this process may have on it.
        return True
    with file.open("rb") as opened:
        return opened.read(len(BEGINNING)) in (BEGINNING, b"")


def _close_to_others(file: Path) -> None:
    """Take from others what an earlier version, or a copy put back, has let them do."""
    try:
        if not file.stat().st_mode & 0o077:
            return
        file.chmod(0o600)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("others on this machine may open %s, and still do: %s", file, error.strerror)
    else:
        log.warning("others on this machine could open %s: they cannot any more", file)


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
        self._next: list[Request] = []
        self._soon = False
        self._is_busy = False
        self._later: asyncio.TimerHandle | None = None
        # Handed over and not answered; of these and of the next ones, those that were posted.
        self._asked = 0
        self._posted = 0
        self._is_shared = engine.dialect.name == "postgresql"
        # With a transaction each, single questions would take two more round trips.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        readers = READERS_OF_MANY if self._is_shared else READERS
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reads")
        self._loop = asyncio.get_running_loop()
        self._commits = Commits(engine, self._answered)

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """Make an INSERT that can say ON CONFLICT, in this database's own dialect."""
        if not self._is_shared:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    def upsert(self, table: Table, *columns: str) -> "postgresql.Insert | sqlite.Insert":
        """Make an INSERT that writes these columns anew where the row is there already."""
        insert = self.insert(table)
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: insert.excluded[name] for name in columns},
        )

    async def write(self, *writes: Write) -> dict[Any, Any]:
        """Commit these rows together, along with everything else that waits.

        Returns what the statements with RETURNING gave, first column to second.
        Raises ``StoreUnavailable``.
        """
        if self._asked > QUEUE_LIMIT:
            raise StoreUnavailable("too many writes are waiting")
        done: asyncio.Future[dict[Any, Any]] = self._loop.create_future()
        self._next.append(Request(writes, done))
        if not self._soon:
            self._soon = True
            if self._is_busy:
                self._loop.call_later(GATHER, self._hand_over)
            else:
                self._loop.call_soon(self._hand_over)
        try:
            async with asyncio.timeout(WAIT):
                return await done
        except TimeoutError:
            raise StoreUnavailable("the database does not answer") from None

    async def change(self, statement: Executable) -> Sequence[Row[Any]]:
        """Commit one statement, and give the two columns that it returns of each row changed.

        Raises ``StoreUnavailable``.
        """
        pairs: Sequence[Row[Any]] = (await self.write((statement, [])))[statement]
        return pairs

    def post(self, *writes: Write) -> None:
        """Commit these rows before anything that is written later, and within a moment.

        Nobody waits for them: a database that is out of order gets them when it is back, and
        only the end of the process can lose them.
        """
        self._posted += 1
        self._next.append(Request(writes, None))
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
            self._asked += len(group)
            self._commits.add(group)

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask in a thread; what this process has posted is seen. Raises ``StoreUnavailable``."""
        if self._posted:
            await self.write()
        return await self.ask(question)

    async def rows(self, question: Executable, **values: Any) -> list[Row[Any]]:
        """Give the rows of one question, with these values in it. Raises ``StoreUnavailable``."""
        return await self.read(lambda connection: list(connection.execute(question, values)))

    async def row(self, question: Executable) -> Row[Any] | None:
        """Give the first row of one question, if there is any. Raises ``StoreUnavailable``."""
        return await self.read(lambda connection: connection.execute(question).first())

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Ask in a thread what has nothing to do with posted rows. Raises ``StoreUnavailable``.

        A single question needs no transaction; it may be asked twice.
        """
        return await self._loop.run_in_executor(self._readers, self._answer, question)

    def _answer(self, question: Callable[[Connection], T]) -> T:
        try:
            return _connected(lambda: self._attempt(question))
        except SQLAlchemyError as error:
            raise translated(error) from None

    def _attempt(self, question: Callable[[Connection], T]) -> T:
        with self._reading.connect() as connection:
            return question(connection)

    async def check(self) -> None:
        """Raise ``StoreUnavailable`` where the database does not answer, or takes nothing.

        Something is written only where the last commit was refused, as by a full disk, or where
        there has been none.
        """
        await self.rows(_ANYTHING)
        if not self._commits.is_taking:
            await self.write((_AS_IT_IS, []))

    async def exchange(self, work: Callable[[Connection], T]) -> T:
        """Do something small in a transaction of its own that need not survive a power cut.

        Raises ``StoreUnavailable``.
        """
        return await self._loop.run_in_executor(self._readers, self._transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with _connected(self._begin) as connection:
                found = work(connection)
                connection.commit()
                return found
        except SQLAlchemyError as error:
            raise translated(error) from None

    def _begin(self) -> Connection:
        """Begin a transaction."""
        connection = self.engine.connect()
        try:
            if self._is_shared:
                connection.execute(_LIGHTLY)
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Finish what was handed over, then let go of the database."""
        self._hand_over()
        await self._loop.run_in_executor(None, self._commits.close)
        self._readers.shutdown()
        self.engine.dispose()

    def _answered(self, answers: list[Answer]) -> None:
        """Take what came of a commit; called in the thread that made it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve, answers)

    def _resolve(self, answers: list[Answer]) -> None:
        self._asked -= len(answers)
        for request, answer in answers:
            if request.done is None:
                self._posted -= 1
            elif request.done.done():
                continue
            elif isinstance(answer, Exception):
                request.done.set_exception(answer)
            else:
                request.done.set_result(answer)


def _connected(attempt: Callable[[], T]) -> T:
    """Try twice: a connection that was lost in a quiet hour shows only now."""
    try:
        return attempt()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return attempt()
