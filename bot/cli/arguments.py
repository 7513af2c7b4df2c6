"""What operators write after a command: moments, reference numbers, portals."""

import re
import sys
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from bot.commands.links import MAX_ID
from bot.portals.portals import Portals

_LENGTH = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read_moment(told: str) -> float:
    """Read ``90m``, ``2h``, ``7d`` ago, or a date or time in UTC as in ``2026-11-20T10:00``.

    Gives unix seconds. Raises ``BadParameter``.
    """
    if length := _LENGTH.fullmatch(told):
        return time.time() - int(length[1]) * _SECONDS[length[2]]
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        words = f"{told!r} is neither a time like 2h nor a date like 2026-11-20."
        raise click.BadParameter(words) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def read_reference(told: str) -> int:
    """Read the code that a requester sees when something fails, ``00A3``, as the command's number.

    Raises ``BadParameter``.
    """
    if not re.fullmatch(r"[0-9A-Fa-f]{1,15}", told):
        words = f"{told!r} is no reference number: hexadecimal digits like 00A3."
        raise click.BadParameter(words)
    return int(told, 16)


def read_words(told: str) -> str:
    """Read an argument as it stands. Raises ``BadParameter`` where it is not Unicode.

    A terminal of another encoding than the system's sends such ones.
    """
    if not told.isprintable():
        raise click.BadParameter(f"{told!r} has signs that cannot be read: is it typed in UTF-8?")
    return told


def read_portal(told: str) -> str:
    """Read a portal's member id or address. Raises ``BadParameter``."""
    try:
        urlsplit(f"//{read_words(told)}" if "://" not in told else told)
    except ValueError:
        words = f"{told!r} is neither a member_id nor an address."
        raise click.BadParameter(words) from None
    return told


# The number of a user of a portal.
USER = click.IntRange(1, MAX_ID)

since = click.option("--since", type=read_moment, metavar="MOMENT",
                     help="Not older than 90m, 2h, 7d, or 2026-11-20.")  # fmt: skip
portal = click.option("--portal", type=read_portal, metavar="PORTAL",
                      help="Of this portal: its member_id, or its address.")  # fmt: skip


async def member_id_of(portals: Portals, told: str) -> str:
    """Give the member id of a portal; what is no known address is taken for one itself."""
    host = urlsplit(told if "://" in told else f"//{told}").netloc.casefold()
    for one in await portals.all():
        if urlsplit(one.client_endpoint).netloc.casefold() == host:
            return one.member_id
    return told


async def known_member_id(portals: Portals, told: str) -> str:
    """Give the member id of a portal that is there, or has left lately; end the program else."""
    member_id = await member_id_of(portals, told)
    if not await portals.was_here(member_id):
        sys.exit(f"There is no portal {told}. `portals` lists the portals.")
    return member_id
