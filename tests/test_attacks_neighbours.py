"""What people of one tenant do to the other tenants of a bot, and to their own colleagues.

Whatever it is, it costs them and not the others.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import hdrs
from app_page import address, opened, session_of
from attacking import TYPED, change, forged, own, put
from hostile import FORM, request
from settings_form import form, settings
from stage import ADMIN, ANNA, IVAN, OLGA, ON_SQLITE, Stage

from bot.web import journal_page

# Seconds of the processor that one form may take, far more than any needs.
ENOUGH = 1.5

ENTRIES = """
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most)
    INSERT INTO journal
    (command_id, step, member_id, requester_id, chat, command, method, person_id, params, begun_at)
    SELECT 1000 + x, 0, :portal, 7, printf('%064d', x), 'group', printf('%0100d', x), 0, :told, :now
    FROM n"""
COMMANDS = """
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most)
    INSERT INTO inbox (identity, member_id, requester_id, lane, message_id, line, event,
    received_at, attempts, done_at)
    SELECT printf('%064d', x), :portal, 9, 'chat1', x, 0, :told, :now, 0, :now FROM n"""
INVITED = {"USER_ID": [1, 2, 3]}
SAID = {"message": {"text": "щ" * 1_500}}


@ON_SQLITE
async def test_a_form_that_names_tens_of_thousands_on_duty(stage: Stage) -> None:
    filled = await form(stage)
    was = {**json.loads(filled["was"]), "duty": list(range(100_000, 190_000))}
    duty = {f"duty[{number}]": str(900_000 + number) for number in range(3_000)}
    body = BytesIO(urlencode({**filled, **duty, "was": json.dumps(was)}).encode())
    began = time.process_time()

    async with stage.session.post(
        address(stage), data=body, headers={hdrs.CONTENT_TYPE: FORM}
    ) as response:
        assert response.status == 200

    assert time.process_time() - began < ENOUGH
    assert not settings(stage).duty


@ON_SQLITE
async def test_who_downloads_and_does_not_read_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Each holds a connection, and there are only so many for all portals."""
    monkeypatch.setattr(journal_page, "PATIENCE", 0.3)
    fill(stage, ENTRIES, 30_000, INVITED)
    _, page = await opened(stage, ADMIN)
    body = urlencode({"session": session_of(page), "view": "csv"}).encode()

    with _slow_reader() as reader:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(reader, ("127.0.0.1", stage.settings.port))
        await loop.sock_sendall(reader, request(body, "/bitrix24/app"))

        async def is_given_up() -> bool:
            return "a journal is not sent to its end" in caplog.text

        await stage.until(is_given_up)
        # What was under way comes, and no more.
        got = b""
        while piece := await loop.sock_recv(reader, 1_000_000):
            got += piece
    assert 0 < got.count(b";/group;") < 30_000


def fill(stage: Stage, statement: str, most: int, told: dict[str, Any]) -> None:
    """Put so many rows of this portal into a table."""
    values = {"portal": stage.portal.state.settings.member_id, "told": json.dumps(told)}
    change(stage, statement, most=most, now=time.time(), **values)


@contextmanager
def _slow_reader() -> Iterator[socket.socket]:
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.setblocking(False)
        yield reader


@ON_SQLITE
async def test_updates_that_never_were_keep_no_operator_waiting(stage: Stage) -> None:
    """Each brings tokens that somebody has to be asked about, and Olga types for the first time."""
    portal = stage.portal.state.settings
    for number in range(300):
        await put(
            stage,
            {
                "event": "ONAPPUPDATE",
                "auth[member_id]": portal.member_id,
                "auth[application_token]": stage.portal.state.app.application_token,
                "auth[access_token]": f"1{number}" * 20,
                "auth[refresh_token]": f"2{number}" * 20,
            },
        )
    before = len(await stage.requests())

    await stage.type(TYPED)
    await stage.joined(IVAN)

    assert len(await stage.requests()) - before <= 20


@ON_SQLITE
async def test_erasing_people_again_and_again_loses_no_event(stage: Stage) -> None:
    """The portal's inbox is large, and each time all of it has to be looked through."""
    event = forged(stage, TYPED, user=OLGA)
    fill(stage, COMMANDS, 25_000, SAID)
    fill(stage, ENTRIES, 25_000, INVITED)
    await stage.faults(bucket={"size": 1_000, "rate": 1_000})
    _, page = await opened(stage, ADMIN)

    async def erases(person: int) -> int:
        fields = {"session": session_of(page), "view": "erase", "sure": "1", "person": str(person)}
        async with stage.session.post(address(stage), data=fields) as response:
            return response.status

    erasing = [asyncio.create_task(erases(700 + number)) for number in range(25)]
    await asyncio.wait(erasing, return_when=asyncio.FIRST_COMPLETED)
    for number in range(5):
        there = {"data[message][id]": str(number + 1), "data[chat][dialogId]": f"chat{number + 1}"}
        await put(stage, {**event, **there, **own(stage, ANNA, said=OLGA)})
        await asyncio.sleep(0.1)

    assert {one.result() for one in erasing if one.done()} == {200}
    for one in erasing:
        one.cancel()
    await asyncio.gather(*erasing, return_exceptions=True)


@ON_SQLITE
async def test_visits_of_nobody_keep_no_operator_waiting(stage: Stage) -> None:
    """Whoever knows the portal's member id posts them, and the portal is asked about each."""
    url = f"{stage.settings.public_url}/bitrix24/app"
    known = {"member_id": stage.portal.state.settings.member_id, "REFRESH_ID": "x" * 70}

    async def visits(number: int) -> int:
        async with stage.session.post(url, data={**known, "AUTH_ID": f"{number:070}"}) as response:
            return response.status

    before = len(await stage.requests())
    visiting = [asyncio.create_task(visits(number)) for number in range(90)]

    async def are_as_many_as_go_at_once() -> bool:
        return len(await stage.requests()) >= before + 45

    await stage.until(are_as_many_as_go_at_once)
    before = len(await stage.requests())

    await stage.type(TYPED)
    await stage.joined(IVAN)

    # Two at least; of the others one of a few each time.
    assert len(await stage.requests()) - before <= 20
    for one in visiting:
        one.cancel()
    await asyncio.gather(*visiting, return_exceptions=True)


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "event"), [("install", "ONAPPINSTALL"), ("events", "ONAPPUPDATE")]
)
async def test_false_proofs_at_once_are_no_more_than_one_after_the_other(
    stage: Stage, path: str, event: str
) -> None:
    """The authorization server, which serves all, has to be asked about each."""
    member_id = stage.portal.state.settings.member_id
    url = f"{stage.settings.public_url}/bitrix24/{path}"
    told = {"event": event, "auth[member_id]": member_id, "auth[application_token]": "x" * 32}
    before = len(await stage.get("refreshes"))

    async def proves(number: int) -> int:
        fields = {**told, "auth[refresh_token]": f"{number:070}"}
        async with stage.session.post(url, data=fields) as response:
            return response.status

    statuses = await asyncio.gather(*(proves(number) for number in range(90)))

    assert set(statuses) == {403, 429}
    assert len(await stage.get("refreshes")) - before <= 40
