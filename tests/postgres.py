"""A PostgreSQL of the tests' own, from the system's binaries."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

# Whoever is still connected is of the past. Emptying costs a hundredth of a new copy.
_EMPTY = """
DO $$ DECLARE one regclass; BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND relname NOT IN ('alembic_version', 'job_migrations')
    LOOP EXECUTE format('DELETE FROM %s', one); END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
END $$
"""

# What the tables hold is kept in others beside them, and where their numbers had come to.
_KEEP = """
CREATE SCHEMA {kept};
CREATE TABLE {kept}.numbers AS SELECT sequencename::text AS name, last_value
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
DO $$ DECLARE one text; BEGIN
    FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND relname NOT IN ('alembic_version', 'job_migrations')
    LOOP EXECUTE format('CREATE TABLE {kept}.%I AS SELECT * FROM public.%I', one, one); END LOOP;
END $$
"""
_BRING_BACK = """
DO $$ DECLARE one text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT relname FROM pg_class WHERE relnamespace = '{kept}'::regnamespace
        AND relkind = 'r' AND relname <> 'numbers'
    LOOP EXECUTE format(
        'INSERT INTO public.%I OVERRIDING SYSTEM VALUE SELECT * FROM {kept}.%I', one, one
    ); END LOOP;
    PERFORM setval(name::regclass, last_value) FROM {kept}.numbers;
END $$
"""

WHERE = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def binaries() -> Path | None:
    """Find the folder of PostgreSQL's programs."""
    found = shutil.which("initdb")
    folders = [*WHERE, *([Path(found).resolve().parent] if found else [])]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Server:
    """A PostgreSQL server that can be stopped and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._programs = binaries()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def make(self, more: str = "", files: Path | None = None) -> None:
        # Nothing of these databases is worth an fsync; how the bot commits is measured elsewhere.
        if files:
            _copy(files, self.folder / "data")
        else:
            self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust",
                      "--no-sync", "-E", "UTF8", "--locale", "C")  # fmt: skip
        settings = "listen_addresses='127.0.0.1'\nfsync=off\n"
        settings += f"unix_socket_directories='{self.folder}'\nmax_connections=100\n"
        self._set(settings + more)
        self.move(self.port)

    def move(self, port: int) -> None:
        """Have it listen at this port when it is started next."""
        self.port = port
        self._set(f"\nport={port}\n")

    def _set(self, settings: str) -> None:
        # Of lines that say the same the last one counts.
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l",
                  str(self.folder / "log"), "start")  # fmt: skip

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "stop")

    def save(self, files: Path) -> None:
        """Copy the databases as they are, for servers that are to begin with them."""
        self.stop()
        _copy(self.folder / "data", files)
        self.start()

    def database(self, name: str) -> str:
        """Make an empty database and give its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def copy(self, template: str) -> str:
        """Copy a database nobody is connected to and give the copy's address."""
        name = f"copy_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY wal_log')
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        assert self._programs is not None
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            # PostgreSQL does not run as root.
            command = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                *command,
            ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd="/",
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout


def empty(url: str) -> None:
    """Delete every row of a database that the bot has migrated."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_EMPTY)


def keep(url: str, kept: str) -> None:
    """Keep what the bot's tables hold now, under a name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_KEEP.format(kept=kept))


def bring_back(url: str, kept: str) -> None:
    """Give an empty database what was kept."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_BRING_BACK.format(kept=kept))


@contextmanager
def running_server(
    more: str = "", files: Path | None = None, port: int | None = None
) -> Iterator[Server]:
    """Run a server while the block lasts, in a folder of its own.

    ``more`` are settings, ``files`` what another server has saved. Whoever stops and starts the
    server names a ``port`` that nobody takes meanwhile.
    """
    folder = Path(tempfile.mkdtemp(prefix="switchboard-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Server(folder, port or _any_port())
    server.make(more, files)
    _start(server, movable=port is None)
    try:
        yield server
    finally:
        server.stop("immediate")
        _remove(folder)


def _start(server: Server, *, movable: bool) -> None:
    """Start a server; where somebody else has taken its port meanwhile, at another one."""
    for _ in range(5):
        try:
            return server.start()
        except AssertionError:
            taken = "Address already in use" in (server.folder / "log").read_text()
            if not (movable and taken):
                raise
            server.move(_any_port())
    raise AssertionError("every port is taken")


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _copy(files: Path, to: Path) -> None:
    # With their owner, who is postgres where the tests are root's.
    subprocess.run(["cp", "-a", files, to], check=True)


def _remove(folder: Path) -> None:
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
