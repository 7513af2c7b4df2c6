"""``python -m bot``: every command of the program."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from bot import __version__
from bot.cli.doctor import doctor
from bot.cli.forget import forget
from bot.cli.journal import journal
from bot.cli.mistakes import about_database
from bot.cli.portals import portals
from bot.cli.processes import serve, worker
from bot.cli.replay import replay
from bot.cli.upkeep import migrate_database, rotate_keys
from bot.errors import StoreUnavailable
from bot.portals.keyring import WrongKeys
from bot.store.alone import NotAlone
from bot.store.schema import SchemaOutdated


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="Switchboard %(version)s")
def cli() -> None:
    """Switchboard, a Bitrix24 chat bot for open lines.

    Settings come from the environment and from .env. A command ends with 0 when all is well, with
    1 when something is wrong or could not be done, with 2 when it was called wrongly.
    """


for command in (
    serve, worker, migrate_database, doctor, portals, journal, rotate_keys, replay, forget
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run a command; a database that cannot be used ends it in one sentence."""
    try:
        cli()
    except (SQLAlchemyError, StoreUnavailable, SchemaOutdated, WrongKeys, NotAlone) as error:
        if sentence := about_database(error):
            sys.exit(sentence)
        raise
