"""What commands write: tables for people, JSON for programs."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from bot.logs import in_one_line

as_json = click.option("--json", "is_json", is_flag=True, help="Write JSON, for programs.")


def moment(at: float | None) -> str:
    """Write a moment, to the second, in UTC; nothing for none."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(at: float | None) -> str:
    """Say how long ago a moment was, in its largest unit."""
    if at is None:
        return "never"
    seconds = max(0, int(time.time() - at))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def write_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows under their titles, each column as wide as it has to be."""
    lines = [list(titles), *([in_one_line(str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def write_json(value: Any) -> None:
    """Write one value."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
