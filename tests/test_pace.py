"""One bucket for several processes: the portal never has to refuse."""

import asyncio

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr
from stage import OLGA, ON_POSTGRESQL

from bot.bitrix24.bucket import Buckets, Pace
from bot.bitrix24.calls import Address, Call
from bot.bitrix24.client import Client
from bot.bitrix24.plans import Bucket, Plans
from bot.figures import Figures
from bot.settings import Settings
from bot.store.buckets import SharedBuckets
from bot.store.database import Database, engine_for
from bot.store.schema import check_schema
from sandbox.server import Portal

# The margin of two is a second at this rate: so long may a busy machine hold requests back.
BUCKET = Bucket()
CALLS = 56


async def _usual(member_id: str) -> bool:
    return False


async def _enterprise(member_id: str) -> bool:
    return True


PLANS = Plans(BUCKET, _usual)


@ON_POSTGRESQL
async def test_four_processes_never_overflow_the_bucket(portal: Portal, settings: Settings) -> None:
    databases = [Database(engine_for(settings.database_url.get_secret_value())) for _ in range(4)]
    check_schema(databases[0].engine)

    await _rush(portal, [SharedBuckets(database, PLANS) for database in databases])

    assert _refused(portal) == 0
    for database in databases:
        await database.close()


async def test_one_process_never_overflows_the_bucket(portal: Portal) -> None:
    await _rush(portal, [Buckets(PLANS)])

    assert _refused(portal) == 0


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_an_enterprise_portal_is_asked_faster_until_it_refuses(database_url: str) -> None:
    database, plans = Database(engine_for(database_url)), Plans(Bucket(), _enterprise)
    shared = database.engine.dialect.name == "postgresql"
    pace: Pace = SharedBuckets(database, plans) if shared else Buckets(plans)
    for _ in range(100):
        await pace.take("member", ["profile"])
    assert await pace.has_room("member")

    await pace.overflown("member")

    assert not await pace.has_room("member")
    assert await plans.bucket("member") == Bucket()
    await database.close()


async def _rush(portal: Portal, paces: list[Pace]) -> None:
    portal.state.bucket.resize(BUCKET.capacity, BUCKET.per_second)
    portal.state.app.installed = True
    address = Address("member", f"{portal.url}/rest/")
    async with ClientSession() as session:
        clients = [Client(session, pace, 10.0, Figures([], [])) for pace in paces]
        await asyncio.gather(
            *(
                client.call(address, _token(portal), Call("profile"))
                for client in clients
                for _ in range(CALLS // len(clients))
            )
        )


def _token(portal: Portal) -> SecretStr:
    # Calls with the same one would share requests.
    return SecretStr(portal.state.tokens.issue(OLGA, "user").access)


def _refused(portal: Portal) -> int:
    rows = portal.state.journal.call_rows()
    assert len(rows) == CALLS
    return sum(row["error"] == "QUERY_LIMIT_EXCEEDED" for row in rows)
