"""What is done to the database: ``migrate`` and ``rotate-keys``."""

import sys

import click

from bot.cli.environment import read_settings
from bot.cli.output import as_json, write_json
from bot.portals.keyring import encrypted_rows, rotate
from bot.store.cipher import Cipher
from bot.store.database import engine_for
from bot.store.schema import check_age, check_schema


@click.command("migrate")
@as_json
def migrate_database(*, is_json: bool) -> None:
    """Bring the database's schema to this version.

    PostgreSQL needs it before the first start, and after an update; SQLite is migrated by `serve`.
    """
    # Alembic takes 11 MiB, which `serve` is not to pay for.
    from bot.store.migrate import migrate

    applied: list[str] = []

    def tell(version: str, words: str) -> None:
        applied.append(version)
        if not is_json:
            click.echo(f"{version}  {words}")

    engine = engine_for(read_settings().database_url.get_secret_value())
    check_age(engine)
    migrate(engine, tell)
    if is_json:
        write_json({"applied": applied})
    else:
        click.echo("The database is up to date.")


@click.command("rotate-keys")
@as_json
def rotate_keys(*, is_json: bool) -> None:
    """Encrypt everything stored with the first key.

    That is the first of ENCRYPTION_KEYS; the others have to be there until it is through. The bot
    may run meanwhile.
    """
    settings = read_settings()
    engine = engine_for(settings.database_url.get_secret_value())
    check_schema(engine)
    rows, length = 0, encrypted_rows(engine)
    with click.progressbar(length=length, label="Encrypting", file=sys.stderr) as bar:
        for some in rotate(engine, Cipher(settings.encryption_keys)):
            rows += some
            bar.update(some)
    if is_json:
        write_json({"rows": rows})
    else:
        click.echo(f"{rows} rows are encrypted with the first key. The other keys may go now.")
