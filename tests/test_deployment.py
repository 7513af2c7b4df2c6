"""The files that hosting platforms read, carried out here the way they do."""

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession
from honcho.environ import parse_procfile
from postgres import Server
from process import bot_process, environment, ready
from program import all_said, program
from pydantic import ValidationError
from stage import CHAT, IVAN, ON_SQLITE, Stage, settings_for

from bot.settings import DISPOSABLE_DISK, Settings
from sandbox.server import Portal

ROOT = Path(__file__).parents[1]
PROCFILE = parse_procfile((ROOT / "Procfile").read_text()).processes
APP = json.loads((ROOT / "app.json").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
GENERATED = secrets.token_hex(32)  # what Heroku's "generator": "secret" makes
STOP_WITHIN = 25.0

pytestmark = pytest.mark.timeout(120)


@ON_SQLITE
def test_the_app_asks_for_what_the_bot_does_not_start_without(settings: Settings) -> None:
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    # An address that somebody has forgotten to change would be taken for theirs.
    assert "value" not in APP["env"]["PUBLIC_URL"]
    asked = {
        name: one.get("value", GENERATED if "generator" in one else "https://typed.in")
        for name, one in APP["env"].items()
    }

    assert asked.keys() <= fields.keys()
    # DATABASE_URL comes with the add-on, PORT from the platform.
    assert {name for name, field in fields.items() if field.is_required()} <= asked.keys()
    assert Settings(_env_file=None, **{name.lower(): value for name, value in asked.items()})


def test_the_app_starts_what_the_procfile_has_and_one_web_process_is_enough() -> None:
    assert APP["formation"].keys() <= PROCFILE.keys()
    assert {name: one["quantity"] for name, one in APP["formation"].items()} == {
        "web": 1,
        "worker": 0,
    }
    assert "--web-only" not in PROCFILE["web"]


async def test_the_procfile_brings_everything_up_and_a_command_through(
    portal: Portal, postgres: Server, tmp_path: Path
) -> None:
    url = postgres.database(f"platform_{secrets.token_hex(4)}")
    settings = settings_for(portal, url.replace("postgresql://", "postgres://"),
                            encryption_keys=[GENERATED], trusted_proxies=1)  # fmt: skip
    async with _honcho(settings, tmp_path, "release") as release:
        log = await all_said(release, STOP_WITHIN)
        assert release.returncode == 0, log

    async with (
        _honcho(settings, tmp_path, "web", "worker") as platform,
        ClientSession() as session,
    ):
        await ready(settings, session)
        stage = Stage(portal, settings, session)
        assert await stage.install() == 200
        await stage.say("/invite id12")
        stage.engine.dispose()
        platform.send_signal(signal.SIGTERM)
        log = await all_said(platform, STOP_WITHIN)

    assert IVAN in portal.state.chats[CHAT].members
    for process in ("web.1", "worker.1"):
        assert f"{process} stopped (rc=0)" in log, log
    assert re.search(r"worker\.1 .*\bworking\b", log), log


@pytest.mark.parametrize("mark", DISPOSABLE_DISK)
def test_sqlite_on_a_disk_that_is_emptied_is_refused_unless_it_is_a_volume(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    monkeypatch.setenv(mark, "web.1")
    file, server = "sqlite:////volume/bot.db", "postgres://host/name"

    with pytest.raises(ValidationError, match=rf"{mark} is set.*DISK_IS_KEPT=yes"):
        settings_for(portal, file)
    assert settings_for(portal, file, disk_is_kept="yes")
    assert settings_for(portal, server)


@ON_SQLITE
async def test_a_release_onto_such_a_disk_fails_in_one_clear_line(
    settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with bot_process(settings, "migrate", log=log, DYNO="release.1") as process:
        assert await asyncio.wait_for(process.wait(), 30) == 1

    [_, line] = log.read_text().splitlines()
    assert line.startswith("  DATABASE_URL: ")


async def test_what_the_image_holds_starts_and_is_watched(portal: Portal, tmp_path: Path) -> None:
    for copied in re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE):
        shutil.copytree(ROOT / copied, tmp_path / copied)
    settings = settings_for(portal, "sqlite:///data/switchboard.db")
    command = _json_form("CMD")
    watch = _json_form("HEALTHCHECK[^\\[]*CMD")

    run = partial(program, folder=tmp_path, variables=environment(settings))
    async with run(*command) as bot, ClientSession() as session:
        await ready(settings, session)
        async with run(*watch) as well:
            assert await well.wait() == 0
        bot.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(bot.wait(), STOP_WITHIN) == 0
        async with run(*watch) as ill:
            assert await ill.wait() != 0

    assert (tmp_path / "data" / "switchboard.db").exists()


def test_a_process_on_sqlite_carries_nothing_of_postgresql_nor_of_migrations() -> None:
    program = "import bot.__main__, sys; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=PIPE, check=True)

    others = {"procrastinate", "psycopg", "alembic", "sqlalchemy.dialects.postgresql"}
    assert not set(ended.stdout.decode().split()) & others


def test_the_image_is_built_of_the_versions_that_are_tested() -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert re.findall(r"uv==(\S+)", DOCKERFILE) == re.findall(r"UV_VERSION := (\S+)", makefile)
    python = (ROOT / ".python-version").read_text().strip()
    assert re.findall(r"ARG PYTHON=(\S+)", DOCKERFILE) == [python]
    # Whoever builds it may pin both stages to one digest.
    assert re.findall(r"^ARG BASE=(\S+)", DOCKERFILE, re.MULTILINE) == ["python:${PYTHON}-slim"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_the_image_gets_nothing_but_what_it_copies() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}

    assert "*" in rules
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru-RU,ru;q=0.9", "Карточка приложения в Битрикс24"), ("de", "The app's card in Bitrix24")],
)
async def test_the_page_after_the_deployment_says_what_to_enter(
    empty_stage: Stage, language: str, words: str
) -> None:
    url = empty_stage.settings.public_url
    assert APP["success_url"] == "/"

    async with empty_stage.session.get(url, headers={"Accept-Language": language}) as response:
        page = await response.text()

    assert response.status == 200
    assert words in page.replace("&#39;", "'")
    for path in ("app", "install", "oauth"):
        assert f"<code>{url}/bitrix24/{path}</code>" in page


def _json_form(instruction: str) -> list[str]:
    [found] = re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, *arguments = json.loads(found)
    assert program == "python"
    return [sys.executable, *arguments]


def _honcho(
    settings: Settings, folder: Path, *processes: str
) -> AbstractAsyncContextManager[Process]:
    # A platform has one python, and tells who it is; whatever lies in .env stays out.
    values = {"DYNO": "run.1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    # honcho starts a shell for each process, and would tell that one's status.
    lines = [f"{name}: exec {command}\n" for name, command in PROCFILE.items()]
    (folder / "Procfile").write_text("".join(lines))
    files = ["-e", os.devnull, "-d", str(ROOT), "-f", str(folder / "Procfile")]
    command = [sys.executable, "-m", "honcho", *files, "start", *processes]
    return program(*command, folder=ROOT, variables={**environment(settings), **values})
