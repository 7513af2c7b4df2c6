"""``portals``: who is served, and how each of them stands."""

from typing import Any
from urllib.parse import urlsplit

import click

from bot.app import Parts, assembled
from bot.cli.environment import read_settings, run
from bot.cli.output import ago, as_json, moment, write_json, write_table
from bot.installing.overview import Overview, Standing
from bot.portals.portals import Portal
from bot.settings import Settings

TITLES = ("PORTAL", "ADDRESS", "STATE", "INSTALLER", "BOT", "PEOPLE", "LAST EVENT", "WAITING")


@click.command()
@as_json
def portals(*, is_json: bool) -> None:
    """List the portals, their tokens and what waits there.

    It asks the database only; `doctor` asks the portals themselves.

    \b
    STATE           ok; outdated: the portal does not know this version's commands
                    yet; unregistered
    INSTALLER, BOT  their token pair: ok; expiring: nothing renews it; missing: for
                    the bot the installer's will do
    PEOPLE          how many have a token pair
    WAITING         commands ready to run + those that wait for a permission
    """  # noqa: D301  # click knows lines that stay by this character
    rows = run(_listed(read_settings()))
    if is_json:
        write_json(rows)
    elif not rows:
        click.echo("No portal has installed the app yet.")
    else:
        write_table(TITLES, [_cells(row) for row in rows])


async def _listed(settings: Settings) -> list[dict[str, Any]]:
    async with assembled(settings) as parts:
        overview = Overview(parts.database)
        return [
            await _row(parts, one, await overview.standing(one.member_id))
            for one in await parts.portals.all()
        ]


async def _row(parts: Parts, portal: Portal, standing: Standing) -> dict[str, Any]:
    return {
        "portal": portal.member_id,
        "address": urlsplit(portal.client_endpoint).netloc,
        "state": _state(portal, parts.registration.declared.current),
        "installed_at": moment(portal.installed_at),
        "installer": {
            "user": portal.installer_id,
            "token": await _token(parts, portal, portal.installer_id),
        },
        "bot": {"user": portal.bot_id, "token": await _token(parts, portal, portal.bot_id)},
        "people": standing.people,
        "last_event": moment(standing.last_event) or None,
        "since_last_event": ago(standing.last_event),
        "ready": standing.ready,
        "parked": standing.parked,
    }


def _state(portal: Portal, current: str) -> str:
    if portal.bot_id is None:
        return "unregistered"
    return "ok" if portal.registered == current else "outdated"


async def _token(parts: Parts, portal: Portal, user_id: int | None) -> str:
    kept = await parts.tokens.find(portal.member_id, user_id) if user_id is not None else None
    if kept is None:
        return "missing"
    return "ok" if kept.pair.refresh else "expiring"


def _cells(row: dict[str, Any]) -> list[object]:
    waiting = f"{row['ready']} + {row['parked']}" if row["parked"] else row["ready"]
    tokens = (row["installer"]["token"], row["bot"]["token"])
    last = row["since_last_event"]
    return [row["portal"], row["address"], row["state"], *tokens, row["people"], last, waiting]
