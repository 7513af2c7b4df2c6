"""Whether the keys are those that the database was written with, and how they are changed.

For every key that anything was written with there is a row with a known word in it. A row
that no key opens tells that a key is missing, before anybody's token turns out unreadable.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr
from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.store.cipher import Cipher, Unreadable
from bot.store.tables import keys, metadata

WORD = SecretStr("switchboard")

# Rows changed in one transaction: few, so that a running bot never waits for long.
AT_ONCE = 200


class WrongKeys(Exception):
    """The database was written with keys that the bot does not have."""


def check_keys(engine: Engine, cipher: Cipher) -> None:
    """Raise ``WrongKeys`` unless everything stored can be read; note the first key as used.

    While nothing is encrypted yet, any key will do.
    """
    with engine.connect() as connection:
        known = connection.execute(select(keys)).all()
    missing = [row.mark for row in known if not _opens(cipher, row.word)]
    if missing and encrypted_rows(engine) == 0:
        _forget(engine, missing)
    elif missing:
        raise WrongKeys(
            "the database was written with a key that ENCRYPTION_KEYS does not have "
            f"(marked {', '.join(missing)}; the first of ENCRYPTION_KEYS is {cipher.mark})"
        )
    if cipher.mark not in {row.mark for row in known}:
        _note(engine, cipher)


def _forget(engine: Engine, marks: list[str]) -> None:
    with engine.begin() as connection:
        connection.execute(delete(keys).where(keys.c.mark.in_(marks)))


def encrypted_rows(engine: Engine) -> int:
    """Count the rows that hold something encrypted."""
    with engine.connect() as connection:
        counts = [select(func.count()).select_from(table) for table in _ENCRYPTED]
        return sum(connection.execute(count).scalar_one() for count in counts)


def rotate(engine: Engine, cipher: Cipher) -> Iterator[int]:
    """Encrypt everything with the first key, and tell after some rows how many they were.

    A running bot goes on meanwhile: a row that it changes in between is left as it is then,
    which is with the first key. Raises ``WrongKeys``.
    """
    check_keys(engine, cipher)
    for table in _ENCRYPTED:
        yield from _rotate(engine, cipher, table)
    with engine.begin() as connection:
        connection.execute(delete(keys).where(keys.c.mark != cipher.mark))


def _opens(cipher: Cipher, word: bytes) -> bool:
    try:
        return cipher.decrypt(word).get_secret_value() == WORD.get_secret_value()
    except Unreadable:
        return False


def _note(engine: Engine, cipher: Cipher) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(insert(keys).values(mark=cipher.mark, word=cipher.encrypt(WORD)))
    except IntegrityError:
        # Another process has started at the same time.
        return


def _rotate(engine: Engine, cipher: Cipher, table: Table) -> Iterator[int]:
    names = _secrets(table)
    with engine.connect() as connection:
        rows = connection.execute(select(*table.primary_key, *(table.c[n] for n in names))).all()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        with engine.begin() as connection:
            for row in some:
                _renew(connection, cipher, table, names, row)
        yield len(some)


def _secrets(table: Table) -> list[str]:
    return [column.name for column in table.columns if isinstance(column.type, LargeBinary)]


def _renew(
    connection: Connection, cipher: Cipher, table: Table, names: list[str], row: Any
) -> None:
    stored = {name: getattr(row, name) for name in names}
    values = {name: cipher.renew(old) for name, old in stored.items() if old is not None}
    this = [column == getattr(row, column.name) for column in table.primary_key]
    unchanged = [table.c[name] == old for name, old in stored.items()]
    connection.execute(update(table).where(and_(*this, *unchanged)).values(values))


_ENCRYPTED = [one for one in metadata.sorted_tables if _secrets(one) and one is not keys]
