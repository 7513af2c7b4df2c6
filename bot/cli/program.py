"""``python -m bot``: every command of the program."""

import sys

import click
from sqlalchemy.exc import OperationalError

from bot.cli.doctor import doctor
from bot.cli.processes import serve, worker
from bot.cli.upkeep import migrate_database, rotate_keys


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Switchboard, a Bitrix24 chat bot for open lines."""


for command in (serve, worker, migrate_database, doctor, rotate_keys):
    cli.add_command(command)


def main() -> None:
    """Run a command; a database that does not answer ends it in one line."""
    try:
        cli()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        sys.exit(f"The database does not answer: {reason}")
