"""``doctor``: what is wrong with the bot and its portals."""

import sys
from dataclasses import asdict

import click

from bot.app import assembled
from bot.cli.environment import read_settings, run
from bot.cli.output import as_json, write_json
from bot.report import Report
from bot.settings import Settings
from bot.web.pages import Pages


@click.command()
@as_json
def doctor(*, is_json: bool) -> None:
    """Check the settings, the database and every portal.

    Ends with 1 if something is wrong.
    """
    examine = _examine_for_programs if is_json else _examine
    if not run(examine(read_settings())):
        sys.exit(1)


async def _examine(settings: Settings) -> bool:
    async with assembled(settings) as parts:
        report = Report(await Pages().words("en"))
        click.echo(report.settings(settings.public_url, parts.database.engine.dialect.name))
        for portal in await parts.portals.all():
            click.echo(report.portal(portal, await parts.doctor.portal(portal)))
    return report.is_well


async def _examine_for_programs(settings: Settings) -> bool:
    async with assembled(settings) as parts:
        checks = {
            one.member_id: await parts.doctor.portal(one) for one in await parts.portals.all()
        }
        database = parts.database.engine.dialect.name
    is_well = all(check.ok is not False for found in checks.values() for check in found)
    found = [{"portal": one, "checks": list(map(asdict, checks[one]))} for one in checks]
    settled = {"public_url": settings.public_url, "database": database}
    write_json({"ok": is_well, **settled, "portals": found})
    return is_well
