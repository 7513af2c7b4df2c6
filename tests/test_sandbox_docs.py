"""docs/sandbox.md names whatever the stand-in portal does."""

import itertools
import re
from pathlib import Path

from sandbox.control.faults import _SETTERS
from sandbox.rest.catalogue import METHODS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table that begins with these words."""
    lines = TEXT[TEXT.index(heading) :].splitlines()[2:]
    table = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in table]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_method_is_described_once_with_its_scopes() -> None:
    described = [
        (name, sorted(quoted(scopes)))
        for names, scopes, *_ in rows("| Method | Scope |")
        for name in quoted(names)
    ]
    real = [("batch", []), *((method.name, sorted(method.scopes)) for method in METHODS)]

    assert sorted(described) == sorted(real)


def test_every_method_has_all_of_its_row() -> None:
    assert {len(row) for row in rows("| Method | Scope |")} == {5}


def test_every_event_is_described() -> None:
    described = {name for row in rows("| Event | When |") for name in quoted(row[0])}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "sandbox").rglob("*.py"))
    sent = set(re.findall(r'"(ONIMBOTV2[A-Z]+|ONAPP(?:INSTALL|UPDATE|UNINSTALL))"', sources))

    assert described == sent


def test_every_fault_is_described() -> None:
    assert not [name for name in _SETTERS if f'{{"{name}"' not in TEXT]


def test_every_control_path_is_described() -> None:
    for path in ("messages", "presses", "edits", "deletions", "faults", "install", "open", "finish",
                 "update", "uninstall", "reset", "chats", "dialogs", "calls", "refreshes",
                 "deliveries", "memberships", "invitations", "notifications", "comments",
                 "typing", "users"):  # fmt: skip
        assert f"/sandbox/{path}" in TEXT
