"""A portal where the app has been installed, and the bot's database from that time.

Installing takes half of what a scene costs, and is what most scenes are not about: a test process
does it once, and lets its other portals and bots begin with what was there then.
"""

import pickle
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession
from stage import Stage, bot_running

from bot.settings import Settings
from sandbox.server import Portal

# What a portal has that is of this minute: who waits for its events, where it is reached.
_LIVE = {"outbox", "pulse", "url", "oauth_url"}


@dataclass(frozen=True)
class Yesterday:
    """What portal and bot knew when the bot was stopped."""

    portal: bytes
    bot: Path

    def comes_back(self, portal: Portal, file: Path) -> None:
        """Let a portal, and a bot that is not there yet, begin with it."""
        vars(portal.state).update(pickle.loads(self.portal))  # noqa: S301  # our own
        shutil.copyfile(self.bot, file)


# What there was after an installation in this process, by the portal and the addresses.
_yesterdays: dict[object, Yesterday] = {}


async def as_of_yesterday(portal: Portal, settings: Settings, kept: Path) -> Yesterday | None:
    """Let portal and bot begin as after an installation; ``None`` where it is not on SQLite."""
    kind, _, file = settings.database_url.get_secret_value().partition(":///")
    if kind != "sqlite":
        return None
    alike = replace(portal.state.settings, application_token="")
    key = alike, portal.url, portal.oauth_url, settings.public_url
    if key not in _yesterdays:
        to = kept / f"{len(_yesterdays)}.db"
        _yesterdays[key] = await _installed(portal, settings, Path(file), to)
    _yesterdays[key].comes_back(portal, Path(file))
    return _yesterdays[key]


async def _installed(portal: Portal, settings: Settings, file: Path, kept: Path) -> Yesterday:
    """Install the app as an administrator does, stop the bot, and keep what is there then."""
    async with ClientSession() as session, bot_running(settings):
        stage = Stage(portal, settings, session)
        assert await stage.install() == 200
        await stage.settled()
        stage.engine.dispose()
    shutil.copyfile(file, kept)
    known = {name: value for name, value in vars(portal.state).items() if name not in _LIVE}
    return Yesterday(pickle.dumps(known), kept)
