"""Commands as a whole: their manual, and how one is added."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import handlers
from bot.commands.router import Arguments, Router

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
    for command in handlers.router.commands:
        assert f"\n## /{command}\n" in written


def test_a_name_is_declared_once() -> None:
    router = Router()

    async def nothing(args: Arguments, event: object) -> None: ...

    router.command("twice")(nothing)
    with pytest.raises(ValueError, match="declared twice"):
        router.button("twice")(nothing)


HANDLER = '''"""/ping: tell that the bot is there."""

from bot.bitrix24.events import CommandEvent
from bot.commands.router import Arguments, Router
from bot.outcomes import Outcome

router = Router()


class Ping(Arguments):
    word: str = ""


class Pong(Outcome):
    word: str


@router.command("ping")
async def ping(args: Ping, event: CommandEvent) -> Pong:
    return Pong(word=args.word)
'''
COMMAND = "{% set title %}Ping{% endset %}\n{% set hint %}word{% endset %}\n[b]/ping a[/b]\n"
TEST = """from stage import Stage


async def test_answers(stage: Stage) -> None:
    assert await stage.say("/ping abc") == "pong abc"
    assert await stage.say("/ping ?") == "[b]/ping a[/b]"
    assert await stage.say("/ping a b") != "pong a b"
"""


def test_adding_a_command_takes_four_steps(tmp_path: Path) -> None:
    for folder in ("bot", "handlers", "templates", "sandbox"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "stage.py", "postgres.py"):
        if (ROOT / "tests" / name).exists():
            shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    # 1. the handler
    (tmp_path / "handlers" / "ping.py").write_text(HANDLER)
    # 2. the words
    for language in ("ru", "en"):
        (tmp_path / "templates" / language / "commands" / "ping.j2").write_text(COMMAND)
        (tmp_path / "templates" / language / "pong.j2").write_text("pong {{ word }}\n")
    # 3. its name among the others
    listed = tmp_path / "handlers" / "__init__.py"
    text = listed.read_text().replace("    mending,\n", "    mending,\n    ping,\n", 1)
    listed.write_text(text.replace("Router(\n", "Router(\n    ping.router,\n", 1))
    # 4. the test
    (tmp_path / "tests" / "test_ping.py").write_text(TEST)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "sqlite", "-p", "no:cacheprovider",
         "tests/test_ping.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
