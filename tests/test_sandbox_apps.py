"""Two apps on one portal: each has its own tokens, bots and events."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk

OTHER = {"client_id": "local.other", "client_secret": "other-secret"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def other_token(desk: Desk) -> str:
    """Install the second app beside the first; the token of its installation."""
    pages = {name: f"{desk.origin}/other/{name}" for name in ("handler", "app", "redirect")}
    assert await desk.control("install", **OTHER, **pages) == (200, {"status": 200})
    event = await desk.event("ONAPPINSTALL")
    assert event["auth"]["application_token"] != desk.portal.state.app.application_token
    return str(event["auth"]["access_token"])


async def other_bot(desk: Desk, token: str, code: str = "helper-2") -> dict[str, Any]:
    fields = {
        "code": code, "isSupportOpenline": True, "eventMode": "webhook",
        "webhookUrl": f"{desk.origin}/other/events", "properties": {"name": "Второй"},
    }  # fmt: skip
    answer = await desk.ask("imbot.v2.Bot.register", token, fields=fields)
    bot: dict[str, Any] = answer["bot"]
    command = {"command": "invite", "title": {"ru": "x"}, "common": True}
    await desk.ask("imbot.v2.Command.register", token, botId=bot["id"], fields=command)
    return bot


async def test_a_token_is_one_app_s(desk: Desk) -> None:
    token = await other_token(desk)
    await desk.fault(scopes=["imbot"], client_id="local.other")

    assert (await desk.ask("app.info", token))["CODE"] == "local.other"
    assert (await desk.ask("app.info"))["CODE"] == "local.switchboard"
    assert await desk.ask("scope", token) == ["imbot"]
    assert "im" in await desk.ask("scope")
    assert (await desk.refusal("im.user.get", token))[1] == "insufficient_scope"
    assert [call["app"] for call in await desk.look("calls")][-2:] == [
        "local.switchboard", "local.other",
    ]  # fmt: skip


async def test_a_code_is_one_bot_s_on_the_whole_portal(desk: Desk) -> None:
    token = await other_token(desk)
    asked = {"code": "helper", "properties": {"name": "X"}}

    refused = await desk.refusal("imbot.v2.Bot.register", token, fields=asked)

    assert refused[:2] == (400, "BOT_CODE_ALREADY_TAKEN")
    assert (await other_bot(desk, token))["id"] == 457


async def test_a_bot_is_its_own_app_s(desk: Desk) -> None:
    token = await other_token(desk)
    await other_bot(desk, token)

    for method in ("imbot.v2.Bot.update", "imbot.v2.Command.list", "imbot.v2.Bot.unregister"):
        refused = await desk.refusal(method, token, botId=456)
        assert refused[:2] == (403, "BOT_OWNERSHIP_ERROR"), method
    assert [bot["id"] for bot in (await desk.ask("imbot.v2.Bot.list", token))["bots"]] == [457]
    shown = (await desk.ask("imbot.v2.Bot.get", token, botId=456))["bot"]
    assert (shown["code"], "eventMode" in shown) == ("helper", False)


async def test_both_bots_hear_a_command_each_with_its_app_s_tokens(desk: Desk) -> None:
    await other_bot(desk, await other_token(desk))

    await desk.say("/invite x")

    events = [await desk.event("ONIMBOTV2COMMANDADD") for _ in range(2)]
    assert [event["data"]["bot"]["id"] for event in events] == ["456", "457"]
    tokens = {event["auth"]["application_token"] for event in events}
    assert tokens == {app.application_token for app in desk.portal.state.apps.values()}
    for event, client in zip(events, ("local.switchboard", "local.other"), strict=True):
        for block in (event["auth"], event["data"]["bot"]["auth"]):
            assert (await desk.ask("app.info", block["access_token"]))["CODE"] == client
    assert events[1]["auth"]["member_id"] == events[0]["auth"]["member_id"]


async def test_an_app_renews_its_own_pairs_only(desk: Desk) -> None:
    await other_token(desk)
    _, page = await desk.control("open", user_id=7, client_id="local.other")
    assert page["url"].startswith(f"{desk.origin}/other/app?")
    asked = {"grant_type": "refresh_token", "refresh_token": page["fields"]["REFRESH_ID"]}
    first = {"client_id": "local.switchboard", "client_secret": "sandbox-secret"}
    url = f"{desk.portal.oauth_url}/oauth/token/"

    answers = []
    for app in (first, {**OTHER, "client_secret": "sandbox-secret"}, OTHER):
        async with desk.http.get(url, params={**asked, **app}) as response:
            answers.append(await response.json())

    assert [answer.get("error") for answer in answers] == ["invalid_grant", "invalid_client", None]
    assert answers[2]["user_id"] == 7


async def test_the_authorization_page_leads_back_to_the_app_that_asked(desk: Desk) -> None:
    await other_token(desk)
    url = f"{desk.portal.url}/oauth/authorize/?client_id=local.other"

    async with desk.http.get(url, allow_redirects=False) as response:
        assert response.headers["Location"].startswith(f"{desk.origin}/other/redirect?")


async def test_removing_one_app_leaves_the_other(desk: Desk) -> None:
    token = await other_token(desk)
    await other_bot(desk, token)

    await desk.control("uninstall", client_id="local.other")

    assert (await desk.refusal("profile", token))[1] == "NO_AUTH_FOUND"
    assert [bot["id"] for bot in (await desk.ask("imbot.v2.Bot.list"))["bots"]] == [456]


async def test_apps_that_cannot_be_added_or_asked_for(desk: Desk) -> None:
    again = {"client_id": "local.switchboard", "client_secret": "x", "handler": desk.origin}

    assert (await desk.control("install", **again))[0] == 409
    assert (await desk.control("install", client_secret="x", handler=desk.origin))[0] == 400
    assert (await desk.control("install", client_id="no", handler=desk.origin))[0] == 404
    assert (await desk.control("uninstall", client_id="no"))[0] == 404
    assert (await desk.control("open", user_id=7, client_id="no"))[0] == 404
