"""A portal's bucket, whole or shared out: the portal never has to refuse."""

import asyncio

from aiohttp import ClientSession
from pydantic import SecretStr
from stage import OLGA

from bot.bitrix24.bucket import OWNERS, PAGES, Bucket, Buckets, Plans
from bot.bitrix24.calls import Address, Call
from bot.bitrix24.client import Client
from bot.figures import Figures
from sandbox.server import Portal

# The margin of two is a second at this rate: so long may a busy machine hold requests back.
BUCKET = Bucket()
CALLS = 56


async def _usual(member_id: str) -> bool:
    return False


async def _enterprise(member_id: str) -> bool:
    return True


PLANS = Plans(BUCKET, _usual)


async def test_one_process_never_overflows_the_bucket(portal: Portal) -> None:
    await _rush(portal, [Buckets(PLANS)], [CALLS])

    assert _refused(portal) == 0


async def test_an_owner_and_the_pages_never_overflow_the_bucket_together(portal: Portal) -> None:
    paces = [Buckets(Plans(BUCKET, _usual, quota)) for quota in (OWNERS, PAGES)]

    await _rush(portal, paces, [38, 18])

    assert _refused(portal) == 0


async def test_whoever_takes_a_portal_over_counts_what_was_sent_before(portal: Portal) -> None:
    before, after = Buckets(PLANS), Buckets(PLANS)
    await after.inherit("member", 0.5)

    await _rush(portal, [before, after], [48, 8])

    assert _refused(portal) == 0


async def test_an_enterprise_portal_is_asked_faster_until_it_refuses() -> None:
    plans = Plans(Bucket(), _enterprise)
    pace = Buckets(plans)
    for _ in range(100):
        await pace.take("member", Call("profile"))
    assert await pace.has_room("member")

    await pace.overflown("member")

    assert not await pace.has_room("member")
    assert await plans.bucket("member") == Bucket()


async def _rush(portal: Portal, paces: list[Buckets], calls: list[int]) -> None:
    portal.state.bucket.resize(BUCKET.capacity, BUCKET.per_second)
    portal.state.app.installed = True
    address = Address("member", f"{portal.url}/rest/")
    async with ClientSession() as session:
        clients = [Client(session, pace, 10.0, Figures([], [], [], [], [])) for pace in paces]
        await asyncio.gather(
            *(
                client.call(address, _token(portal), Call("profile"))
                for client, count in zip(clients, calls, strict=True)
                for _ in range(count)
            )
        )


def _token(portal: Portal) -> SecretStr:
    # Calls with the same one would leave in one request.
    return SecretStr(portal.state.tokens.issue(OLGA, "user").access)


def _refused(portal: Portal) -> int:
    rows = portal.state.journal.call_rows()
    assert len(rows) == CALLS
    return sum(row["error"] == "QUERY_LIMIT_EXCEEDED" for row in rows)
