"""``doctor``: what is wrong with the bot and its portals."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from bot.app import Parts, assembled
from bot.bitrix24.network import origin
from bot.cli.deployment import Deployment
from bot.cli.environment import read_settings, run
from bot.cli.output import as_json, moment, write_json
from bot.installing.doctor import Check
from bot.logs import in_one_line
from bot.portals.keyring import note_key
from bot.portals.portals import Portal
from bot.settings import Settings
from bot.web.pages import Pages

_MARKS = {True: "ok", False: "!!", None: "??"}

Found = Mapping[str, Sequence[Check]]


@click.command()
@as_json
def doctor(*, is_json: bool) -> None:
    """Prove the settings, the address and every portal.

    Ends with 1 if something does not work.
    """
    if not run(_examine(read_settings(), is_json=is_json)):
        sys.exit(1)


async def _examine(settings: Settings, *, is_json: bool) -> bool:
    async with assembled(settings) as parts:
        # Pairs that have run out are renewed on the way.
        note_key(parts.database.engine, parts.cipher)
        portals = await parts.portals.all()
        deployment = Deployment(settings, parts.oauth, portals)
        checks = await deployment.checks(parts.database.engine.dialect.name)
        words = await Pages().terminal()
        if not is_json:
            _show(checks, words)
        found: dict[str, list[Check]] = {}
        for portal in portals:
            found[portal.member_id] = await _portal(parts, portal)
            if not is_json:
                click.echo(f"\nPortal {portal.member_id} at {origin(portal.client_endpoint)}")
                _show(found[portal.member_id], words)
        is_well = all(check.ok is not False for some in (checks, *found.values()) for check in some)
        if is_json:
            write_json(_value(settings, parts, checks, found, is_well=is_well))
    return is_well


async def _portal(parts: Parts, portal: Portal) -> list[Check]:
    """Check one portal, and first whether it answers: on its own page it always does."""
    checks = await parts.doctor.check(portal)
    unanswered = [one for one in checks if one.remedy == "server"]
    if unanswered:
        return [Check("answer", ok=False, remedy="server"),
                *(one for one in checks if one not in unanswered)]  # fmt: skip
    was_asked = not any(one.remedy == "open_page" for one in checks)
    return [Check("answer", ok=True), *checks] if was_asked else checks


def _show(checks: Sequence[Check], words: Any) -> None:
    for check in checks:
        found = [one for one in (in_one_line(check.value), moment(check.at)) if one]
        click.echo(f"  {_MARKS[check.ok]}  {': '.join([words.checks[check.name], *found])}")
        if check.remedy:
            click.echo(f"      {words.remedies[check.remedy]}")


def _value(
    settings: Settings, parts: Parts, checks: Sequence[Check], found: Found, *, is_well: bool
) -> dict[str, object]:
    return {
        "ok": is_well,
        "public_url": settings.public_url,
        "database": parts.database.engine.dialect.name,
        "checks": list(map(asdict, checks)),
        "portals": [{"portal": one, "checks": list(map(asdict, found[one]))} for one in found],
    }
