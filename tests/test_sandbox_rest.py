"""The REST transport: parameters, tokens, scopes, the bucket, pages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def fetch(desk: Desk, method: str, path: str, **options: Any) -> tuple[int, Any]:
    async with desk.http.request(method, f"{desk.portal.url}/rest/{path}", **options) as response:
        return response.status, await response.json()


async def test_parameters_come_by_query_form_or_json(desk: Desk) -> None:
    token = desk.app_token
    asked = [
        await fetch(desk, "GET", f"im.user.get.json?ID=12&auth={token}"),
        await fetch(desk, "POST", "im.user.get", data={"ID": "12", "auth": token}),
        await fetch(desk, "POST", "im.user.get", json={"ID": 12, "access_token": token}),
        await fetch(desk, "POST", f"im.user.get?auth={token}&ID=7", json={"ID": "12"}),
        await fetch(desk, "POST", f"IM.User.GET?auth={token}", data="id=12"),
    ]

    for status, body in asked:
        assert status == 200
        assert (body["result"]["id"], body["result"]["name"]) == (12, "Иван Петров")


async def test_the_answer_has_its_times(desk: Desk) -> None:
    _, body = await desk.rest("profile", desk.app_token)

    assert body["time"].keys() >= {"start", "finish", "duration", "processing", "operating"}
    assert isinstance(body["time"]["operating_reset_at"], int)


async def test_refuses_as_documented(desk: Desk) -> None:
    assert await desk.refusal("no.such.method") == (
        404, "ERROR_METHOD_NOT_FOUND", "Method not found!",
    )  # fmt: skip
    assert (await desk.rest("profile", "nonsense"))[0] == 401
    assert (await desk.rest("profile"))[1]["error"] == "NO_AUTH_FOUND"


async def test_an_expired_token_is_told_from_an_unknown_one(desk: Desk) -> None:
    await desk.fault(clock=3601)

    status, code, text = await desk.refusal("profile")

    assert (status, code) == (401, "expired_token")
    assert text == "The access token provided has expired"


async def test_scopes_are_checked_by_method(desk: Desk) -> None:
    await desk.fault(scopes=["imbot"])

    assert (await desk.refusal("im.user.get"))[:2] == (403, "insufficient_scope")
    assert await desk.ask("scope") == ["imbot"]
    assert (await desk.ask("profile"))["ID"] == "1"
    methods = await desk.ask("methods")
    assert "imbot.v2.Command.answer" in methods
    assert "im.user.get" not in methods
    assert await desk.ask("method.get", name="im.user.get") == {
        "isExisting": True, "isAvailable": False,
    }  # fmt: skip
    assert await desk.ask("method.get", name="batch") == {"isExisting": True, "isAvailable": True}
    assert await desk.ask("method.get") == {"isExisting": False, "isAvailable": False}


async def test_people_may_be_shut_out(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.fault(user={"id": 7, "app_access": False})
    assert (await desk.refusal("profile", token))[:2] == (403, "user_access_error")

    await desk.fault(user={"id": 7, "app_access": True, "active": False})
    assert (await desk.refusal("scope", token))[:2] == (401, "authorization_error")


async def test_the_bucket_runs_over_and_leaks(desk: Desk) -> None:
    await desk.fault(bucket={"size": 2, "rate": 0.5})
    statuses = [(await desk.rest("profile", desk.app_token))[0] for _ in range(3)]
    assert statuses == [200, 200, 503]
    assert (await desk.refusal("no.such.method"))[:2] == (503, "QUERY_LIMIT_EXCEEDED")

    await desk.fault(clock=2)

    assert (await desk.rest("batch", desk.app_token, cmd=["profile", "profile"]))[0] == 200
    assert (await desk.rest("profile", desk.app_token))[0] == 503


async def test_lists_come_in_pages_of_fifty(desk: Desk) -> None:
    for number in range(60):
        user = type(desk.portal.state.users[7])(2000 + number, f"Сотрудник{number}")
        desk.portal.state.users[user.id] = user

    _, first = await desk.rest("user.get", desk.app_token, FILTER={"%NAME": "сотрудник"})
    _, second = await desk.rest(
        "user.get", desk.app_token, FILTER={"%NAME": "сотрудник"}, start=first["next"]
    )

    assert (len(first["result"]), first["total"], first["next"]) == (50, 60, 50)
    assert (len(second["result"]), second["total"]) == (10, 60)
    assert "next" not in second


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"a":' * 100_000, "application/json"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"a=1&a[b]=2", "application/x-www-form-urlencoded"),
        (b"{}", "application/json; charset=no-such"),
    ],
)
async def test_malformed_bodies_are_refused(desk: Desk, body: bytes, kind: str) -> None:
    status, answer = await fetch(desk, "POST", "profile", data=body, headers={"Content-Type": kind})

    assert (status, answer["error"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "value", [None, True, [], {}, [[1]], {"a": {}}, "x" * 5000, -1, 1e300, "\ud800"]
)
async def test_odd_values_never_break_a_method(desk: Desk, value: Any) -> None:
    names = ("botId", "CHAT_ID", "ID", "USER_ID", "CRM_ENTITY", "CRM_ENTITY_TYPE", "MESSAGE",
             "fields", "FILTER", "FIND", "DIALOG_ID", "entityTypeId", "id", "event", "handler",
             "PARAMS", "OPTIONS", "GROUP_ID", "cmd", "start", "commandId", "messageId", "dialogId",
             "PLACEMENT", "HANDLER", "filter", "name", "offset", "limit", "select")  # fmt: skip
    for method in await desk.ask("methods"):
        if method == "imbot.v2.Bot.unregister":
            continue
        status, body = await desk.rest(method, desk.app_token, **dict.fromkeys(names, value))
        assert status in {200, 400, 403}, (method, body)
        fitting = {**dict.fromkeys(names, value), "botId": 456, "CHAT_ID": 8773, "id": 288,
                   "CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "GROUP_ID": 15,
                   "entityTypeId": 2, "dialogId": "7"}  # fmt: skip
        status, body = await desk.rest(method, desk.app_token, **fitting)
        assert status in {200, 400, 403}, (method, body)


async def test_calls_are_listed_without_their_tokens(desk: Desk) -> None:
    await desk.ask("im.user.get", ID=12)
    await desk.rest("batch", desk.app_token, cmd={"me": f"profile?auth={desk.app_token}"})
    await desk.refusal("no.such.method")

    calls = await desk.look("calls")

    rows = [
        (c["method"], c["user_id"], c["auth"], c["status"], c["error"], c["batch"]) for c in calls
    ]
    assert rows[-4:] == [
        ("im.user.get", 1, "app", 200, None, False),
        ("batch", 1, "app", 200, None, False),
        ("profile", 1, "app", 200, None, True),
        ("no.such.method", 1, "app", 404, "ERROR_METHOD_NOT_FOUND", False),
    ]
    assert calls[-4]["params"] == {"ID": 12}
    assert desk.app_token not in str(calls)
