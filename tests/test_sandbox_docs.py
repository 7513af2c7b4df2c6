"""The pages about the stand-in portal name whatever it does."""

import re
from pathlib import Path

import pytest
from pages import Page, read

from sandbox.control.faults import _SETTERS
from sandbox.rest.catalogue import METHODS

ROOT = Path(__file__).parent.parent


@pytest.fixture(params=["docs/sandbox.md", "docs/sandbox.ru.md"])
def page(request: pytest.FixtureRequest) -> Page:
    return read(request.param)


def rows(page: Page, first: str) -> list[list[str]]:
    """The rows of the table whose first cell begins with this name."""
    [table] = [table for table in page.tables() if table[0][0].startswith(f"`{first}`")]
    return table


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_method_is_described_once_with_its_scopes(page: Page) -> None:
    described = [
        (name, sorted(quoted(scopes)))
        for names, scopes, *_ in rows(page, "batch")
        for name in quoted(names)
    ]
    real = [("batch", []), *((method.name, sorted(method.scopes)) for method in METHODS)]

    assert sorted(described) == sorted(real)


def test_every_method_has_all_of_its_row(page: Page) -> None:
    assert {len(row) for row in rows(page, "batch")} == {5}


def test_every_event_is_described(page: Page) -> None:
    described = {name for row in rows(page, "ONIMBOTV2COMMANDADD") for name in quoted(row[0])}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "sandbox").rglob("*.py"))
    sent = set(re.findall(r'"(ONIMBOTV2[A-Z]+|ONAPP(?:INSTALL|UPDATE|UNINSTALL))"', sources))

    assert described == sent


def test_every_fault_is_described(page: Page) -> None:
    assert not [name for name in _SETTERS if f'{{"{name}"' not in page.text]


def test_every_control_path_is_described(page: Page) -> None:
    for path in ("messages", "presses", "edits", "deletions", "faults", "install", "open", "finish",
                 "update", "unregister", "uninstall", "reset", "chats", "dialogs", "calls",
                 "refreshes", "deliveries", "memberships", "invitations", "notifications",
                 "comments", "typing", "users"):  # fmt: skip
        assert f"/sandbox/{path}" in page.text
