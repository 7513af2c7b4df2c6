"""How a scene is set: the portal stands, the bot runs, somebody can look at both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession
from stage import BOT, CLIENT_ID, CLIENT_SECRET, Stage, bot_running

from bot.settings import Settings
from sandbox.server import Portal, running


@asynccontextmanager
async def standing(port: int, oauth_port: int) -> AsyncIterator[Portal]:
    """Run a portal that knows the bot's app."""
    keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    async with running(port=port, oauth_port=oauth_port, **keys) as portal:
        yield portal


@asynccontextmanager
async def staged(portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    """Run the bot; in the end no customer has seen a word of it."""
    async with ClientSession() as session, bot_running(settings):
        stage = Stage(portal, settings, session)
        await stage.until(_has_looked_at_the_portals)
        yield stage
        nothing_leaked(stage)
        stage.engine.dispose()


async def _has_looked_at_the_portals() -> bool:
    # Which it does when it starts: one that is installed meanwhile might be registered twice.
    names = {task.get_name() for task in asyncio.all_tasks()}
    return "lifecycle of all portals" not in names


def nothing_leaked(stage: Stage) -> None:
    """No customer has seen a word of the bot's, whatever the test was about."""
    for chat in stage.portal.state.chats.values():
        if chat.entity_type == "LINES":
            for message in chat.messages:
                assert not (message.author_id in (0, BOT) and message.to_customer), message.text
