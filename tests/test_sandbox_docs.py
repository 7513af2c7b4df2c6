"""docs/sandbox.md names whatever the stand-in portal does."""

from pathlib import Path

from sandbox.control.faults import _SETTERS
from sandbox.rest.catalogue import METHODS

TEXT = (Path(__file__).parent.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_method_is_described() -> None:
    assert not [method.name for method in METHODS if f"`{method.name}`" not in TEXT]


def test_every_fault_is_described() -> None:
    assert not [name for name in _SETTERS if f'{{"{name}"' not in TEXT]


def test_every_control_path_is_described() -> None:
    for path in ("messages", "presses", "edits", "deletions", "faults", "install", "open", "finish",
                 "update", "uninstall", "reset", "chats", "dialogs", "calls", "refreshes",
                 "deliveries", "memberships", "invitations", "notifications", "comments",
                 "typing", "users"):  # fmt: skip
        assert f"/sandbox/{path}" in TEXT
