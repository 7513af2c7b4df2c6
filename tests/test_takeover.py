"""Two workers on PostgreSQL: what one of them has left, or was paused with, the other one does."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from process import Started, bot_process, ready
from stage import ADD, ANNA, ON_POSTGRESQL, Stage

from bot.settings import Settings
from sandbox.server import Portal

pytestmark = ON_POSTGRESQL

# The portal's chats are another worker's within so many seconds.
TAKEOVER = 15.0
LOOKUP = "user.search"


@pytest.fixture
async def stage(portal: Portal, settings: Settings, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose bot takes events, and has no worker yet."""
    async with (
        ClientSession() as session,
        bot_process(settings, "serve", "--web-only", log=tmp_path / "web.log"),
    ):
        stage = Stage(portal, settings, session)
        await ready(settings, session)
        assert await stage.install() == 200
        yield stage
        stage.engine.dispose()


async def test_a_paused_owner_changes_nothing_when_it_goes_on(stage: Stage, tmp_path: Path) -> None:
    log = tmp_path / "paused.log"
    async with bot_process(stage.settings, "worker", log=log) as paused:
        await _paused_while_it_asks(stage, paused)
        async with bot_process(stage.settings, "worker", log=tmp_path / "other.log"):
            await stage.settled(TAKEOVER + 5)
            assert ANNA in await stage.members()
            paused.send_signal(signal.SIGCONT)
            await stage.until(lambda: _knows(log), TAKEOVER)

    assert len(await stage.calls(ADD)) == 1
    assert sum("✅" in one for one in await stage.heard()) == 1


async def test_a_killed_workers_portal_is_another_ones_in_time(
    stage: Stage, tmp_path: Path
) -> None:
    async with bot_process(stage.settings, "worker", log=tmp_path / "killed.log") as killed:
        await _paused_while_it_asks(stage, killed)
        async with bot_process(stage.settings, "worker", log=tmp_path / "other.log"):
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
            await stage.settled(TAKEOVER)

    assert len(await stage.calls(ADD)) == 1


async def _paused_while_it_asks(stage: Stage, worker: Started) -> None:
    """Have a worker stand still between its first question and the change."""
    before = len(await stage.calls("batch"))
    await stage.faults(method=LOOKUP, delay=3)
    await stage.type("/invite @Анна")
    await stage.until(lambda: _has_asked(stage, before), 20)
    worker.send_signal(signal.SIGSTOP)
    assert stage.count("SELECT count(*) FROM journal") == 0


async def _has_asked(stage: Stage, before: int) -> bool:
    return len(await stage.calls("batch")) > before


async def _knows(log: Path) -> bool:
    return "another process looks after it now" in log.read_text()  # noqa: ASYNC240
