"""One process alone serves a SQLite file: a second one would carry out the same commands."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from bot.store.database import FolderUnusable, make_file

log = logging.getLogger(__name__)

# What is locked lies beside the file: SQLite has locks of its own on that one.
LOCK = "-serve"


class NotAlone(Exception):
    """Another process serves this SQLite file."""


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keep others from serving a SQLite file while the block lasts; PostgreSQL is for many.

    The lock ends with the process, however that ends.
    Raises ``NotAlone``; ``FolderUnusable``.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        yield
        return
    file = Path(parsed.database or "")
    make_file(file)
    held = _opened(file.with_name(file.name + LOCK))
    try:
        _lock(held, file)
        yield
    finally:
        os.close(held)


def _opened(file: Path) -> int:
    try:
        # Opened to be read alone: whichever user has made it, others may lock it.
        return os.open(file, os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError as error:
        raise FolderUnusable(error.strerror) from None


def _lock(held: int, file: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NotAlone from None
    except OSError as error:
        # Some file systems know no locks.
        log.warning("nobody can tell whether others serve %s, too: %s", file, error.strerror)
