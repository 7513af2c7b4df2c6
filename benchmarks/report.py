"""What a run tells: tables, targets met or missed, and the page in ``docs/``."""

import dataclasses
import datetime
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.contenders import Contender

MARK = "<!-- measured -->"
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
VERSIONS = (
    "aiohttp",
    "uvloop",
    "yarl",
    "pydantic",
    "sqlalchemy",
    "jinja2",
    "psycopg",
    "procrastinate",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Something that should hold, and whether it does."""

    words: str
    found: str
    holds: bool

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'MISSED'}: {self.words} – {self.found}"


@dataclasses.dataclass(slots=True)
class Report:
    """What one row came to; ``wrong`` are the commands that went wrong, by what it was."""

    row: int
    title: str
    header: Sequence[str]
    lines: list[Sequence[str]] = dataclasses.field(default_factory=list)
    targets: list[Target] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    wrong: dict[str, int] = dataclasses.field(default_factory=dict)
    is_checked: bool = False

    def target(self, words: str, found: str, *, holds: bool) -> None:
        """Note whether something holds that should."""
        self.targets.append(Target(words, found, holds))

    def blame(self, one: Contender) -> None:
        """Note what went wrong of somebody's commands, if anything did."""
        self.is_checked = True
        for what, count in one.ledger.wrong.items():
            self.wrong[f"{one.name}: {what}"] = count

    def __str__(self) -> str:
        table = [self.header, *self.lines]
        widths = [max(len(str(line[n])) for line in table) for n in range(len(self.header))]
        rows = [
            "  ".join(str(c).ljust(w) for c, w in zip(one, widths, strict=True)) for one in table
        ]
        rest = [*map(str, self.targets), *self.notes, *self._mistakes()]
        return "\n".join([f"\n{self.row}. {self.title}", *(row.rstrip() for row in rows), *rest])

    def markdown(self, environment: str) -> str:
        """Write it as a section of the page."""
        lines = [self.header, ["---"] * len(self.header), *self.lines]
        table = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
        rest = [f"- {one}" for one in [*map(str, self.targets), *self.notes, *self._mistakes()]]
        return "\n".join(
            [f"## {self.row}. {self.title}", "", environment, "", *table, "", *rest, ""]
        )

    def _mistakes(self) -> list[str]:
        if self.wrong:
            return ["BAD commands: " + ", ".join(f"{n} {what}" for what, n in self.wrong.items())]
        whole = "Bad commands: none was lost, done twice or answered otherwise than with success."
        return [whole] if self.is_checked else []


def environment(command: str) -> str:
    """Say on what, with what and how this was measured."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    pinned = "service on one processor, load on another" if machine.can_pin() else "NOT PINNED"
    today = datetime.datetime.now(datetime.UTC)
    where = f"on {machine.described()}; {pinned}"
    return f"Measured {today:%Y-%m-%d} with `{command}` {where}; {versions}."


def write(report: Report, command: str) -> None:
    """Put this row into the page; the others stay as they are."""
    head, _, measured = PAGE.read_text().partition(MARK)
    sections = {int(one.split(".")[0]): one for one in measured.split("\n## ")[1:]}
    sections[report.row] = report.markdown(environment(command)).removeprefix("## ")
    body = "\n".join(f"## {sections[row].rstrip()}\n" for row in sorted(sections))
    PAGE.write_text(f"{head}{MARK}\n\n{body}")
