"""The command line: ``python -m bot serve``."""

import asyncio
import logging
import signal
import sys

import click
import uvloop
from aiohttp import web
from pydantic import ValidationError

from bot import logs
from bot.app import serving
from bot.settings import Settings
from bot.store.database import engine_for
from bot.store.migrate import SchemaOutdated, migrate

log = logging.getLogger("bot")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Switchboard, a Bitrix24 chat bot for open lines."""


@cli.command()
def serve() -> None:
    """Take events and carry out commands, until SIGTERM or Ctrl-C."""
    settings = _settings()
    try:
        uvloop.run(_serve(settings))
    except SchemaOutdated as error:
        sys.exit(f"The database's schema is not this version's: {error}")


@cli.command("migrate")
def migrate_database() -> None:
    """Bring the database's schema to this version."""
    settings = _settings()
    migrate(engine_for(settings.database_url.get_secret_value()))
    click.echo("The database is up to date.")


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings) as application:
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, port=settings.port)
        await site.start()
        addresses = [f"http://{host}:{port}" for host, port, *_ in runner.addresses[:1]]
        log.info("listening at %s", ", ".join(addresses))
        await stop.wait()
        log.info("stopping")
        await runner.cleanup()


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(_explained(error))
    logs.configure(settings.log_level, settings.log_format)
    return settings


def _explained(error: ValidationError) -> str:
    lines = [
        f"  {str(problem['loc'][0]).upper() if problem['loc'] else ''}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "\n".join(["The bot does not start, these settings are missing or wrong:", *lines])


if __name__ == "__main__":
    cli()
