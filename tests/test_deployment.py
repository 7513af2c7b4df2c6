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
from configparser import ConfigParser
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession
from honcho.environ import parse_procfile
from pages import read
from postgres import Server
from process import bot_process, environment, ready
from program import all_said, program, said_until
from pydantic import ValidationError
from stage import CHAT, IVAN, ON_SQLITE, Stage, settings_for

from bot import __version__
from bot.app import STOP_PATIENCE
from bot.cli.program import cli
from bot.settings import DISPOSABLE_DISK, Settings
from sandbox.server import Portal

ROOT = Path(__file__).parents[1]
PROCFILE = parse_procfile((ROOT / "Procfile").read_text()).processes
APP = json.loads((ROOT / "app.json").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
GENERATED = secrets.token_hex(32)  # what Heroku's "generator": "secret" makes
STOP_WITHIN = 25.0
START_WITHIN = 60.0
WORKING = re.compile(r"worker\.1 .*\bworking\b")

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
        log = await said_until(platform, WORKING.search, START_WITHIN)
        stage = Stage(portal, settings, session)
        assert await stage.install() == 200
        await stage.say("/invite id12")
        stage.engine.dispose()
        platform.send_signal(signal.SIGTERM)
        log += await all_said(platform, STOP_WITHIN)

    assert IVAN in portal.state.chats[CHAT].members
    for process in ("web.1", "worker.1"):
        assert f"{process} stopped (rc=0)" in log, log


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


RUNNING = read("docs/running.md")
FILES = {block.file: block.text for block in RUNNING.blocks() if block.file}
SHELL = [block.text for block in RUNNING.blocks("bash")]
# What other programs read of the same files.
OTHERS = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}


def test_every_way_to_deploy_has_its_block_to_paste() -> None:
    assert sorted(FILES) == [
        "/etc/caddy/Caddyfile", "/etc/systemd/system/switchboard.service", "compose.yaml",
        "railway.json", "render.yaml",
    ]  # fmt: skip
    programs = {line.split()[0] for text in SHELL for line in _joined(text)}
    assert programs >= {"docker", "dokku", "railway", "sudo", "git"}


@pytest.mark.parametrize("text", [*FILES.values(), *SHELL])
def test_a_block_to_paste_names_settings_and_commands_that_there_are(text: str) -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHERS
    named = set(re.findall(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?=[=:}]|$)", text, re.MULTILINE))
    started = re.findall(r"python\b.{0,8}-m\W+bot\W+([a-z-]+)", text)

    assert named <= known, named - known
    assert set(started) <= cli.commands.keys()
    assert set(re.findall(r"switchboard:(\d\S*)|\bv(\d\S*?)\^", text)) <= {
        (__version__, ""), ("", __version__)
    }  # fmt: skip


@pytest.mark.parametrize("file", ["compose.yaml", "render.yaml", "railway.json"])
def test_a_platform_gets_what_the_bot_needs_there(file: str) -> None:
    text = FILES[file]
    required = {name.upper() for name, one in Settings.model_fields.items() if one.is_required()}

    assert "migrate" in text
    # The file of settings, or each of them by name; those of Railway are in the line below it.
    given = text + "".join(one for one in SHELL if "railway" in one) * (file == "railway.json")
    assert "env_file" in given or all(name in given for name in [*required, "TRUSTED_PROXIES"])
    assert "DATABASE_URL" in given


def test_the_service_starts_the_bot_where_it_may_write() -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(FILES["/etc/systemd/system/switchboard.service"])
    service = unit["Service"]

    folder = service["WorkingDirectory"]
    program, *arguments = service["ExecStart"].split()
    assert program == f"{folder}/.venv/bin/python"
    assert arguments[:2] == ["-m", "bot"]
    assert arguments[2] in cli.commands
    default = Settings.model_fields["database_url"].default.get_secret_value()
    written = Path(folder, default.removeprefix("sqlite:///")).parent
    assert service["ReadWritePaths"] == str(written)
    assert int(service["TimeoutStopSec"]) > STOP_PATIENCE
    made = [line for text in SHELL for line in _joined(text) if "useradd" in line or " -d " in line]
    assert all(service["User"] in line for line in made)
    assert any(str(written) in line for line in made)


def test_what_holds_a_container_back_waits_for_running_commands() -> None:
    seconds = [int(found) for text in [*FILES.values(), *SHELL]
               for found in re.findall(r"stop[-_]\w+(?:[-_]\w+)?:? (\d+)s?", text)]  # fmt: skip

    assert len(seconds) == 2
    assert min(seconds) > STOP_PATIENCE


def test_the_image_declares_no_volume_that_a_platform_would_refuse() -> None:
    assert "VOLUME" not in re.sub("#.*", "", DOCKERFILE)
    assert "--volume switchboard:/app/data" in "".join(SHELL)


def _joined(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


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
