"""The scene of tests in a browser, which is one browser for all of them.

Its driver is a program that takes two seconds of a processor to start, and belongs to a loop: so
these tests share a loop, and each has a portal and a bot of its own in it. Their modules import
what is here in the place of what other tests are given.
"""

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from installed import Yesterday, as_of_yesterday
from scenes import staged, standing
from stage import ON_SQLITE, Stage

from bot.settings import Settings
from sandbox.server import Portal

# What a module takes whole.
__all__ = ["empty_stage", "pictures", "portal", "stage", "yesterday"]

fixture = partial(pytest_asyncio.fixture, loop_scope="session")

# The pages are the same whatever the database; a busy machine's browser takes its time.
IN_BROWSER = [ON_SQLITE, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


@fixture()
async def portal(ports: list[int]) -> AsyncIterator[Portal]:
    async with standing(*ports[:2]) as portal:
        yield portal


@fixture()
async def empty_stage(portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    async with staged(portal, settings) as stage:
        yield stage


@fixture()
async def yesterday(portal: Portal, settings: Settings, kept: Path) -> Yesterday | None:
    return await as_of_yesterday(portal, settings, kept)


@fixture()
async def stage(portal: Portal, settings: Settings, yesterday: Yesterday) -> AsyncIterator[Stage]:
    async with staged(portal, settings) as stage:
        stage.seat_the_bot()
        yield stage


@pytest.fixture
def pictures() -> Path | None:
    """Where screenshots go: none are taken but with ``PICTURES``."""
    return Path(os.environ["PICTURES"]) if "PICTURES" in os.environ else None
