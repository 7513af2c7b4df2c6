"""The app's pages in frames: opened as the portal opens them, the installation finished by one."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from test_sandbox import Desk, bot_desk, desk_open


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_open() as desk:
        yield desk


async def opened(desk: Desk, **more: Any) -> tuple[str, dict[str, str]]:
    """The frame's APP_SID and the fields of an install page."""
    status, page = await desk.control(
        "open", user_id=1, which="install", handler=f"{desk.origin}/install", **more
    )
    assert status == 200, page
    query = parse_qs(urlsplit(page["url"]).query)
    assert page["name"].split("|") == [query["DOMAIN"][0], "0", query["APP_SID"][0]]
    return query["APP_SID"][0], page["fields"]


async def test_an_install_page_gets_tokens_before_the_app_is_installed(desk: Desk) -> None:
    _, fields = await opened(desk)

    assert (await desk.ask("app.info", fields["AUTH_ID"]))["INSTALLED"] is False
    asked = {"grant_type": "refresh_token", "refresh_token": fields["REFRESH_ID"],
             "client_id": "local.switchboard", "client_secret": "sandbox-secret"}  # fmt: skip
    async with desk.http.get(f"{desk.portal.oauth_url}/oauth/token/", params=asked) as response:
        assert (await response.json())["user_id"] == 1


async def test_no_event_comes_before_the_installation_is_finished(desk: Desk) -> None:
    app_sid, fields = await opened(desk)
    desk.app_token = fields["AUTH_ID"]
    await desk.add_bot()
    await desk.whisper("early")

    assert await desk.control("finish", app_sid=app_sid) == (200, {"ok": True})

    await desk.whisper("late")
    assert (await desk.event())["data"]["message"]["text"] == "late"
    assert (await desk.ask("app.info"))["INSTALLED"] is True


async def test_only_an_open_install_page_finishes(desk: Desk) -> None:
    app_sid, _ = await opened(desk)

    assert (await desk.control("finish", app_sid="0" * 32))[0] == 409
    assert (await desk.control("finish", app_sid=app_sid))[0] == 200
    assert (await desk.control("finish", app_sid=app_sid))[0] == 409


async def test_only_administrators_see_the_install_page(desk: Desk) -> None:
    refused = await desk.control(
        "open", user_id=7, which="install", handler=f"{desk.origin}/install"
    )
    assert refused[0] == 403
    assert (await desk.control("open", user_id=1, which="install"))[0] == 400
    assert (await desk.control("open", user_id=1, which="else"))[0] == 400


async def test_a_page_is_opened_in_the_visitor_s_language() -> None:
    async with bot_desk() as desk:
        _, page = await desk.control("open", user_id=15, language="en")

        assert parse_qs(urlsplit(page["url"]).query)["LANG"] == ["en"]
        assert (await desk.control("open", user_id=15, language="x" * 11))[0] == 400


async def test_older_portals_post_less_to_a_page(desk: Desk) -> None:
    await desk.fault(page={"without": ["APPLICATION_TOKEN", "SERVER_ENDPOINT"]})

    _, fields = await opened(desk)

    assert not {"APPLICATION_TOKEN", "SERVER_ENDPOINT"} & fields.keys()
    assert (await desk.ask("profile", fields["AUTH_ID"]))["ID"] == "1"
    await desk.fault(clear=True)
    assert "APPLICATION_TOKEN" in (await opened(desk))[1]


async def test_the_script_is_served_where_bitrix24_has_it(desk: Desk) -> None:
    async with desk.http.get(f"{desk.portal.url}/api/v1/") as response:
        assert response.status == 200
        assert response.content_type == "text/javascript"
        assert "installFinish" in await response.text()
