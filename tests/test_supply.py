"""What the bot is made of: locked, licensed, used, and asked about."""

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import web
from stage import free_port

from bot import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
AUDIT = [sys.executable, str(ROOT / ".ci" / "audit.py"), "--service-url"]

# What no Python file imports is used by its name, in one of these.
BY_NAME = {
    "import-linter": ("Makefile", "lint-imports"),
    "deptry": ("Makefile", "deptry"),
    "mypy": ("Makefile", "mypy"),
    "ruff": ("Makefile", "ruff"),
    "pytest-aiohttp": ("tests/test_web.py", "aiohttp_client"),
    "pytest-asyncio": ("pyproject.toml", "asyncio_mode"),
    "pytest-timeout": ("pyproject.toml", "timeout = "),
    "pytest-xdist": ("pyproject.toml", "--dist worksteal"),
    "types-cachetools": ("pyproject.toml", '"cachetools'),
}
# The bot is passed on as a whole: nothing that would bind whoever passes it on.
ACCEPTED = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation|LGPL")


def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "docs" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_licences_are_those_of_the_locked_packages() -> None:
    module = licences()
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", module.PAGE.read_text(), re.MULTILINE)
    listed = {name: version for name, version, _ in rows if name != "Package"}

    assert listed == module.runtime(), "run: python docs/licences.py"
    for name, version, licence in rows[1:]:
        assert ACCEPTED.search(licence), f"{name}: {licence}"
        assert not re.search(r"(?<!L)GPL", licence), f"{name}: {licence}"
        if version == _installed(name):
            assert licence == module.licence(name), "run: python docs/licences.py"


def test_the_project_has_a_licence_that_goes_with_its_copies() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert text.startswith(f"{PROJECT['project']['license']} License")
    assert "the Switchboard authors" in text
    assert PROJECT["project"]["license-files"] == ["LICENSE"]
    assert "COPY LICENSE " in (ROOT / "Dockerfile").read_text()


def test_one_version_is_told_everywhere() -> None:
    [locked] = [one for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
                if one["name"] == "switchboard"]  # fmt: skip
    changelog = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (\d+)\.(\d+)\.(\d+) — \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)

    assert PROJECT["project"]["version"] == locked["version"] == __version__
    assert ".".join(releases[0]) == __version__
    assert len(releases) == len(re.findall(r"^## ", changelog, re.MULTILINE))
    assert releases == sorted(releases, key=lambda one: [*map(int, one)], reverse=True)


def test_git_takes_no_secrets_and_no_data(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for name in (".gitignore", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".env", ".env.local", "switchboard.db", "switchboard.db-wal", "backup.dump"):
        (tmp_path / name).touch()
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).touch()

    subprocess.run([*git, "add", "."], check=True)
    taken = subprocess.run([*git, "ls-files"], check=True, capture_output=True, text=True).stdout

    assert taken.split() == [".env.example", ".gitignore"]


def test_what_only_developers_install_is_used() -> None:
    sources = [path.read_text() for folder in ("tests", "benchmarks", "sandbox")
               for path in (ROOT / folder).rglob("*.py")]  # fmt: skip
    modules = metadata.packages_distributions()
    for line in PROJECT["dependency-groups"]["dev"]:
        name = re.split(r"[>=\[;]", line)[0]
        if name in BY_NAME:
            file, words = BY_NAME[name]
            assert words in (ROOT / file).read_text(), name
            continue
        own = [module for module, names in modules.items() if name in _normal(names)]
        imports = re.compile(rf"^\s*(?:from|import) (?:{'|'.join(map(re.escape, own))})\b", re.M)
        assert own, name
        assert any(imports.search(source) for source in sources), name


@pytest.fixture
async def service() -> AsyncIterator[str]:
    """A vulnerability service that knows of one in jinja2."""

    async def query(request: web.Request) -> web.Response:
        asked = (await request.json())["queries"]
        known = {"vulns": [{"id": "PYSEC-0", "modified": "2026-01-01T00:00:00Z"}]}
        found = [known if one["package"]["name"] == "jinja2" else {} for one in asked]
        return web.json_response({"results": found})

    async def tell(request: web.Request) -> web.Response:
        about = {"id": request.match_info["id"], "modified": "2026-01-01T00:00:00Z",
                 "published": "2026-01-01T00:00:00Z", "summary": "escapes nothing",
                 "affected": []}  # fmt: skip
        return web.json_response(about)

    application = web.Application()
    application.add_routes(
        [web.post("/{_:.*}querybatch", query), web.get("/{_:.*}vulns/{id}", tell)]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port := free_port()).start()
    yield f"http://127.0.0.1:{port}/"
    await runner.cleanup()


async def test_a_known_vulnerability_fails_the_check(service: str) -> None:
    status, told = await _audited(service)

    assert status == 1
    assert "PYSEC-0: escapes nothing" in told


@pytest.mark.parametrize(("demand", "status"), [("", 0), ("required", 1)])
async def test_without_an_answer_the_check_says_so(demand: str, status: int) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/"

    ended, told = await _audited(nobody, AUDIT=demand, UV_HTTP_RETRIES="0")

    assert ended == status
    assert "NOT AUDITED" in told


async def _audited(url: str, **more: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *AUDIT, url, cwd=ROOT, env={**os.environ, **more}, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 50)
    assert process.returncode is not None
    return process.returncode, said.decode()


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _normal(names: list[str]) -> list[str]:
    return [re.sub(r"[-_.]+", "-", name).lower() for name in names]
