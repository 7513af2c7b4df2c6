"""``forget``: what is stored of a portal or a person is erased."""

import sys

import click
from sqlalchemy import Engine, text

from bot.app import Parts, assembled
from bot.cli.arguments import USER, member_id_of, read_portal
from bot.cli.environment import read_settings, run
from bot.cli.output import as_json, write_json, write_table
from bot.portals.forgetting import Counts, erase_person, erase_portal
from bot.settings import Settings

WORDS = {
    "portals": "the portal, and who installed the bot there",
    "tokens": "token pairs",
    "unproven_tokens": "token pairs of commands that wait",
    "inbox": "commands, with their text and their answers",
    "journal": "entries of the journal",
    "replays": "wishes to run a command again",
    "presses": "buttons",
    "escalations": "escalations",
    "stays": "guests for a while; nobody takes them out by and by",
    "preferences": "languages",
    "portal_settings": "settings",
    "buckets": "the portal's pace",
    "pauses": "methods at rest",
    "marks": "hints given lately",
    "owners": "which process looks after the portal",
}

_MEMORY = "What runs keeps what it has in memory: start the bot's processes again."
_OF_PORTAL = "The app is still in the portal: an administrator removes it there."
_OF_PERSON = (
    "If they use the bot again, it stores them again: close the app to them in the portal first."
)
_INSTALLER = (
    "The portal still names them as the one who installed the bot: have another administrator "
    "open the app's page."
)


@click.command()
@click.option("--portal", required=True, type=read_portal, metavar="PORTAL",
              help="The portal: its member_id, or its address.")  # fmt: skip
@click.option("--person", type=USER, help="Of this user of the portal alone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def forget(*, portal: str, person: int | None, yes: bool, is_json: bool) -> None:
    """Erase what is stored of a portal, or of a person there.

    It says what that is, asks, and erases it for good: tokens, commands, journal, settings. Copies
    and logs it does not reach.
    """
    if is_json and not yes:
        raise click.UsageError("--json cannot ask: say --yes as well.")
    run(_forget(read_settings(), portal, person, is_sure=yes, is_json=is_json))


async def _forget(
    settings: Settings, told: str, person: int | None, *, is_sure: bool, is_json: bool
) -> None:
    async with assembled(settings) as parts:
        member_id = await member_id_of(parts.portals, told)
        installer = await _installer(parts, member_id, person)
        engine = parts.database.engine
        whom = f"user {person} of portal {member_id}" if person else f"portal {member_id}"
        there = _erased(engine, member_id, person, is_meant=False)
        if not there:
            sys.exit(f"Nothing is stored of {whom}. `portals` lists the portals.")
        if not is_sure:
            _show(there)
            click.confirm(f"Erase all this of {whom}, for good?", abort=True)
        gone = _erased(engine, member_id, person, is_meant=True)
    if is_json:
        write_json({"portal": member_id, "person": person, "erased": gone})
        return
    click.echo(f"Erased of {whom}:")
    _show(gone)
    notes = [_OF_PERSON, *([_INSTALLER] if installer else [])] if person else [_OF_PORTAL]
    click.echo("\n".join([*notes, _MEMORY]))


async def _installer(parts: Parts, member_id: str, person: int | None) -> bool:
    """Say whether the person has installed the bot; the bot itself is no person."""
    found = await parts.portals.find(member_id)
    if found and person and person == found.bot_id:
        sys.exit(f"User {person} is the bot itself.")
    return bool(found and person == found.installer_id)


def _erased(engine: Engine, member_id: str, person: int | None, *, is_meant: bool) -> Counts:
    """Erase; what is not meant is taken back, and tells only what there is."""
    with engine.connect() as connection:
        if person:
            counts = erase_person(connection, member_id, person)
        else:
            counts = erase_portal(connection, member_id)
        connection.commit() if is_meant else connection.rollback()
    if is_meant and engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            # What was erased is still in the log of changes, until that is emptied.
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return counts


def _show(counts: Counts) -> None:
    write_table(
        ("ROWS", "OF"), [(number, WORDS.get(name, name)) for name, number in counts.items()]
    )
