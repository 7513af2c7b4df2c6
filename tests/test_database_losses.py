"""A database that fails, is slow or is changed: nothing that got its 200 is lost."""

import asyncio
import resource
import socket
import sqlite3
from pathlib import Path

import pytest
from aiohttp import ClientSession
from postgres import Server
from process import bot_process, ready
from sqlalchemy.exc import OperationalError
from stage import (
    IVAN,
    ON_POSTGRESQL,
    ON_SQLITE,
    Stage,
)
from test_events import post, sample

from bot.settings import Settings
from bot.store.database import GONE_AFTER, engine_for
from sandbox.server import Portal

LOSE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@ON_SQLITE
async def test_a_locked_database_is_503_while_it_lasts(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    path = stage.settings.database_url.get_secret_value().removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, _ = await post(stage, sample(stage))
    assert status == 503
    assert "an event could not be stored: database is locked" in caplog.text
    other.execute("ROLLBACK")
    other.close()

    status, _ = await post(stage, sample(stage))
    await stage.settled()

    assert status == 200
    assert IVAN in await stage.members()


@ON_SQLITE
async def test_a_full_disk_is_503_while_it_lasts(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with (
        ClientSession() as session,
        bot_process(settings, log=tmp_path / "log") as process,
    ):
        stage = Stage(portal, settings, session)
        await ready(settings, session)
        assert await stage.install() == 200
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, hard))
        statuses = [(await post(stage, sample(stage)))[0] for _ in range(3)]
        full = await readiness(stage)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))

        assert (full, await readiness(stage)) == (503, 200)
        status, _ = await post(stage, sample(stage))
        await stage.settled()
        stage.engine.dispose()

        assert statuses == [503, 503, 503]
        assert status == 200
        assert IVAN in await stage.members()


async def readiness(stage: Stage) -> int:
    async with stage.session.get(f"{stage.settings.public_url}/readyz") as response:
        return response.status


@ON_POSTGRESQL
async def test_a_restarted_postgresql_is_503_while_it_lasts(stage: Stage, postgres: Server) -> None:
    await stage.say("/invite id15")
    await asyncio.to_thread(postgres.stop)
    status, _ = await post(stage, sample(stage))
    assert status == 503
    await asyncio.to_thread(postgres.start)
    stage.engine.dispose()

    status, _ = await post(stage, sample(stage))
    await stage.settled(20)

    assert status == 200
    assert IVAN in await stage.members()


@ON_POSTGRESQL
async def test_connections_that_were_lost_in_a_quiet_hour_cost_nothing(stage: Stage) -> None:
    await stage.say("/invite id15")
    with stage.engine.connect() as connection:
        connection.exec_driver_sql(LOSE)

    status, _ = await post(stage, sample(stage))
    await stage.settled(20)

    assert status == 200
    assert IVAN in await stage.members()


@ON_POSTGRESQL
async def test_a_server_that_takes_nothing_is_left_for_one_that_does(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a failover: a connection to the server before would be refused for ever."""
    await stage.say("/invite id15")
    with stage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        change = f'ALTER DATABASE "{name}" {{}} default_transaction_read_only'
        connection.exec_driver_sql(f"{change.format('SET')} = on")
        connection.exec_driver_sql(LOSE)
        try:
            status, _ = await post(stage, sample(stage))
            await stage.until(lambda: _is_logged(caplog, "worker: ReadOnlySqlTransaction"))
        finally:
            connection.exec_driver_sql(change.format("RESET"))
    assert status == 503

    await stage.until(lambda: _is_ready(stage))
    await stage.say("/invite id12")

    assert IVAN in await stage.members()


@ON_POSTGRESQL
async def test_a_table_that_is_changed_meanwhile_costs_nothing(stage: Stage) -> None:
    """A newer version may migrate while this one runs: what it has prepared fits no more."""
    for _ in range(8):
        await stage.say("/who")
    change = "ALTER TABLE inbox ALTER COLUMN identity TYPE VARCHAR({})"
    with stage.engine.begin() as connection:
        connection.exec_driver_sql(change.format(65))

    statuses = [(await post(stage, sample(stage)))[0] for _ in range(2)]
    await stage.settled()
    with stage.engine.begin() as connection:
        connection.exec_driver_sql(change.format(64))

    assert statuses == [200, 200]
    assert IVAN in await stage.members()


async def test_a_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(GONE_AFTER, "connect_timeout", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = engine_for(f"postgresql://bot@127.0.0.1:{port}/bot")

        with pytest.raises(OperationalError, match="timeout expired"):
            await asyncio.to_thread(engine.connect)


async def _is_ready(stage: Stage) -> bool:
    return await readiness(stage) == 200


async def _is_logged(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text
