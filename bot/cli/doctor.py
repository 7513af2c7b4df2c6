"""``doctor``: what is wrong with the bot and its portals."""

import sys

import click

from bot.app import assembled
from bot.cli.environment import read_settings, run
from bot.report import Report
from bot.settings import Settings
from bot.web.pages import Pages


@click.command()
def doctor() -> None:
    """Check the settings, the database and every portal; ends with 1 if something is wrong."""
    if not run(_examine(read_settings())):
        sys.exit(1)


async def _examine(settings: Settings) -> bool:
    async with assembled(settings) as parts:
        report = Report(await Pages().words("en"))
        click.echo(report.settings(settings.public_url, parts.database.engine.dialect.name))
        for portal in await parts.portals.all():
            click.echo(report.portal(portal, await parts.doctor.portal(portal)))
    return report.is_well
