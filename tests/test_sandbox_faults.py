"""What goes wrong when it is told to, and only then."""

import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout
from test_sandbox import Desk, bot_desk

ADD = "imopenlines.crm.chat.user.add"
DEAL = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": 12, "CHAT_ID": 8773}
BUSY = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}


async def whose(desk: Desk, token: str) -> str | None:
    """Whose token it is, by `profile` alone and in a batch; None: the portal does not know it."""
    status, alone = await desk.rest("profile", token)
    _, batch = await desk.rest("batch", token, cmd={"who": "profile"})
    if status != 200:
        assert (status, alone["error"], batch["error"]) == (401, *["NO_AUTH_FOUND"] * 2)
        return None
    assert batch["result"]["result"]["who"] == alone["result"]
    return str(alone["result"]["ID"])


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def test_a_method_is_refused_so_many_times(desk: Desk) -> None:
    await desk.fault(method=ADD, times=2, error=BUSY)
    token = await desk.token(7)

    answers = [(await desk.rest(ADD, token, **DEAL))[0] for _ in range(3)]

    assert answers == [503, 503, 200]
    assert [c["error"] for c in await desk.look("calls")][-3:] == [BUSY["code"]] * 2 + [None]


async def test_only_one_user_s_calls_are_refused(desk: Desk) -> None:
    await desk.fault(method="*", times=None, user_id=7, error=BUSY)
    token = await desk.token(7)

    assert (await desk.rest("profile", token))[0] == 503
    assert (await desk.rest("scope", token))[0] == 503
    assert (await desk.rest("profile", desk.app_token))[0] == 200


async def test_commands_of_a_batch_are_refused_alone(desk: Desk) -> None:
    await desk.fault(method=ADD, error={"status": 403, "code": "ACCESS_DENIED"})
    query = "&".join(f"{key}={value}" for key, value in DEAL.items())

    answer = await desk.ask("batch", await desk.token(7), cmd=[f"{ADD}?{query}", f"{ADD}?{query}"])

    assert answer["result_error"][0]["error"] == "ACCESS_DENIED"
    assert answer["result"] == {"1": 8773}


async def test_the_batch_itself_is_refused(desk: Desk) -> None:
    await desk.fault(method="batch", error=BUSY)

    assert (await desk.rest("batch", desk.app_token, cmd=["profile"]))[0] == 503
    assert (await desk.rest("batch", desk.app_token, cmd=["profile"]))[0] == 200


async def test_the_operation_limit_says_when_it_ends(desk: Desk) -> None:
    error = {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 5}
    await desk.fault(method="profile", error=error)

    status, body = await desk.rest("profile", desk.app_token)

    assert status == 429
    assert "operating_reset_in" not in body
    now = desk.portal.state.clock.now()
    assert now < body["time"]["operating_reset_at"] <= now + 6


@pytest.mark.parametrize(("when", "acted"), [("before", False), ("after", True)])
async def test_the_connection_ends(desk: Desk, when: str, acted: bool) -> None:
    token = await desk.token(7)
    await desk.fault(method=ADD, drop=when)

    with pytest.raises(ClientError):
        await desk.rest(ADD, token, **DEAL)

    assert (12 in (await desk.look("chats/8773"))["members"]) is acted
    call = (await desk.look("calls"))[-1]
    assert (call["status"], call["fault"]) == (None, "drop")
    assert (await desk.rest(ADD, token, **DEAL))[0] == 200


async def test_the_connection_of_a_batch_ends_for_a_command_in_it(desk: Desk) -> None:
    await desk.fault(method="PROFILE", drop="before")

    with pytest.raises(ClientError):
        await desk.rest("batch", desk.app_token, cmd={"me": "profile"})


async def test_an_answer_is_cut_short(desk: Desk) -> None:
    await desk.fault(method="profile", truncate=True)

    with pytest.raises(ClientError):
        await desk.rest("profile", desk.app_token)


@pytest.mark.parametrize("kind", ["endless", "drip"])
async def test_an_answer_never_ends(desk: Desk, kind: str) -> None:
    await desk.fault(method="profile", answer=kind)

    async with desk.http.get(f"{desk.portal.url}/rest/profile") as response:
        begun = await response.content.readexactly(20)

    assert begun == b'{"result":"xxxxxxxxx'
    assert (await desk.rest("profile", desk.app_token))[0] == 200


async def test_an_answer_is_packed_whether_asked_for_or_not(desk: Desk) -> None:
    await desk.fault(method="profile", answer="bomb")
    plain = {"Accept-Encoding": "identity"}

    async with (
        ClientSession(auto_decompress=False) as session,
        session.get(f"{desk.portal.url}/rest/profile", headers=plain) as response,
    ):
        packed = await response.read()

    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 4 * 2**20
    assert zlib.decompressobj(wbits=31).decompress(packed, 100)[:12] == b'{"result":"x'


async def test_a_refusal_quotes_the_token_and_any_moment(desk: Desk) -> None:
    error = {"status": 429, "code": "OPERATION_TIME_LIMIT", "description": "of {auth}",
             "operating_reset_at": "abc"}  # fmt: skip
    await desk.fault(method="profile", error=error)

    _, body = await desk.rest("profile", desk.app_token)

    assert body["error_description"] == f"of {desk.app_token}"
    assert body["time"]["operating_reset_at"] == "abc"


async def test_an_answer_is_a_page_or_a_redirect(desk: Desk) -> None:
    url = f"{desk.portal.url}/rest/profile?x=1"
    await desk.fault(method="profile", html=502)
    async with desk.http.get(url) as response:
        assert (response.status, response.content_type) == (502, "text/html")

    await desk.fault(method="profile", redirect="http://127.0.0.1:9")
    async with desk.http.get(url, allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == "http://127.0.0.1:9/rest/profile?x=1"


async def test_an_answer_is_late_and_the_deed_is_done(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.fault(method=ADD, delay=0.2)
    url = f"{desk.portal.url}/rest/{ADD}"

    with pytest.raises(TimeoutError):
        await desk.http.post(url, json={**DEAL, "auth": token}, timeout=ClientTimeout(total=0.05))

    await desk.until("chats/8773", lambda chat: 12 in chat["members"])


@pytest.mark.parametrize(
    ("tokens", "user", "refresh"),
    [("normal", "7", True), ("none", None, False), ("foreign", "15", True),
     ("no_user_id", None, True), ("no_refresh", "7", False)],
)  # fmt: skip
async def test_the_tokens_of_events(
    desk: Desk, tokens: str, user: str | None, refresh: bool
) -> None:
    await desk.fault(events={"tokens": tokens, "foreign_user_id": 15})
    await desk.say("/invite x")

    event = await desk.event()

    auth = event["auth"]
    assert (auth.get("user_id"), "refresh_token" in auth) == (user, refresh)
    assert ("access_token" in auth) is (tokens != "none")
    assert auth["application_token"] == desk.portal.state.app.application_token
    assert event["data"]["bot"]["auth"]["access_token"]


@pytest.mark.parametrize(
    ("tokens", "owner"), [("normal", "7"), ("mislabelled", "15"), ("forged", None)]
)
async def test_whose_the_tokens_at_the_top_really_are(
    desk: Desk, tokens: str, owner: str | None
) -> None:
    await desk.fault(events={"tokens": tokens, "foreign_user_id": 15})
    await desk.say("/invite x")

    auth = (await desk.event())["auth"]

    assert (auth["user_id"], bool(auth["refresh_token"])) == ("7", True)
    assert await whose(desk, auth["access_token"]) == owner


@pytest.mark.parametrize(
    ("bot_auth", "owner"), [("normal", "456"), ("foreign", "15"), ("forged", None)]
)
async def test_whose_the_bot_s_tokens_really_are(
    desk: Desk, bot_auth: str, owner: str | None
) -> None:
    await desk.fault(events={"bot_auth": bot_auth, "foreign_user_id": 15})
    await desk.say("/invite x")

    bot = (await desk.event())["data"]["bot"]

    assert (bot["id"], bot["auth"]["user_id"]) == ("456", "456")
    assert bot["auth"]["client_id"] == desk.portal.state.app.client_id
    assert await whose(desk, bot["auth"]["access_token"]) == owner


async def test_the_bot_s_tokens_can_be_missing(desk: Desk) -> None:
    await desk.fault(events={"bot_auth": "none"})
    await desk.say("/invite x")

    event = await desk.event()

    assert event["data"]["bot"] == {"id": "456", "code": "helper"}
    assert event["auth"]["access_token"]


async def test_a_customer_s_hit_may_carry_an_employee_s_token(desk: Desk) -> None:
    await desk.add_command("open", extranetSupport=True)
    await desk.fault(events={"tokens": "foreign"})
    await desk.say("/open", user=599)

    event = await desk.event()

    assert (event["auth"]["user_id"], event["data"]["user"]["id"]) == ("15", "599")


async def test_events_come_twice_or_not_at_all(desk: Desk) -> None:
    await desk.fault(events={"copies": 2})
    await desk.say("/invite x")
    first, second = await desk.heard.get(), await desk.heard.get()
    assert first[0] == second[0]

    await desk.fault(events={"copies": 0})
    await desk.say("/invite x")
    assert len(await desk.sent()) == 2


async def test_fields_are_missing_and_tokens_wrong(desk: Desk) -> None:
    await desk.fault(events={"without": ["entityData2", "member_id"], "application_token": "no"})
    await desk.say("/invite x")

    event = await desk.event()

    assert "entityData2" not in event["data"]["chat"]
    assert "member_id" not in event["auth"]
    assert event["auth"]["application_token"] == "no"

    await desk.fault(clear=True)
    await desk.say("/invite x")
    event = await desk.event()
    assert event["auth"]["member_id"]
    assert event["data"]["chat"]["entityData2"]


async def test_a_failing_handler_is_never_asked_again(desk: Desk) -> None:
    desk.answer_with = 500
    await desk.say("/invite 1")
    await desk.event()
    desk.answer_with = 200
    await desk.say("/invite 2")

    assert (await desk.event())["data"]["command"]["params"] == "2"
    rows = await desk.until("deliveries", lambda rows: rows[1]["status"] is not None)
    assert [row["status"] for row in rows] == [500, 200]


async def test_a_slow_handler_does_not_hold_up_who_types(desk: Desk) -> None:
    desk.gate.clear()
    await desk.say("/invite 1")
    await desk.say("/invite 2")
    assert [row["status"] for row in await desk.look("deliveries")] == [None, None]

    desk.gate.set()

    params = [(await desk.event())["data"]["command"]["params"] for _ in range(2)]
    assert params == ["1", "2"]


async def test_an_event_may_have_happened_long_ago(desk: Desk) -> None:
    now = desk.portal.state.clock.now()
    await desk.fault(events={"late": 660})
    await desk.say("/invite x")
    assert int(now) - 660 <= int((await desk.event())["ts"]) <= now - 655

    await desk.fault(events={"late": 0})
    await desk.say("/invite x")
    assert int((await desk.event())["ts"]) >= int(now)


async def test_events_can_be_late(desk: Desk) -> None:
    await desk.fault(events={"delay": 0.05})
    await desk.say("/invite x")

    assert (await desk.event())["data"]["command"]["params"] == "x"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"user_id": 7},
        {"method": "profile"},
        {"method": "profile", "drop": "never"},
        {"method": "profile", "delay": -1},
        {"method": "profile", "delay": "x"},
        {"method": "profile", "html": 9},
        {"method": "profile", "truncate": False},
        {"method": "profile", "answer": "long"},
        {"method": "profile", "redirect": "x"},
        {"method": "profile", "redirect": "http://x\r\nA: b"},
        {"method": "profile", "error": {"status": 200, "code": "X"}},
        {"method": "profile", "error": {"code": "X"}},
        {"method": "profile", "error": "X"},
        {"method": "profile", "error": BUSY, "delay": 1},
        {"method": "profile", "error": BUSY, "times": 0},
        {"method": "", "error": BUSY},
        {"tokens": "lost"},
        {"tokens": "disowned", "code": "expired_token"},
        {"member_id": ""},
        {"events": {"bot_auth": "odd"}},
        {"events": {"tokens": "odd"}},
        {"events": {"copies": 1000}},
        {"events": {"late": -1}},
        {"events": {"reversed": 1}},
        {"events": {"without_chat": "odd"}},
        {"events": {"without": "x"}},
        {"events": {"without": [1]}},
        {"bucket": {"size": 1}},
        {"oauth": "ajar"},
        {"user": {}},
        {"user": {"id": 7, "crm": "no"}},
        {"chat": {"id": 55, "status": 40}},
        {"scopes": "im"},
        {"clock": -5},
        {"clear": False},
        {"tokens": "expired", "clock": 5},
    ],
)
async def test_wrong_faults_are_refused(desk: Desk, asked: dict[str, Any]) -> None:
    status, body = await desk.control("faults", **asked)

    assert status == 400
    assert body["error"]


async def test_faults_of_nobody_are_not_found(desk: Desk) -> None:
    assert (await desk.control("faults", user={"id": 999, "crm": False}))[0] == 404
    assert (await desk.control("faults", chat={"id": 999, "silent": True}))[0] == 404
