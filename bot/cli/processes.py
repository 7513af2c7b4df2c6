"""The processes that stay: ``serve`` and ``worker``."""

import asyncio
import gc
import logging
import signal
import subprocess
import sys

import click

from bot.app import running
from bot.cli.environment import is_shared, read_settings, run
from bot.cli.mistakes import about_port
from bot.settings import Settings
from bot.store.alone import alone
from bot.store.database import engine_for
from bot.store.schema import is_current
from bot.web.application import serving
from bot.web.listener import listening

log = logging.getLogger("bot")


@click.command()
@click.option("--web-only", is_flag=True, help="Leave the commands to workers (PostgreSQL).")
def serve(*, web_only: bool) -> None:
    """Take events and carry out commands, until SIGTERM or Ctrl-C."""
    settings = read_settings()
    if web_only and not is_shared(settings):
        sys.exit("--web-only needs workers, and those need PostgreSQL: set DATABASE_URL.")
    try:
        with alone(settings.database_url.get_secret_value()):
            _migrate_apart(settings)
            run(_serve(settings, working=not web_only))
    except OSError as error:
        if sentence := about_port(error, settings.port):
            sys.exit(sentence)
        raise


@click.command()
def worker() -> None:
    """Carry out commands that other processes take (PostgreSQL)."""
    settings = read_settings()
    if not is_shared(settings):
        sys.exit("A worker needs PostgreSQL: set DATABASE_URL. On SQLite `serve` does it all.")
    run(_work(settings))


def _migrate_apart(settings: Settings) -> None:
    """Bring SQLite up to date in another process: this one is to stay, and to stay small."""
    if is_shared(settings):
        return
    engine = engine_for(settings.database_url.get_secret_value())
    current = is_current(engine)
    engine.dispose()
    if not current:
        command = [sys.executable, "-m", "bot", "migrate"]
        # It says itself what goes wrong, and nothing else is to be read.
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        if ended.returncode:
            sys.exit(ended.returncode)


async def _serve(settings: Settings, *, working: bool) -> None:
    stop = _asked_to_stop()
    async with (
        serving(settings, working=working) as application,
        listening(application, settings.port) as port,
    ):
        _settle_down()
        log.info("listening on port %d", port)
        await stop.wait()
        log.info("stopping")


async def _work(settings: Settings) -> None:
    stop = _asked_to_stop()
    async with running(settings):
        _settle_down()
        log.info("working")
        await stop.wait()
        log.info("stopping")


def _settle_down() -> None:
    """Leave what the start has made out of every later search for garbage, and search less.

    Commands leave hardly any: what they make goes when its last user goes. So does the start, and
    a search now would take a tenth of it.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _asked_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
