"""A portal where the app has been installed, and the bot's database from that time.

Installing takes half of what a scene costs, and is what most scenes are not about: a test process
does it once, and lets its other portals and bots begin with what was there then.
"""

import pickle
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession
from postgres import bring_back, keep
from stage import Stage, bot_running

from bot.settings import Settings
from sandbox.server import Portal

# What a portal has that is of this minute: who waits for its events, where it is reached.
_LIVE = {"bucket", "outbox", "pulse", "url", "oauth_url"}


# What there was after an installation in this process, by the portal, addresses and database.
_yesterdays: dict[object, "Yesterday"] = {}


@dataclass(frozen=True)
class Yesterday:
    """What portal and bot knew when the bot was stopped."""

    portal: bytes
    # A file of SQLite, or the name that PostgreSQL keeps it under.
    bot: Path | str

    def comes_back(self, portal: Portal, address: str) -> None:
        """Let a portal, and a bot that is not there yet, begin with it."""
        vars(portal.state).update(pickle.loads(self.portal))  # noqa: S301  # our own
        if isinstance(self.bot, Path):
            shutil.copyfile(self.bot, _file(address))
        else:
            bring_back(address, self.bot)


async def as_of_yesterday(portal: Portal, settings: Settings, kept: Path) -> Yesterday:
    """Let portal and bot begin as after an installation."""
    address = settings.database_url.get_secret_value()
    alike = replace(portal.state.settings, application_token="")
    where = None if _file(address) else address
    key = alike, portal.url, portal.oauth_url, settings.public_url, where
    if key not in _yesterdays:
        name = f"installed_{len(_yesterdays)}"
        _yesterdays[key] = await _installed(portal, settings, kept / name)
    else:
        _yesterdays[key].comes_back(portal, address)
    # What the installation asked for has drained long ago.
    bucket = portal.state.bucket
    bucket.resize(bucket.size, bucket.rate)
    return _yesterdays[key]


async def _installed(portal: Portal, settings: Settings, to: Path) -> Yesterday:
    """Install the app as an administrator does, stop the bot, and keep what is there then."""
    async with ClientSession() as session, bot_running(settings):
        stage = Stage(portal, settings, session)
        assert await stage.install() == 200
        await stage.settled()
        stage.engine.dispose()
    known = {name: value for name, value in vars(portal.state).items() if name not in _LIVE}
    address = settings.database_url.get_secret_value()
    if file := _file(address):
        return Yesterday(pickle.dumps(known), Path(shutil.copyfile(file, to)))
    keep(address, to.name)
    return Yesterday(pickle.dumps(known), to.name)


def _file(address: str) -> Path | None:
    kind, _, path = address.partition(":///")
    return Path(path) if kind == "sqlite" else None
