"""The benchmarks measure what they say: every command done once and answered once."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.contenders import BOT, FLOOR, floor, switchboard
from benchmarks.events import FIRST_PERSON, Spread, token
from benchmarks.ledger import Ledger
from benchmarks.portal import ADD, Portal
from benchmarks.slices import side_by_side


async def test_the_bot_and_the_floor_do_the_same_work(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        everybody = [
            await stack.enter_async_context(switchboard(BOT, tmp_path, Spread(portals=2))),
            await stack.enter_async_context(floor(FLOOR, tmp_path, Spread())),
        ]
        rounds = await side_by_side(everybody, rounds=1, commands=20, in_flight=8)

    assert [one.ledger.wrong for one in everybody] == [{}, {}]
    assert all(rounds.rate(one.name) > 0 for one in everybody)


def test_what_goes_wrong_is_counted() -> None:
    ledger, spread = Ledger(), Spread()
    portal = Portal(ledger, spread)
    numbers = ledger.reserve(3)
    for number in numbers:
        ledger.send(number)

    def invite(number: int, user: int) -> None:
        origin = spread.origin(number)
        params = {"USER_ID": FIRST_PERSON + number, "CHAT_ID": origin.chat, "auth": token(user)}
        portal.answer(f"/0/rest/{ADD}", json.dumps(params).encode())

    for _ in range(2):
        invite(0, spread.origin(0).requester)
    invite(1, spread.origin(2).requester)
    ledger.ack(2, 503)
    ledger.check(numbers)

    assert ledger.wrong == {
        "done twice": 1,
        "done with a token that is not the requester's": 1,
        "webhook answered 503": 1,
        "never done": 2,
        "never answered": 3,
    }
