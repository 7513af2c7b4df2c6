"""What is done to the database: ``migrate`` and ``rotate-keys``."""

import sys

import click

from bot.cli.environment import read_settings, refusal
from bot.store.cipher import Cipher
from bot.store.database import engine_for
from bot.store.keyring import WrongKeys, rotate
from bot.store.migrate import SchemaOutdated, check_schema, migrate


@click.command("migrate")
def migrate_database() -> None:
    """Bring the database's schema to this version."""
    settings = read_settings()
    migrate(engine_for(settings.database_url.get_secret_value()))
    click.echo("The database is up to date.")


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt everything stored with the first of ENCRYPTION_KEYS; the bot may run meanwhile."""
    settings = read_settings()
    engine = engine_for(settings.database_url.get_secret_value())
    try:
        check_schema(engine)
        rows = rotate(engine, Cipher(settings.encryption_keys))
    except (SchemaOutdated, WrongKeys) as error:
        sys.exit(refusal(error))
    click.echo(f"{rows} rows are encrypted with the first key. The other keys may go now.")
