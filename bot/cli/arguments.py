"""What operators write after a command: moments, reference numbers, portals."""

import re
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


# Whom a portal may have.
USER = click.IntRange(1, MAX_ID)

since = click.option("--since", type=read_moment, metavar="MOMENT",
                     help="Not older than 90m, 2h, 7d, or 2026-11-20.")  # fmt: skip
portal = click.option("--portal", help="Of this portal: its member_id, or its address.")


async def member_id_of(portals: Portals, told: str) -> str:
    """Give the member id of a portal; what is no known address is taken for one itself."""
    host = urlsplit(told if "://" in told else f"//{told}").netloc.casefold()
    for one in await portals.all():
        if urlsplit(one.client_endpoint).netloc.casefold() == host:
            return one.member_id
    return told
