"""What operators write after a command: moments, reference numbers, portals."""

import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click

from bot.portals.portals import Portals

_LENGTH = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Moment(click.ParamType[float]):
    """``90m``, ``2h``, ``7d`` ago, or a date or time in UTC as in ``2026-11-20T10:00``."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Give unix seconds."""
        if isinstance(value, float):
            return value
        if length := _LENGTH.fullmatch(value):
            return time.time() - int(length[1]) * _SECONDS[length[2]]
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is neither a time like 2h nor a date like 2026-11-20.", param, ctx
            )
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class Reference(click.ParamType[int]):
    """The code that a requester reads when something fails: ``00A3``."""

    name = "reference"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give the command's number."""
        if isinstance(value, int):
            return value
        if not re.fullmatch(r"[0-9A-Fa-f]{1,15}", value):
            self.fail(
                f"{value!r} is no reference number: hexadecimal digits like 00A3.", param, ctx
            )
        return int(value, 16)


since = click.option("--since", type=Moment(), help="Not older than 90m, 2h, 7d, or 2026-11-20.")
portal = click.option("--portal", help="Of this portal: its member_id, or its address.")


async def member_id_of(portals: Portals, told: str) -> str:
    """Give the member id of a portal; what is no known address is taken for one itself."""
    host = urlsplit(told if "://" in told else f"//{told}").netloc.casefold()
    for one in await portals.all():
        if urlsplit(one.client_endpoint).netloc.casefold() == host:
            return one.member_id
    return told
