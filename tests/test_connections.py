"""How many connections to PostgreSQL the processes take: a small plan has twenty."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
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


@pytest.mark.parametrize("is_pooled", [False, True])
async def test_behind_a_pooler_no_statement_is_prepared(postgres: Server, is_pooled: bool) -> None:
    """The next transaction may come to another server, which knows none of them."""
    async with _pooler(postgres.port) as port:
        url = postgres.url.replace(str(postgres.port), str(port)) if is_pooled else postgres.url
        engine = engine_for(url)

        def prepared() -> int:
            with engine.connect() as connection:
                for _ in range(10):
                    connection.exec_driver_sql("SELECT 1")
                question = "SELECT count(*) FROM pg_prepared_statements"
                return connection.exec_driver_sql(question).scalar_one()

        found = await asyncio.to_thread(prepared)
        engine.dispose()

    assert found == (0 if is_pooled else 1)


@asynccontextmanager
async def _pooler(server: int) -> AsyncIterator[int]:
    """Pass everything on, but for the number of the connection: a pooler has its own for it."""

    async def pass_on(reader: StreamReader, writer: StreamWriter, *, told: bool = False) -> None:
        while data := await reader.read(65_536):
            # What the server tells of it begins so, and is there once.
            before, begin, after = data.partition(b"K\x00\x00\x00\x0c")
            writer.write(before + begin + b"none" + after[4:] if told and begin else data)
        writer.close()
        await writer.wait_closed()

    joined = []

    async def join(reader: StreamReader, writer: StreamWriter) -> None:
        joined.append(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", server)
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer, told=True))

    async with await asyncio.start_server(join, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]
        await asyncio.gather(*filter(None, joined))
