"""Fixtures: a fresh portal and a fresh bot for every test."""

import fcntl
import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
from app_page import opened
from browser import connected, running_chromium
from compiled import write_out_once
from installed import Yesterday, as_of_yesterday
from pairs import Pair, served
from playwright.async_api import Browser
from postgres import Server, binaries, empty, running_server
from pydantic import SecretStr
from scenes import staged, standing
from stage import BOSS, Stage, free_port, settings_for

import bot.app
from bot.settings import Settings
from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import Portal

# What hundreds of tests import is not to be looked through for garbage all the time.
gc.set_threshold(20_000)

write_out_once()


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


# In the place of Python's own, asyncio would put another one around every fixture and test, and
# spend a twentieth of a scene on its name.
signal.signal(signal.SIGINT, _interrupted)

# A test that lets hours go by moves what is due, and is not to wait then for the next look.
bot.app.TICK = 0.2

# The modules whose tests mostly wait: for time-outs, for processes that end, for a bucket.
WAITING = {
    "test_batching", "test_chaos", "test_crash", "test_database_losses", "test_durability",
}  # fmt: skip

# A property is tried with the same examples every time, however slow the machine is.
hypothesis.settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")
# `make fuzz`: the same properties, tried far longer, and with others each time.
hypothesis.settings.register_profile(
    "fuzz", hypothesis.settings.get_profile("suite"), derandomize=False, max_examples=5_000
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests that mostly wait, so that others have the processors meanwhile.

    Those in a browser come together, so that one process starts it for all of them.
    """
    items.sort(key=lambda one: "browser" not in getattr(one, "fixturenames", ()))
    waiting = [one for one in items if one.path.stem in WAITING]
    items[:] = [one for one in items if one.path.stem not in WAITING]
    # The last quarter has none: nobody is to wait for them alone at the end.
    step = 1 + len(items) * 3 // max(1, 4 * len(waiting))
    for number, one in enumerate(waiting):
        items.insert(number * step, one)


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_unconfigure() -> None:
    # Pytest looks five times for what was forgotten, among all that the caches still hold.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def ports() -> list[int]:
    """Where the portal, its authorization server and the bot of one test after the other are."""
    return [free_port() for _ in range(3)]


@pytest.fixture
async def portal(ports: list[int]) -> AsyncIterator[Portal]:
    async with standing(*ports[:2]) as portal:
        yield portal


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL server with a migrated database to copy."""
    if binaries() is None:
        assert "CI" not in os.environ, "CI has to install PostgreSQL"
        pytest.skip("there is no PostgreSQL on this machine (initdb is not found)")
    files = _postgres_files(tmp_path_factory.getbasetemp())
    with running_server(files=files, port=free_port()) as server:
        yield server


def _postgres_files(folder: Path) -> Path:
    """Give a server's files with a migrated database: made once for all test processes."""
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    files = shared / "postgres"
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not files.exists():
            with running_server(port=free_port()) as server:
                engine = engine_for(server.database("template"))
                migrate(engine)
                engine.dispose()
                server.save(files)
    return files


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """A migrated database of PostgreSQL, for one test after the other."""
    return postgres.copy("template")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("template") / "bot.db"
    engine = engine_for(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: every test that needs one runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "bot.db")
        return f"sqlite:///{tmp_path}/bot.db"
    url = request.getfixturevalue("postgres_url")
    empty(url)
    return url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser with no window open: whoever opens one closes it."""
    with running_chromium(tmp_path_factory.mktemp("chromium")) as address:
        async with connected(address) as browser:
            yield browser


# To read them takes a sixth of what setting a scene does, and most scenes have the same.
_settings: dict[str, Settings] = {}


@pytest.fixture
def settings(
    portal: Portal, ports: list[int], database_url: str, request: pytest.FixtureRequest
) -> Settings:
    marker = request.node.get_closest_marker("settings")
    own = marker.kwargs if marker else {}
    usual = {"port": ports[2], "public_url": f"http://127.0.0.1:{ports[2]}"}
    bucket = portal.state.bucket
    # A bot that is in no hurry to wait speaks to a portal that does not make it wait either.
    if (size := own.get("portal_bucket", 0)) > bucket.size:
        bucket.resize(size, size)
    key = repr((portal.oauth_url, usual, own))
    if key not in _settings:
        _settings[key] = settings_for(portal, database_url, **{**usual, **own})
    return _settings[key].model_copy(update={"database_url": SecretStr(database_url)})


@pytest.fixture
async def empty_stage(portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    """A portal and a bot that do not know each other yet."""
    async with staged(portal, settings) as stage:
        yield stage


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the databases of bots are kept that have been installed."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
async def yesterday(
    portal: Portal, settings: Settings, request: pytest.FixtureRequest, kept: Path
) -> Yesterday | None:
    """What there was after the installation of a bot with the same keys, at the same servers.

    An installation keeps nothing that hangs on another setting.
    """
    marker = request.node.get_closest_marker("settings")
    is_usual = not any(name.startswith("bitrix24_") for name in (marker.kwargs if marker else ()))
    return await as_of_yesterday(portal, settings, kept) if is_usual else None


@pytest.fixture
async def stage(
    portal: Portal, settings: Settings, yesterday: Yesterday | None
) -> AsyncIterator[Stage]:
    """A portal with the bot installed, and a member of the open-line chats.

    There the customer sees every word of a member that is not the system's.
    """
    async with staged(portal, settings) as stage:
        assert yesterday or await stage.install() == 200
        stage.seat_the_bot()
        yield stage


@pytest.fixture
async def known(stage: Stage) -> Stage:
    """A stage whose bot keeps pairs of Olga and of the boss."""
    await stage.say("/who")
    await opened(stage, BOSS)
    await stage.settled()
    return stage


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    async with served(database_url) as pair:
        yield pair
