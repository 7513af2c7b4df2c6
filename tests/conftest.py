"""Fixtures: a fresh portal and a fresh bot for every test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from stage import CLIENT_ID, CLIENT_SECRET, Stage, bot_running, settings_for

from bot.settings import Settings
from sandbox.server import Portal, running


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    async with running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as portal:
        yield portal


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path}/bot.db"


@pytest.fixture
def settings(portal: Portal, database_url: str, request: pytest.FixtureRequest) -> Settings:
    marker = request.node.get_closest_marker("settings")
    return settings_for(portal, database_url, **(marker.kwargs if marker else {}))


@pytest.fixture
async def empty_stage(portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    """A portal and a bot that do not know each other yet."""
    async with ClientSession() as session, bot_running(settings):
        stage = Stage(portal, settings, session)
        yield stage
        await nothing_leaked(stage)
        stage.engine.dispose()


@pytest.fixture
async def stage(empty_stage: Stage) -> Stage:
    """A portal with the bot installed."""
    assert await empty_stage.install() == 200
    return empty_stage


async def nothing_leaked(stage: Stage) -> None:
    """No customer has seen a word of the bot's, whatever the test was about."""
    for chat in await stage.get("chats"):
        if chat["entity_type"] == "LINES":
            for message in (await stage.chat(chat["id"]))["messages"]:
                own = message["author_id"] in (0, 456)
                assert not (own and message["to_customer"]), message["text"]
