"""The command line: ``python -m bot serve``."""

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine

import click
import uvloop
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from bot import logs
from bot.app import assembled, close, running, serving
from bot.report import Report
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.database import engine_for
from bot.store.keyring import WrongKeys, rotate
from bot.store.migrate import SchemaOutdated, check_schema, migrate
from bot.web.pages import Pages

log = logging.getLogger("bot")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Switchboard, a Bitrix24 chat bot for open lines."""


@cli.command()
@click.option("--web-only", is_flag=True, help="Leave the commands to workers (PostgreSQL).")
def serve(*, web_only: bool) -> None:
    """Take events and carry out commands, until SIGTERM or Ctrl-C."""
    settings = _settings()
    if web_only and not _is_shared(settings):
        sys.exit("--web-only needs workers, and those need PostgreSQL: set DATABASE_URL.")
    _run(_serve(settings, working=not web_only))


@cli.command()
def worker() -> None:
    """Carry out commands that `serve` takes in other processes (PostgreSQL)."""
    settings = _settings()
    if not _is_shared(settings):
        sys.exit("A worker needs PostgreSQL: set DATABASE_URL. On SQLite `serve` does it all.")
    _run(_work(settings))


@cli.command("migrate")
def migrate_database() -> None:
    """Bring the database's schema to this version."""
    settings = _settings()
    migrate(engine_for(settings.database_url.get_secret_value()))
    click.echo("The database is up to date.")


@cli.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt everything stored with the first of ENCRYPTION_KEYS; the bot may run meanwhile."""
    settings = _settings()
    engine = engine_for(settings.database_url.get_secret_value())
    try:
        check_schema(engine)
        rows = rotate(engine, Cipher(settings.encryption_keys))
    except (SchemaOutdated, WrongKeys) as error:
        sys.exit(_refusal(error))
    click.echo(f"{rows} rows are encrypted with the first key. The other keys may go now.")


@cli.command("doctor")
def examine() -> None:
    """Check the settings, the database and every portal; ends with 1 if something is wrong."""
    settings = _settings()
    _run(_examine(settings))


async def _examine(settings: Settings) -> None:
    async with assembled(settings) as parts:
        report = Report(await Pages().words("en"))
        click.echo(report.settings(settings.public_url, parts.database.engine.dialect.name))
        for portal in await parts.portals.all():
            click.echo(report.portal(portal, await parts.doctor.portal(portal)))
    if not report.is_well:
        sys.exit(1)


def _run(process: Coroutine[None, None, None]) -> None:
    try:
        uvloop.run(process)
    except (SchemaOutdated, WrongKeys) as error:
        sys.exit(_refusal(error))


def _refusal(error: SchemaOutdated | WrongKeys) -> str:
    if isinstance(error, SchemaOutdated):
        return f"The database's schema is not this version's: {error}"
    return f"The bot does not start: {error}."


def _is_shared(settings: Settings) -> bool:
    return settings.database_url.get_secret_value().startswith("postgres")


async def _serve(settings: Settings, *, working: bool) -> None:
    stop = _asked_to_stop()
    async with serving(settings, working=working) as application:
        # Connections that idle are closed at once; a request under way gets two seconds.
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, port=settings.port).start()
        log.info("listening on port %d", runner.addresses[0][1])
        await stop.wait()
        log.info("stopping")
        close(application)
        await runner.cleanup()


async def _work(settings: Settings) -> None:
    stop = _asked_to_stop()
    async with running(settings):
        log.info("working")
        await stop.wait()
        log.info("stopping")


def _asked_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(_explained(error))
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


def _explained(error: ValidationError) -> str:
    lines = [
        f"  {str(problem['loc'][0]).upper() if problem['loc'] else ''}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "\n".join(["The bot does not start, these settings are missing or wrong:", *lines])


def main() -> None:
    """Run a command; a database that does not answer ends it in one line."""
    try:
        cli()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        sys.exit(f"The database does not answer: {reason}")


if __name__ == "__main__":
    main()
