"""Installing on portals of every age: without tokens on pages, on boxes, with mistakes."""

from pathlib import Path

import pytest
from aiohttp import web
from app_page import opened
from app_page import posted as send_form
from installing import event_of, installed, portals, sent
from stage import (
    ADMIN,
    BOT,
    IVAN,
    OLGA,
    ON_SQLITE,
    Stage,
    bot_running,
    settings_for,
)
from test_moving import serving_at

pytestmark = ON_SQLITE

OLDER = ["APPLICATION_TOKEN", "SERVER_ENDPOINT"]
NO_SERVERS = {"bitrix24_oauth_urls": ["http://127.0.0.1:9"]}


async def posted(stage: Stage, **changed: str | None) -> int:
    """Post an event of a command as the portal does, but for what is changed."""
    state = stage.portal.state
    number = next(one.id for one in state.commands.values() if one.name == "who")
    event = {
        "event": "ONIMBOTV2COMMANDADD",
        "data[bot][id]": str(BOT),
        "data[command][id]": str(number),
        "data[command][command]": "/who",
        "data[message][id]": "90000",
        "data[chat][id]": "8773",
        "data[chat][dialogId]": "chat8773",
        "data[user][id]": str(OLGA),
        "auth[member_id]": state.settings.member_id,
        "auth[application_token]": state.settings.application_token,
        **changed,
    }
    url = f"{stage.settings.public_url}/bitrix24/events"
    fields = {key: value for key, value in event.items() if value is not None}
    async with stage.session.post(url, data=fields) as response:
        return response.status


def token_is_known(stage: Stage) -> bool:
    return stage.count("SELECT count(*) FROM portals WHERE application_token_hash != ''") == 1


class TestWithoutAnApplicationToken:
    """Pages of older portals bring neither the application token nor the server's address."""

    @pytest.fixture
    async def older(self, empty_stage: Stage) -> Stage:
        await empty_stage.faults(page={"without": OLDER})
        status, page = await installed(empty_stage)
        assert (status, "Done" in page) == (200, True), page
        assert not token_is_known(empty_stage)
        return empty_stage

    async def test_the_first_proven_event_brings_the_token(self, older: Stage) -> None:
        assert "теперь в этом чате" in await older.say("/invite id12")
        await older.until(lambda: known(older))

        assert await posted(older, **{"auth[application_token]": "made-up"}) == 403
        assert "теперь в этом чате" in await older.say("/invite id15")

    @pytest.mark.parametrize("bots", ["none", "forged", "foreign"])
    async def test_an_event_that_nothing_proves_brings_none(self, older: Stage, bots: str) -> None:
        await older.faults(events={"bot_auth": bots, "application_token": "made-up"})

        assert "теперь в этом чате" in await older.say("/invite id12")
        assert not token_is_known(older)

        await older.faults(clear=True)
        await older.say("/who")
        await older.until(lambda: known(older))
        assert await posted(older, **{"auth[application_token]": "made-up"}) == 403

    async def test_an_event_without_any_token_is_nobodys(self, older: Stage) -> None:
        assert await posted(older, **{"auth[application_token]": None}) == 403
        assert await posted(older, **{"auth[member_id]": "0" * 32}) == 403

    async def test_the_apps_page_opens(self, older: Stage) -> None:
        assert (await opened(older, OLGA))[0] == 200
        await older.faults(page={"without": []})
        assert (await opened(older, OLGA))[0] == 200
        assert not token_is_known(older)

    async def test_an_installation_event_brings_it(self, older: Stage) -> None:
        status, _ = await sent(older, event_of(older, 1, {}))

        assert (status, token_is_known(older)) == (200, True)

    async def test_another_installation_forgets_none(self, older: Stage) -> None:
        await sent(older, event_of(older, 1, {}))

        assert (await installed(older))[0] == 200

        assert token_is_known(older)
        assert await posted(older, **{"auth[application_token]": "made-up"}) == 403


async def known(stage: Stage) -> bool:
    return token_is_known(stage)


@pytest.mark.settings(**NO_SERVERS)
async def test_every_server_is_tried_where_the_page_names_none(
    empty_stage: Stage, tmp_path: Path
) -> None:
    stage = empty_stage
    await stage.faults(page={"without": OLDER})
    servers = ["http://127.0.0.1:9", stage.portal.oauth_url]
    url = stage.settings.database_url.get_secret_value()
    other = settings_for(stage.portal, url, bitrix24_oauth_urls=servers)

    async with bot_running(other):
        status, page = await installed(Stage(stage.portal, other, stage.session))

    assert (status, "Done" in page) == (200, True), page


class TestWhatIsInTheWay:
    """Each hindrance has words of its own, on the page and in the answer to a portal."""

    async def told(self, stage: Stage) -> tuple[str, str]:
        _, page = await installed(stage)
        _, russian = await installed(stage, language="ru")
        _, line = await sent(stage, event_of(stage, 1, {}))
        assert portals(stage) == []
        assert [one for one in russian if "а" <= one <= "я"]
        return page, line

    async def test_the_wrong_secret(self, empty_stage: Stage) -> None:
        empty_stage.portal.state.app.client_secret = "another-secret"

        page, line = await self.told(empty_stage)

        assert "BITRIX24_CLIENT_SECRET is wrong" in page
        assert line == (
            "installation not proven: the authorization server does not take the app's secret\n"
        )

    @pytest.mark.settings(bitrix24_client_id="local.another")
    async def test_the_wrong_id(self, empty_stage: Stage) -> None:
        page, line = await self.told(empty_stage)

        assert "BITRIX24_CLIENT_ID is not the Application ID" in page
        assert line == (
            "installation not proven: the tokens are of another app than that of the app's id\n"
        )

    async def test_an_authorization_server_that_is_away(self, empty_stage: Stage) -> None:
        await empty_stage.faults(oauth="closed")

        page, line = await self.told(empty_stage)

        assert "authorization server does not answer" in page
        assert "the authorization server does not answer, try again" in line

    async def test_a_portal_that_refuses(self, empty_stage: Stage) -> None:
        error = {"status": 403, "code": "ACCESS_DENIED", "description": "REST is for others"}
        await empty_stage.faults(method="user.admin", error=error, times=None)

        page, line = await self.told(empty_stage)

        assert "Your portal refused the bot" in page
        assert "ACCESS_DENIED" in page
        assert line == "installation not proven: the portal says ACCESS_DENIED\n"

    async def test_a_portal_that_does_not_answer(self, empty_stage: Stage) -> None:
        await empty_stage.faults(method="batch", html=502, times=None)

        page, _ = await self.told(empty_stage)

        assert "Your portal does not answer the bot" in page

    async def test_a_portal_that_is_reached_over_http(self, empty_stage: Stage) -> None:
        empty_stage.portal.state.url = "http://portal.company.local"

        page, line = await self.told(empty_stage)

        assert "over https only, inside a company network too" in page
        assert line == "installation not proven: the portal's address is not https\n"


TAB = "✓The tab is added to CRM cards"


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_a_tab_counts_as_added_whose_answer_was_lost(empty_stage: Stage, lost: str) -> None:
    await empty_stage.faults(method="placement.bind", drop=lost)

    _, page = await installed(empty_stage)

    assert len(empty_stage.portal.state.app.placements) == 4
    assert TAB in page


async def test_a_tab_that_the_result_refuses_is_not_called_added(empty_stage: Stage) -> None:
    refused = {"error": "INVALID_ERROR_ROLE", "error_description": "Field ROLE is invalid."}
    await empty_stage.faults(method="placement.bind", result=refused, times=None)

    _, page = await installed(empty_stage)

    assert empty_stage.portal.state.app.placements == []
    assert TAB not in page
    assert "✓Done" in page


async def test_a_box_of_revision_32_has_the_commands(
    empty_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await empty_stage.faults(revision=32)

    assert await empty_stage.install() == 200

    known_there = {one.name: one for one in empty_stage.portal.state.commands.values()}
    assert known_there.keys() >= {"invite", "remove", "escalate", "press"}
    assert known_there["invite"].common
    assert not known_there["help"].common
    assert known_there["press"].hidden
    assert known_there["invite"].title["ru"] == "Позвать коллегу в этот чат"
    assert "теперь в этом чате" in await empty_stage.say("/invite id12")
    assert not await empty_stage.calls("imbot.v2.Revision.get")
    assert "no page names" not in caplog.text
    await empty_stage.whisper("/check")
    await empty_stage.settled()
    assert (await empty_stage.told_privately())[-1].startswith("✔")


async def test_a_box_has_a_path_of_its_own(empty_stage: Stage) -> None:
    stage = empty_stage

    async def forward(request: web.Request) -> web.Response:
        url = f"{stage.portal.url}{request.path_qs.removeprefix('/intranet')}"
        body, headers = await request.read(), {"Content-Type": request.content_type}
        async with stage.session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as told:
            where = {key: told.headers[key] for key in ("Location",) if key in told.headers}
            kind = told.content_type
            return web.Response(
                status=told.status, body=await told.read(), content_type=kind, headers=where
            )

    async with serving_at(forward) as (box, _):
        stage.portal.state.url = f"{box}/intranet"
        assert await stage.install() == 200
        assert portals(stage)[0].client_endpoint == f"{box}/intranet/rest/"
        await stage.faults(events={"tokens": "none"})
        assert (await stage.say("/invite id12")).startswith("🔑")
        [link] = [
            one["keyboard"][0]["LINK"]
            for one in (await stage.get(f"dialogs/{OLGA}"))["messages"]
            if one["keyboard"]
        ]
        async with stage.session.get(link, cookies={"sandbox_user": str(OLGA)}) as page:
            assert page.status == 200, await page.text()
            assert any(str(one.url).startswith(f"{box}/intranet/oauth/") for one in page.history)
        await stage.settled()
        assert IVAN in await stage.members()
        card = {"placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}
        for user, wish, more in ((ADMIN, {"view": "journal"}, {}), (OLGA, {}, card)):
            frame = await stage.post("open", {"user_id": user, **more})
            async with stage.session.post(frame["url"], data=frame["fields"]) as page:
                told = await page.text()
            if wish:
                told = await send_form(stage, told, **wish)
            assert f'href="{box}/intranet/online/?IM_DIALOG=chat8773"' in told
        # Some boxes name the portal in the bot's part of an event only.
        nameless = {"auth[member_id]": None, "auth[client_endpoint]": f"{box}/intranet/rest/"}
        assert await posted(stage, **nameless) == 200
