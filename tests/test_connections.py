"""How many connections to PostgreSQL the processes take: a small plan has twenty."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientSession
from crowd import CHATS, PEOPLE, populate
from postgres import Server, binaries, running_server
from process import bot_process, ready
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, Stage, free_port, settings_for
from terminal import ran

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import running

PLAN = 20
# One writes and two ask; one is procrastinate's, and one listens.
EACH = 5
PROCESSES = (["serve"], ["worker"], ["worker"])
COMMANDS = 300
TOOLS = (["migrate"], ["doctor"], ["journal"], ["portals"])

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@pytest.fixture
def small_plan() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("there is no PostgreSQL on this machine (initdb is not found)")
    with running_server(f"max_connections={PLAN}\n", port=free_port()) as server:
        engine = engine_for(server.url)
        migrate(engine)
        engine.dispose()
        yield server


async def test_a_plan_of_twenty_carries_three_processes_and_every_tool(
    small_plan: Server, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with AsyncExitStack() as stack:
        portal = await stack.enter_async_context(
            running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, bucket_size=10**6)
        )
        session = await stack.enter_async_context(ClientSession())
        settings = settings_for(portal, small_plan.url, portal_bucket=10_000, portal_rate=1_000)
        for arguments in PROCESSES:
            await stack.enter_async_context(bot_process(settings, *arguments, log=log))
        await ready(settings, session)
        stage = Stage(portal, settings, session)
        stack.callback(stage.engine.dispose)
        assert await stage.install() == 200
        populate(portal, COMMANDS)
        # The stage's own would count along.
        stage.engine.dispose()

        counting = asyncio.create_task(_most(small_plan))
        for number in range(COMMANDS):
            chat = CHATS[number % len(CHATS)]
            await stage.type(f"/invite id{PEOPLE + number}", user=OLGA, chat=chat)
        most = await counting
        tools = await asyncio.gather(*(ran(settings, *one) for one in TOOLS))
        await stage.settled(60)

    assert most <= len(PROCESSES) * EACH
    assert [one.code for one in tools] == [0] * len(TOOLS), tools
    assert "too many clients" not in log.read_text()


async def _most(server: Server) -> int:
    """Give the most connections that there are within four seconds, besides this one."""
    most = 0
    async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
        for _ in range(200):
            [found] = await (await connection.execute(COUNT)).fetchone() or [0]
            most = max(most, found - 1)
            await asyncio.sleep(0.02)
    return most
