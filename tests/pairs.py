"""Two portals with the same numbers in one deployment, where a scene needs both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession
from stage import CLIENT_ID, CLIENT_SECRET, Stage, bot_running, settings_for

from sandbox.server import Portal, running

NAMES = ("a" * 32, "b" * 32)


@dataclass
class Pair:
    """Two portals and the one bot that serves both."""

    left: Stage
    right: Stage


@asynccontextmanager
async def served(database_url: str) -> AsyncIterator[Pair]:
    """Two portals that have the same bot installed."""
    async with portal_of(NAMES[0]) as left, portal_of(NAMES[1]) as right:
        servers = [left.oauth_url, right.oauth_url]
        settings = settings_for(left, database_url, bitrix24_oauth_urls=servers)
        async with ClientSession() as session, bot_running(settings):
            pair = Pair(Stage(left, settings, session), Stage(right, settings, session))
            assert await pair.left.install() == 200
            assert await pair.right.install() == 200
            yield pair
            pair.left.engine.dispose()
            pair.right.engine.dispose()


@asynccontextmanager
async def portal_of(member_id: str) -> AsyncIterator[Portal]:
    async with running(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, member_id=member_id
    ) as portal:
        yield portal
