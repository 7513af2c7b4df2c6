"""The app on the portal: installed, opened, updated, removed; its handlers and placements."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from test_sandbox import Desk, bot_desk, desk_open


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def test_installation_tells_the_app_its_tokens() -> None:
    async with desk_open(member_id="c" * 32, application_token="APPTOKEN") as desk:
        event = await desk.install()

        auth = event["auth"]
        assert event["data"]["INSTALLED"] == "Y"
        assert (auth["member_id"], auth["application_token"]) == ("c" * 32, "APPTOKEN")
        assert auth["refresh_token"]
        assert auth["domain"] == urlsplit(desk.portal.url).netloc
        assert await desk.ask("user.admin") is True


async def test_installation_answers_with_the_handler_s_status() -> None:
    async with desk_open() as desk:
        desk.answer_with = 403

        assert await desk.control("install", handler=f"{desk.origin}/x", user_id=7) == (
            200, {"status": 403},
        )  # fmt: skip
        assert (await desk.event())["auth"]["user_id"] == "7"


async def test_the_page_is_opened_with_the_visitor_s_tokens(desk: Desk) -> None:
    status, page = await desk.control("open", user_id=15)

    fields, query = page["fields"], parse_qs(urlsplit(page["url"]).query)
    assert status == 200
    assert page["url"].startswith(f"{desk.origin}/app?")
    assert query["DOMAIN"] == [urlsplit(desk.portal.url).netloc]
    assert query["PROTOCOL"] == ["0"]
    assert query["LANG"] == ["ru"]
    assert fields["PLACEMENT"] == "DEFAULT"
    assert fields["APPLICATION_TOKEN"] == desk.portal.state.app.application_token
    assert fields["REFRESH_ID"]
    assert (await desk.ask("profile", fields["AUTH_ID"]))["ID"] == "15"


async def test_a_placement_is_opened_at_its_own_handler(desk: Desk) -> None:
    place = {"PLACEMENT": "IM_TEXTAREA", "HANDLER": f"{desk.origin}/palette", "TITLE": "T",
             "OPTIONS": {"iconName": "fa-bars"}}  # fmt: skip
    assert await desk.ask("placement.bind", **place) is True
    assert (await desk.refusal("placement.bind", **place))[1] == "ERROR_CORE"
    assert (await desk.ask("placement.get"))[0]["placement"] == "IM_TEXTAREA"

    _, page = await desk.control(
        "open", user_id=7, placement="IM_TEXTAREA", options={"dialogId": "chat8773"}
    )

    assert page["url"].startswith(f"{desk.origin}/palette?")
    assert page["fields"]["PLACEMENT_OPTIONS"] == '{"dialogId": "chat8773"}'
    assert await desk.ask("placement.unbind", PLACEMENT="IM_TEXTAREA") == {"count": 1}


async def test_the_places_are_those_of_the_app_s_scopes(desk: Desk) -> None:
    listed = await desk.ask("placement.list")
    assert {"IM_TEXTAREA", "CRM_DEAL_DETAIL_TAB", "CRM_COMPANY_DETAIL_TAB"} <= set(listed)

    await desk.fault(scopes=["placement", "im"])

    assert "CRM_DEAL_DETAIL_TAB" not in await desk.ask("placement.list")


async def test_placements_are_for_administrators(desk: Desk) -> None:
    token = await desk.token(7)
    refused = await desk.refusal("placement.bind", token, PLACEMENT="IM_TEXTAREA")

    assert refused[:2] == (403, "ACCESS_DENIED")


PALETTE = "http://bot.example/palette"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"HANDLER": PALETTE}, "ERROR_ARGUMENT"),
        ({"PLACEMENT": "DEFAULT", "HANDLER": PALETTE}, "ERROR_ARGUMENT"),
        ({"PLACEMENT": "IM_TEXTAREA"}, "ERROR_ARGUMENT"),
        ({"PLACEMENT": "X", "HANDLER": "http://bot/palette"}, "ERROR_WRONG_HANDLER_URL"),
        ({"PLACEMENT": "X", "HANDLER": "ftp://bot.example/"}, "ERROR_UNSUPPORTED_PROTOCOL"),
        ({"PLACEMENT": "X", "HANDLER": PALETTE}, "ERROR_PLACEMENT_NOT_FOUND"),
    ],
)
async def test_places_and_addresses_that_are_refused(
    desk: Desk, asked: dict[str, str], code: str
) -> None:
    """The address is looked at before the place."""
    assert (await desk.refusal("placement.bind", **asked))[:2] == (400, code)


async def test_a_place_needs_its_own_scope(desk: Desk) -> None:
    await desk.fault(scopes=["placement", "im"])

    asked = {"PLACEMENT": "CRM_DEAL_DETAIL_TAB", "HANDLER": PALETTE}
    assert (await desk.refusal("placement.bind", **asked))[1] == "ERROR_PLACEMENT_NOT_FOUND"


@pytest.mark.parametrize(
    ("place", "options", "error"),
    [
        ("IM_TEXTAREA", {}, "EMPTY_ERROR_ICON_NAME"),
        ("IM_SIDEBAR", {"iconName": "f" * 51}, "INVALID_ERROR_ICON_NAME"),
        ("IM_NAVIGATION", {"iconName": "42"}, "INVALID_ERROR_ICON_NAME"),
        ("IM_CONTEXT_MENU", {"extranet": "yes"}, "INVALID_ERROR_EXTRANET"),
        ("IM_CONTEXT_MENU", {"context": "LINES; CHAT"}, "INVALID_ERROR_CONTEXT"),
        ("IM_CONTEXT_MENU", {"role": "user"}, "INVALID_ERROR_ROLE"),
        ("IM_TEXTAREA", {"iconName": "fa-bars", "color": "red"}, "INVALID_ERROR_COLOR"),
        ("IM_TEXTAREA", {"iconName": "fa-bars", "width": "-1"}, "INVALID_ERROR_WIDTH"),
        ("IM_TEXTAREA", {"iconName": "fa-bars", "height": -1}, "INVALID_ERROR_HEIGHT"),
    ],
)
async def test_wrong_options_of_a_place_are_told_with_status_200(
    desk: Desk, place: str, options: dict[str, object], error: str
) -> None:
    asked = {"PLACEMENT": place, "HANDLER": PALETTE, "OPTIONS": options}

    answer = await desk.ask("placement.bind", **asked)

    assert answer["error"] == error
    assert answer["error_description"]
    assert await desk.ask("placement.get") == []


async def test_good_options_and_cards_are_bound(desk: Desk) -> None:
    options = {"iconName": "fa-bars", "context": "CHAT;LINES", "role": "ADMIN", "extranet": "Y",
               "color": "GRAPHITE", "width": 80, "height": 60, "unknown": 1}  # fmt: skip
    titles = {"en": {"TITLE": "Palette"}, "ru": {"TITLE": "Палитра"}}

    for asked in ({"PLACEMENT": "IM_TEXTAREA", "OPTIONS": options, "LANG_ALL": titles},
                  {"PLACEMENT": "CRM_COMPANY_DETAIL_TAB"}):  # fmt: skip
        assert await desk.ask("placement.bind", HANDLER=PALETTE, **asked) is True

    bound = await desk.ask("placement.get")
    assert [one["title"] for one in bound] == ["Палитра", ""]


async def test_handlers_are_bound_and_unbound(desk: Desk) -> None:
    bound = {"event": "OnAppUninstall", "handler": f"{desk.origin}/events"}
    assert await desk.ask("event.bind", **bound) is True
    assert (await desk.refusal("event.bind", **bound))[2] == "Unable to set event handler"
    assert [row["event"] for row in await desk.ask("event.get")] == ["ONAPPUNINSTALL"]
    assert await desk.ask("event.unbind", **bound) == {"count": 1}

    assert (await desk.refusal("event.bind", event="X", handler="http://x"))[1] == (
        "ERROR_EVENT_NOT_FOUND"
    )
    assert (await desk.refusal("event.bind", event="ONAPPTEST"))[1] == "ERROR_ARGUMENT"
    for handler, code in (("http://localhost/x", "ERROR_WRONG_HANDLER_URL"),
                          ("http://bot.example/ x", "ERROR_WRONG_HANDLER_URL"),
                          ("ftp://bot.example/x", "ERROR_UNSUPPORTED_PROTOCOL")):  # fmt: skip
        refused = await desk.refusal("event.bind", event="ONAPPTEST", handler=handler)
        assert refused[:2] == (400, code)
    token = await desk.token(7)
    assert (await desk.refusal("event.bind", token, **bound, auth_type=1))[0] == 403


async def test_uninstalling_ends_tokens_bots_and_handlers(desk: Desk) -> None:
    await desk.ask("event.bind", event="ONAPPUNINSTALL", handler=f"{desk.origin}/events")

    assert await desk.control("uninstall", clean=True) == (200, {"sent": 1})

    event = await desk.event("ONAPPUNINSTALL")
    assert event["data"]["CLEAN"] == "1"
    assert "access_token" not in event["auth"]
    assert event["auth"]["application_token"] == desk.portal.state.app.application_token
    assert (await desk.refusal("profile"))[1] == "NO_AUTH_FOUND"
    await desk.install()
    assert await desk.ask("event.get") == []
    assert (await desk.ask("imbot.v2.Bot.list"))["bots"] == []


async def test_an_update_may_bring_a_new_application_token(desk: Desk) -> None:
    await desk.ask("event.bind", event="ONAPPUPDATE", handler=f"{desk.origin}/events")
    old = desk.portal.state.app.application_token

    await desk.control("update", new_application_token=True)

    event = await desk.event("ONAPPUPDATE")
    assert (event["data"]["VERSION"], event["data"]["PREVIOUS_VERSION"]) == ("2", "1")
    assert event["auth"]["application_token"] not in ("", old)
    assert await desk.ask("event.get") == []


async def test_another_administrator_may_update(desk: Desk) -> None:
    await desk.ask("event.bind", event="ONAPPUPDATE", handler=f"{desk.origin}/events")

    await desk.control("update", user_id=3)

    auth = (await desk.event("ONAPPUPDATE"))["auth"]
    assert auth["user_id"] == "3"
    assert auth["refresh_token"]
    assert (await desk.ask("profile", auth["access_token"]))["ID"] == "3"


@pytest.mark.parametrize("path", ["install", "update", "unregister"])
@pytest.mark.parametrize("user", [33, 18, 456, 599])
async def test_apps_are_managed_by_active_employees(desk: Desk, path: str, user: int) -> None:
    assert (await desk.control(path, handler=desk.origin, user_id=user))[0] == 403


async def test_the_bot_can_be_deleted(desk: Desk) -> None:
    await desk.add_command("invite")
    await desk.say("/invite x")

    assert await desk.control("unregister", user_id=3) == (200, {"bot_id": 456})

    event = await desk.event("ONIMBOTV2DELETE")
    assert (event["data"]["bot"]["id"], event["auth"]["user_id"]) == ("456", "3")
    assert "refresh_token" not in event["auth"]
    for method in ("imbot.v2.Bot.get", "imbot.v2.Command.list", "imbot.v2.Command.answer",
                   "imbot.v2.Chat.Message.send"):  # fmt: skip
        assert (await desk.refusal(method, botId=456))[:2] == (400, "BOT_NOT_FOUND")
    assert await desk.ask("profile", event["data"]["bot"]["auth"]["access_token"]) == []
    await desk.say("/invite y")
    assert (await desk.sent())[-1] == "ONIMBOTV2DELETE"
    assert (await desk.control("unregister"))[0] == 404
