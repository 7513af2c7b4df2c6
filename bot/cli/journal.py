"""``journal``: who changed what in which portal, and what came of it."""

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import click

from bot.acting.history import Deed, Filter, History, Result
from bot.app import assembled
from bot.cli.arguments import USER, known_member_id, portal, read_reference, read_words, since
from bot.cli.environment import read_settings, run
from bot.cli.output import as_json, moment, write_table
from bot.inbox.accepted import reference_of
from bot.settings import Settings

TITLES = (
    "TIME", "REF", "PORTAL", "USER", "COMMAND", "CHAT", "ITEM", "METHOD", "PERSON", "RESULT", "CODE"
)  # fmt: skip


@click.command()
@portal
@click.option("--user", type=USER, help="Asked for by this user.")
@click.option("--chat", type=read_words, metavar="TEXT",
              help="Asked for in this chat: 8773, chat8773.")  # fmt: skip
@click.option("--command", type=read_words, metavar="TEXT", default="",
              help="By this command: invite.")  # fmt: skip
@click.option("--result", type=click.Choice(get_args(Result)), help="That came to this.")
@click.option("--ref", "reference", type=read_reference, metavar="REF",
              help="Of the command with this code.")  # fmt: skip
@since
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="0: all.")
@as_json
def journal(
    *,
    portal: str | None,
    user: int | None,
    chat: str | None,
    command: str,
    result: str | None,
    reference: int | None,
    since: float | None,
    limit: int,
    is_json: bool,
) -> None:
    """Show the changing calls, the newest first.

    \b
    REF     the command's code: leads to the log's lines, and to `replay`
    RESULT  done; nothing: it was so already; refused, with the portal's code;
            unknown: no answer came
    """  # noqa: D301  # click knows lines that stay by this character
    which = Filter(
        requesters=() if user is None else (user,),
        command=command.lstrip("/"),
        command_id=reference,
        chats=(chat, f"chat{chat}") if chat else (),
        result=result or "",
        since=since,
    )
    run(_show(read_settings(), portal, which, limit, is_json=is_json))


async def _show(
    settings: Settings, portal: str | None, which: Filter, limit: int, *, is_json: bool
) -> None:
    async with assembled(settings) as parts:
        member_id = await known_member_id(parts.portals, portal) if portal else None
        entries = _first(History(parts.database).all(member_id, which), limit)
        await (_write_json(entries) if is_json else _write_table(entries))


async def _first(entries: AsyncIterator[Deed], limit: int) -> AsyncIterator[Deed]:
    number = 0
    async for entry in entries:
        yield entry
        number += 1
        if number == limit:
            return


async def _write_json(entries: AsyncIterator[Deed]) -> None:
    """Write an array, one entry a line, while the entries come."""
    before = "[\n"
    async for entry in entries:
        click.echo(before + json.dumps(_value(entry), ensure_ascii=False), nl=False)
        before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


async def _write_table(entries: AsyncIterator[Deed]) -> None:
    rows = [list(_value(entry).values()) async for entry in entries]
    if rows:
        write_table(TITLES, [["" if cell is None else cell for cell in row] for row in rows])
    else:
        click.echo("The journal has nothing of the kind.")


def _value(entry: Deed) -> dict[str, Any]:
    item = entry.item
    return {
        "time": moment(entry.at),
        "reference": reference_of(entry.command_id),
        "portal": entry.member_id,
        "user": entry.requester_id,
        "command": entry.command,
        "chat": entry.chat,
        "item": f"{item.type} {item.id}" if item else "",
        "method": entry.method,
        "person": entry.person_id or None,
        "result": entry.result,
        "code": entry.code or "",
    }
