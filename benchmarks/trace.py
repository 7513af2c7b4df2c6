"""Through how many functions one ``/invite`` goes: ``make trace``.

The bot, with SQLite, and a stand-in portal are in one process; what is counted is the bot's own
code, from the event that arrives to the note that the command is done, when everything has been
imported, compiled and remembered.
"""

import argparse
import asyncio
import inspect
import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import unused_port

from benchmarks.processes import KEY, NO_BUCKET, ROOT
from bot import logs
from bot.settings import Settings
from bot.store.database import Database, engine_for
from bot.store.migrate import migrate
from bot.web.application import serving
from bot.web.listener import listening
from sandbox.server import Portal, running

OURS = tuple(f"{ROOT / folder}/" for folder in ("bot", "handlers"))
CLIENT_ID, CLIENT_SECRET = "local.trace", "a-secret-that-nobody-needs"
OPERATOR = 7
WARM_UP, MEASURED = 8774, 8773
# The quietest of them counts: now and then something of the bot's own runs meanwhile.
PEOPLE = (12, 15, 21, 41, 3, 1)
TYPED = "/invite [USER={}]Кто-то[/USER]"
GENERATORS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# Where somebody waits for a commit.
AWAITED = Database.write.__code__


@dataclass(slots=True)
class Trace:
    """The calls of our functions, in whatever thread."""

    calls: list[tuple[int, CodeType]] = field(default_factory=list)
    changes: int = 0
    _seen: dict[int, FrameType] = field(default_factory=dict)
    _file: str = ""

    def enter(self, frame: FrameType) -> None:
        """Note a function that is called, or goes on."""
        # A coroutine that goes on is no new call; a frame that is kept keeps its number.
        if id(frame) in self._seen:
            return
        self._seen[id(frame)] = frame
        code = frame.f_code
        if threading.current_thread() is threading.main_thread():
            self.changes += code.co_filename != self._file
            self._file = code.co_filename
        self.calls.append((_depth(frame), code))

    def __str__(self) -> str:
        named = [code for _, code in self.calls if not code.co_name.startswith("<")]
        rows = {
            "named calls": len(named),
            "distinct functions": len(set(named)),
            "files": len({code.co_filename for code in named}),
            "depth": max((depth for depth, _ in self.calls), default=0),
            "coroutines": sum(1 for code in named if code.co_flags & GENERATORS),
            "changes of file, main thread": self.changes,
            "awaited commits": named.count(AWAITED),
        }
        return "\n".join(f"{name:<30}{count:>5}" for name, count in rows.items())

    def tree(self) -> str:
        """List the calls in their order, each under its caller."""
        return "\n".join(
            f"{'  ' * (depth - 1)}{code.co_qualname}  {_place(code)}" for depth, code in self.calls
        )


class Watch:
    """Is told of every call, in this thread and in those that begin from now on."""

    def __init__(self) -> None:
        self.trace: Trace | None = None
        self.traces: list[Trace] = []

    def begin(self) -> None:
        threading.setprofile(self._told)
        sys.setprofile(self._told)

    def end(self) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _told(self, frame: FrameType, what: str, _about: Any) -> None:
        if self.trace is not None and what == "call" and _is_ours(frame):
            self.trace.enter(frame)


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(OURS)


def _depth(frame: FrameType | None) -> int:
    """Count our functions that wait for this one, itself among them."""
    depth = 0
    while frame is not None:
        depth += _is_ours(frame)
        frame = frame.f_back
    return depth


def _place(code: CodeType) -> str:
    return f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_firstlineno}"


@asynccontextmanager
async def _playing(folder: Path) -> AsyncIterator[tuple[Portal, ClientSession]]:
    """Give a portal that has the bot installed."""
    async with (
        running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as portal,
        ClientSession(portal.url) as session,
    ):
        settings = _settings(portal, folder)
        migrate(engine_for(settings.database_url.get_secret_value()))
        async with serving(settings) as bot, listening(bot, settings.port, "127.0.0.1"):
            card = {"handler": "install", "app": "app", "redirect": "oauth"}
            address = f"{settings.public_url}/bitrix24"
            await _post(session, "install", {k: f"{address}/{v}" for k, v in card.items()})
            yield portal, session


def _settings(portal: Portal, folder: Path) -> Settings:
    values: dict[str, Any] = {
        "port": (port := unused_port()),
        "public_url": f"http://127.0.0.1:{port}",
        "database_url": f"sqlite:///{folder}/trace.db",
        "bitrix24_client_id": CLIENT_ID,
        "bitrix24_client_secret": CLIENT_SECRET,
        "bitrix24_oauth_urls": [portal.oauth_url],
        "encryption_keys": [KEY],
        **{name.lower(): value for name, value in NO_BUCKET.items()},
    }
    return Settings(_env_file=None, **values)


async def _post(session: ClientSession, path: str, body: dict[str, Any]) -> None:
    async with session.post(f"/sandbox/{path}", json=body) as response:
        response.raise_for_status()


async def _invite(session: ClientSession, person: int, chat: int, folder: Path) -> None:
    """Type the command, and wait until the bot has noted that it is done."""
    known, words = _done(folder), TYPED.format(person)
    body = {"chat_id": chat, "user_id": OPERATOR, "text": words, "hidden": True}
    await _post(session, "messages", body)
    async with asyncio.timeout(10):
        while _done(folder) == known:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)


def _done(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "trace.db")) as database:
        question = "SELECT count(*) FROM inbox WHERE done_at IS NOT NULL"
        [count] = database.execute(question).fetchone()
    return int(count)


async def traced(folder: Path) -> Trace:
    """Trace commands after others like them, and give the one with the fewest calls."""
    watch = Watch()
    watch.begin()
    try:
        async with _playing(folder) as (portal, session):
            for person in PEOPLE:
                await _invite(session, person, WARM_UP, folder)
            for person in PEOPLE:
                watch.trace = Trace()
                await _invite(session, person, MEASURED, folder)
                watch.traces.append(watch.trace)
                watch.trace = None
            if not {*PEOPLE} <= {*portal.state.chats[MEASURED].members}:
                raise RuntimeError("somebody was not invited")
    finally:
        watch.end()
    return min(watch.traces, key=lambda one: len(one.calls))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make trace", description=__doc__)
    parser.add_argument("--tree", action="store_true", help="list the calls, too")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="switchboard-trace-") as folder,
        open(os.devnull, "w") as nowhere,
        redirect_stderr(nowhere),
    ):
        # It logs as it does when it serves; nobody wants to read that here.
        logs.configure("INFO", "json")
        trace = asyncio.run(traced(Path(folder)))
    if chosen.tree:
        print(trace.tree(), end="\n\n")
    print(f"One warm {TYPED.format(PEOPLE[0])} on SQLite: what of bot/ and handlers/ it takes\n")
    print(trace)


if __name__ == "__main__":
    main()
