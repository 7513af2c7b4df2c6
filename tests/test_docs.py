"""What is written about the project is true."""

import re
import shlex
from pathlib import Path

import pytest

import handlers
from bot.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
ENVIRONMENT = (ROOT / ".env.example").read_text()
KEY = "C6zJvl0NfxCQvA5jXtDJtUG3RVd5m6oc0BYtPQQm4bE="


def test_the_readme_lists_every_command() -> None:
    listed = re.findall(r"^\| `/(\w+)", README, re.MULTILINE)

    assert sorted(listed) == sorted(handlers.router.commands)


def test_the_example_names_every_setting() -> None:
    named = re.findall(r"^#?([A-Z0-9_]+)=", ENVIRONMENT, re.MULTILINE)

    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_lacks_nothing_but_a_key() -> None:
    settings = Settings(_env_file=ROOT / ".env.example", encryption_keys=[KEY])

    assert settings.public_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_gives_the_commands_that_make_has(command: str) -> None:
    assert re.search(rf"^{command}\b", README, re.MULTILINE)
    assert re.search(rf"^{command.removeprefix('make ')}:", MAKEFILE, re.MULTILINE)


def test_the_readme_installs_the_same_uv_as_make() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)", MAKEFILE, re.MULTILINE)

    assert re.findall(r"uv==(\S+)", README) == [version]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_files_that_a_page_points_to_are_there(page: str) -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_programs_of_the_procfile_start() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    from bot.__main__ import cli

    for line in lines:
        *program, command = shlex.split(line.partition(": ")[2])
        assert program == ["python", "-m", "bot"]
        assert command in cli.commands
