"""Whether the keys are those that the database was written with, and how they are changed.

For every key that anything was written with there is a row with a known word in it. A row
that no key opens tells that a key is missing, before anybody's token turns out unreadable.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import SecretStr
from sqlalchemy import (
    Column,
    Engine,
    Row,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.bitrix24.events import CommandEvent
from bot.inbox.brought import place_of
from bot.portals.portals import token_place
from bot.portals.tokens import pair_place
from bot.store.cipher import Cipher, Unreadable, is_bound
from bot.store.tables import inbox, keys, portals, tokens

WORD = SecretStr("switchboard")

# Rows changed in one transaction: few, so that a running bot never waits for long.
AT_ONCE = 200


class WrongKeys(Exception):
    """The database was written with keys that the bot does not have."""


def check_keys(engine: Engine, cipher: Cipher) -> None:
    """Raise ``WrongKeys`` unless everything stored can be read.

    While nothing is encrypted yet, any key will do.
    """
    with engine.connect() as connection:
        known = connection.execute(select(keys)).all()
    missing = [row.mark for row in known if not _opens(cipher, row.word)]
    if missing and encrypted_rows(engine) == 0:
        with engine.begin() as connection:
            connection.execute(delete(keys).where(keys.c.mark.in_(missing)))
    elif missing:
        raise WrongKeys(
            "the database was written with a key that ENCRYPTION_KEYS does not have "
            f"(marked {', '.join(missing)}; the first of ENCRYPTION_KEYS is {cipher.mark})"
        )


def encrypted_rows(engine: Engine) -> int:
    """Count the rows that hold something encrypted."""
    with engine.connect() as connection:
        counts = [select(func.count()).where(one.is_not(None)) for one in _SECRETS]
        return sum(connection.execute(count).scalar_one() for count in counts)


def rotate(engine: Engine, cipher: Cipher) -> Iterator[int]:
    """Encrypt everything with the first key, and tell after some rows how many they were.

    A running bot goes on meanwhile: a row that it changes in between is left as it is then,
    which is with the first key. Raises ``WrongKeys``.
    """
    check_keys(engine, cipher)
    note_key(engine, cipher)
    for secret in _SECRETS:
        yield from _rotate(engine, cipher, secret)
    with engine.begin() as connection:
        connection.execute(delete(keys).where(keys.c.mark != cipher.mark))


def _opens(cipher: Cipher, word: bytes) -> bool:
    try:
        return cipher.decrypt_unbound(word).get_secret_value() == WORD.get_secret_value()
    except Unreadable:
        return False


def note_key(engine: Engine, cipher: Cipher) -> None:
    """Note the first key as used, before anything is written with it."""
    with engine.connect() as connection:
        if connection.execute(select(keys.c.mark).where(keys.c.mark == cipher.mark)).first():
            return
    try:
        with engine.begin() as connection:
            connection.execute(
                insert(keys).values(mark=cipher.mark, word=cipher.encrypt_unbound(WORD))
            )
    except IntegrityError:
        # Another process has started at the same time.
        return


def _rotate(engine: Engine, cipher: Cipher, secret: Column[bytes]) -> Iterator[int]:
    table = secret.table
    this = [column for column in table.columns if column.primary_key]
    with engine.connect() as connection:
        numbers = connection.execute(select(*this).where(secret.is_not(None))).all()
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        with engine.begin() as connection:
            for key in some:
                one = and_(*(column == value for column, value in zip(this, key, strict=True)))
                row = connection.execute(select(table).where(one)).first()
                if row is not None and (old := row._mapping[secret.key]) is not None:
                    new = _renewed(cipher, secret, row, old)
                    statement = update(table).where(one, secret == old)
                    connection.execute(statement.values({secret.key: new}))
        yield len(some)


def _renewed(cipher: Cipher, secret: Column[bytes], row: Row[Any], old: bytes) -> bytes:
    """Encrypt with the first key, at the same place. Raises ``Unreadable``."""
    if not is_bound(old):
        return cipher.encrypt_unbound(cipher.decrypt_unbound(old))
    for place in _PLACES[secret](row):
        try:
            return cipher.encrypt(cipher.decrypt(old, place), place)
        except Unreadable:
            continue
    raise Unreadable


# Where each kind of secret may be bound to.
_PLACES: dict[Column[bytes], Callable[[Row[Any]], Sequence[str]]] = {
    portals.c.application_token: lambda row: [token_place(row.member_id)],
    tokens.c.pair: lambda row: [
        pair_place(row.member_id, row.user_id, proven=proven) for proven in (True, False)
    ],
    tokens.c.old_refresh: lambda row: [],
    inbox.c.tokens: lambda row: [place_of(CommandEvent.model_validate_json(row.event))],
}
_SECRETS = tuple(_PLACES)
