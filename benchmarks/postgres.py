"""A PostgreSQL server for one run, which really writes to the disk."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import machine
from tests.postgres import Server, binaries, running_server

# A server's defaults, but for room that a server of this size is given in practice.
SETTINGS = "fsync=on\nshared_buffers=256MB\nmax_wal_size=2GB\n"


def is_installed() -> bool:
    """Say whether there is a PostgreSQL to start."""
    return binaries() is not None


@contextmanager
def server(*cpus: int) -> Iterator[Server]:
    """Run a server on these processors while the block lasts."""
    with ExitStack() as stack:
        with machine.staying_on(*cpus):
            running = stack.enter_context(running_server(SETTINGS))
        yield running


def process(server: Server) -> int:
    """Give the number of the server's first process."""
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
