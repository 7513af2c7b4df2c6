"""Commands as a whole: their manual, and their names."""

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

import handlers
from bot.commands.router import Arguments, Router
from bot.commands.runner import Runner
from bot.portals.settings import PortalSettingsStore

ROOT = Path(__file__).parents[1]


def manual() -> object:
    spec = importlib.util.spec_from_file_location("manual", ROOT / "docs" / "commands.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "language"), [("commands.md", "en"), ("commands.ru.md", "ru")])
def test_the_manual_is_that_of_these_commands(name: str, language: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")

    assert written == manual().page(language), "run: python docs/commands.py"
    for command in handlers.SHIPPED:
        assert f"\n## /{command}\n" in written


def test_a_name_is_declared_once() -> None:
    router = Router()

    async def nothing(args: Arguments, event: object) -> None: ...

    router.command("twice")(nothing)
    with pytest.raises(ValueError, match="declared twice"):
        router.button("twice")(nothing)


async def for_number(args: Arguments, event: object, *, number: int) -> None: ...
async def for_nobody(args: Arguments, event: object) -> None: ...


@pytest.mark.parametrize(
    ("handler", "why"), [(for_number, "nobody makes"), (for_nobody, "proves nobody")]
)
def test_a_handler_that_cannot_be_served_is_told_of_at_the_start(
    handler: Callable[..., Awaitable[Any]], why: str
) -> None:
    router = Router()
    router.command("odd")(handler)

    with pytest.raises(TypeError, match=why):
        Runner(router, cast(PortalSettingsStore, None))
