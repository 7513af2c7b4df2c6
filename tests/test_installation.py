"""Installing without a page: ONAPPINSTALL at POST /bitrix24/install, and its proof."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from sqlalchemy import text
from stage import BOT, CLIENT_ID, CLIENT_SECRET, OLGA, Stage, bot_running, settings_for

from sandbox.server import running

REGISTERS = "imbot.v2.Bot.register"


async def test_registers_the_bot_and_its_commands_in_both_languages(empty_stage: Stage) -> None:
    assert await empty_stage.install() == 200

    [bot] = await empty_stage.calls(REGISTERS)
    fields = bot["params"]["fields"]
    assert fields["type"] == "bot"
    assert fields["isSupportOpenline"] is True
    assert fields["eventMode"] == "webhook"
    assert fields["webhookUrl"] == f"{empty_stage.settings.public_url}/bitrix24/events"
    commands = {
        one["params"]["fields"]["command"]: one["params"]["fields"]
        for one in await empty_stage.calls("imbot.v2.Command.register")
    }
    assert commands["invite"]["title"] == {
        "ru": "Позвать коллегу в этот чат",
        "en": "Bring a colleague into this chat",
    }
    assert commands["invite"]["params"] == {"ru": "@коллега", "en": "@colleague"}
    assert (commands["invite"]["common"], commands["help"]["common"]) == ("Y", "N")
    assert commands["invite"]["extranetSupport"] == "N"


async def test_doing_it_again_changes_nothing(stage: Stage) -> None:
    before = _portal(stage), len(await stage.calls(REGISTERS, "imbot.v2.Command.register"))

    assert await stage.install() == 200

    again = _portal(stage), len(await stage.calls(REGISTERS, "imbot.v2.Command.register"))
    assert again == before
    assert "теперь в этом чате" in await stage.say("/invite id12")


async def test_other_commands_or_words_are_brought_up_to_date(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))

    async with running(client_id=CLIENT_ID, client_secret=CLIENT_SECRET):
        assert await stage.install() == 200

    registered = await stage.calls("imbot.v2.Command.register")
    updated = await stage.calls("imbot.v2.Command.update")
    assert _commands(updated) == _commands(registered) >= {"invite", "help"}
    assert len(updated) == len(registered)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"auth[refresh_token]": None}, "no refresh_token"),
        ({"auth[application_token]": None}, "no application_token"),
        ({"auth[refresh_token]": "made-up"}, "invalid_grant"),
        ({"auth[server_endpoint]": "https://evil.example/rest/"}, "not allowed"),
        ({"auth[server_endpoint]": "http://169.254.169.254/rest/"}, "not allowed"),
        ({"auth[member_id]": "0" * 32}, "another portal's"),
    ],
)
async def test_a_forged_installation_is_refused(
    empty_stage: Stage, changed: dict[str, str | None], reason: str
) -> None:
    status, told = await _post(empty_stage, _event(empty_stage, 1, changed))

    assert (status, reason in told) == (403, True), told
    assert _portal(empty_stage) == []


async def test_the_address_of_a_request_is_never_called(empty_stage: Stage) -> None:
    changed = {
        "auth[client_endpoint]": "https://evil.example/rest/",
        "auth[domain]": "evil.example",
    }

    status, _ = await _post(empty_stage, _event(empty_stage, 1, changed))

    assert status == 200
    [portal] = _portal(empty_stage)
    assert portal.client_endpoint == f"{empty_stage.portal.url}/rest/"


async def test_only_an_administrator_installs(empty_stage: Stage) -> None:
    status, told = await _post(empty_stage, _event(empty_stage, OLGA, {}))

    assert (status, "no administrator" in told) == (403, True)
    assert _portal(empty_stage) == []


async def test_a_spent_refresh_token_changes_nothing(stage: Stage) -> None:
    event = _event(stage, 1, {"auth[application_token]": "another"})
    event["auth[refresh_token]"] = "spent"
    before = _portal(stage)

    status, _ = await _post(stage, event)

    assert status == 403
    assert _portal(stage) == before
    assert "теперь в этом чате" in await stage.say("/invite id12")


async def test_an_unreachable_authorization_server_is_a_reason_to_try_again(
    empty_stage: Stage,
) -> None:
    await empty_stage.faults(oauth="closed")

    status, _ = await _post(empty_stage, _event(empty_stage, 1, {}))

    assert status == 503
    assert _portal(empty_stage) == []


async def test_anything_else_at_this_address_is_malformed(empty_stage: Stage) -> None:
    assert (await _post(empty_stage, _event(empty_stage, 1, {"event": "ONAPPUPDATE"})))[0] == 400
    assert (await _post(empty_stage, {"x": "1"}))[0] == 400


async def test_events_of_a_portal_that_never_installed_are_refused(empty_stage: Stage) -> None:
    async with empty_stage.session.post(
        f"{empty_stage.settings.public_url}/bitrix24/events",
        data={
            "event": "ONIMBOTV2COMMANDADD",
            "auth[member_id]": "x",
            "auth[application_token]": "y",
        },
    ) as response:
        assert response.status == 403


async def test_a_bot_that_starts_again_still_knows_its_portal(stage: Stage) -> None:
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other):
        assert len(_portal(stage)) == 1


def _event(stage: Stage, user: int, changed: dict[str, str | None]) -> dict[str, str]:
    state = stage.portal.state
    state.app.installed = True
    pair = state.tokens.issue(user, "app")
    fields: dict[str, str | None] = {
        "event": "ONAPPINSTALL",
        "data[VERSION]": "1",
        "data[ACTIVE]": "Y",
        "data[INSTALLED]": "Y",
        "data[LANGUAGE_ID]": "ru",
        "ts": "1789000000",
        "auth[access_token]": pair.access,
        "auth[refresh_token]": pair.refresh,
        "auth[expires_in]": "3600",
        "auth[scope]": "imbot imopenlines crm",
        "auth[domain]": "portal",
        "auth[server_endpoint]": f"{stage.portal.oauth_url}/rest/",
        "auth[client_endpoint]": f"{stage.portal.url}/rest/",
        "auth[member_id]": state.settings.member_id,
        "auth[status]": "L",
        "auth[application_token]": state.settings.application_token,
        **changed,
    }
    return {key: value for key, value in fields.items() if value is not None}


async def _post(stage: Stage, event: dict[str, str]) -> tuple[int, str]:
    url = f"{stage.settings.public_url}/bitrix24/install"
    async with stage.session.post(url, data=event) as response:
        return response.status, await response.text()


def _portal(stage: Stage) -> list[Any]:
    question = "SELECT member_id, client_endpoint, installer_id, bot_id, registered FROM portals"
    with stage.engine.connect() as connection:
        return list(connection.execute(text(question)))


async def test_a_page_installs_what_an_event_does(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage)

    assert status == 200
    for words in ("Портал подтверждён", "Бот зарегистрирован", "Команды добавлены", "Готово"):
        assert words in page
    [portal] = _portal(empty_stage)
    assert portal.bot_id == BOT
    assert f'src="{empty_stage.portal.url}/api/v1/"' in page


async def test_the_page_says_that_an_administrator_is_needed(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage, owner=OLGA)

    assert (status, "Нужен администратор" in page) == (403, True)
    assert "BX24" not in page
    assert _portal(empty_stage) == []


async def test_the_page_explains_what_is_missing(empty_stage: Stage) -> None:
    await empty_stage.faults(
        method="imbot.v2.Bot.register",
        error={"status": 403, "code": "insufficient_scope", "description": "x"},
    )

    _, page = await _open_install_page(empty_stage, language="en")

    assert "The app lacks permissions" in page
    assert "imbot, imopenlines, im, crm, department, user, sonet_group" in page
    assert "BX24" not in page

    _, page = await _open_install_page(empty_stage)
    assert "Готово" in page


async def test_a_forged_page_is_refused(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage, REFRESH_ID="made-up")
    assert (status, "Портал не подтверждён" in page) == (403, True)

    status, page = await _open_install_page(empty_stage, SERVER_ENDPOINT="https://evil.example/")
    assert (status, "Портал не подтверждён" in page) == (403, True)
    assert _portal(empty_stage) == []


async def test_an_app_that_was_removed_unseen_is_registered_again(stage: Stage) -> None:
    stage.portal.state.app.handlers.clear()
    await stage.post("uninstall", {"clean": False})
    assert len(_portal(stage)) == 1

    assert await stage.install() == 200

    assert "теперь в этом чате" in await stage.say("/invite id12")


@pytest.mark.parametrize("clean", [True, False])
async def test_a_portal_that_leaves_keeps_no_token(stage: Stage, clean: bool) -> None:
    await stage.say("/invite id12")

    assert await stage.post("uninstall", {"clean": clean}) == {"sent": 1}

    await stage.until(lambda: _left(stage))
    assert stage.count("SELECT count(*) FROM tokens") == 0
    assert stage.count("SELECT count(*) FROM unproven_tokens") == 0
    kept = 0 if clean else 1
    assert stage.count("SELECT count(*) FROM journal") == kept
    assert stage.count("SELECT count(*) FROM inbox") == kept


async def test_nobody_else_can_say_that_a_portal_leaves(stage: Stage) -> None:
    forged = {
        "event": "ONAPPUNINSTALL",
        "data[CLEAN]": "1",
        "auth[member_id]": stage.portal.state.settings.member_id,
        "auth[application_token]": "guessed",
    }
    async with stage.session.post(_address(stage, "events"), data=forged) as response:
        assert response.status == 403

    assert len(_portal(stage)) == 1


async def test_a_portal_that_left_may_come_back(stage: Stage) -> None:
    await stage.post("uninstall", {"clean": False})
    await stage.until(lambda: _left(stage))

    assert await stage.install() == 200

    assert "теперь в этом чате" in await stage.say("/invite id12")


@pytest.mark.parametrize("new_token", [True, False])
async def test_an_update_is_taken_with_its_new_token(stage: Stage, new_token: bool) -> None:
    await stage.post("update", {"new_application_token": new_token})

    await stage.until(lambda: _bound_again(stage))
    assert "теперь в этом чате" in await stage.say("/invite id12")


async def test_an_update_that_does_not_prove_its_token_is_refused(stage: Stage) -> None:
    event = _event(stage, OLGA, {"event": "ONAPPUPDATE", "auth[application_token]": "mine"})

    async with stage.session.post(_address(stage, "events"), data=event) as response:
        assert response.status == 403

    assert "теперь в этом чате" in await stage.say("/invite id12")


async def test_a_new_version_introduces_itself_when_it_starts(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other):
        await stage.until(lambda: _told(stage, "imbot.v2.Bot.update", 2))

    address = (await stage.calls("imbot.v2.Bot.update"))[-1]["params"]["fields"]["webhookUrl"]
    assert address == f"{other.public_url}/bitrix24/events"


async def test_the_start_does_not_wait_for_portals(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    await stage.faults(method="imbot.v2.Bot.register", delay=30)
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other), stage.session.get(f"{other.public_url}/readyz") as response:
        assert response.status == 200


async def test_a_portal_that_moves_is_followed(empty_stage: Stage) -> None:
    stage = empty_stage
    async with old_address(stage) as moves:
        assert await stage.install() == 200
        assert "теперь в этом чате" in await stage.say("/invite id12")
        moves.set()
        stage.portal.state.url = stage.portal.url

        assert "теперь в этом чате" in await stage.say("/invite id15")

    assert _portal(stage)[0].client_endpoint == f"{stage.portal.url}/rest/"
    assert len(await stage.get("memberships")) == 2


async def test_nobody_is_followed_on_his_own_word(stage: Stage) -> None:
    await stage.say("/invite id12")
    async with visited() as (elsewhere, requests):
        await stage.faults(method="*", redirect=elsewhere, times=None)
        await stage.type("/invite id15")
        await stage.until(lambda: _asked_server(stage))
        await stage.faults(clear=True)
        await stage.settled()

    assert requests == []
    assert _portal(stage)[0].client_endpoint == f"{stage.portal.url}/rest/"
    assert len(await stage.get("refreshes")) <= 3


@asynccontextmanager
async def visited() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that somebody would like the bot to call."""
    seen: list[str] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"result": True})

    async with serving_at(note) as address:
        yield address, seen


@asynccontextmanager
async def old_address(stage: Stage) -> AsyncIterator[asyncio.Event]:
    """Give the portal an address that it can move from: then there are redirects only."""
    moves = asyncio.Event()

    async def forward(request: web.Request) -> web.Response:
        url = f"{stage.portal.url}{request.path_qs}"
        if moves.is_set():
            return web.Response(status=302, headers={"Location": url})
        headers = {"Content-Type": request.headers["Content-Type"]}
        async with stage.session.post(url, data=await request.read(), headers=headers) as answer:
            body = await answer.read()
            return web.Response(body=body, status=answer.status, content_type="application/json")

    async with serving_at(forward) as stage.portal.state.url:
        yield moves


@asynccontextmanager
async def serving_at(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port := unused_port()).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _open_install_page(
    stage: Stage, *, owner: int = 1, language: str = "ru", **changed: str
) -> tuple[int, str]:
    opened = await stage.post(
        "open",
        {"user_id": 1, "which": "install", "handler": _address(stage, "install"),
         "language": language},
    )  # fmt: skip
    fields = {**opened["fields"], **changed}
    if owner != 1:
        fields["REFRESH_ID"] = stage.portal.state.tokens.issue(owner, "app").refresh
    async with stage.session.post(opened["url"], data=fields) as response:
        return response.status, await response.text()


def _address(stage: Stage, path: str) -> str:
    return f"{stage.settings.public_url}/bitrix24/{path}"


def _commands(calls: list[dict[str, Any]]) -> set[str]:
    return {one["params"]["fields"]["command"] for one in calls}


async def _left(stage: Stage) -> bool:
    return _portal(stage) == []


async def _told(stage: Stage, method: str, times: int) -> bool:
    return len(await stage.calls(method)) >= times


async def _bound_again(stage: Stage) -> bool:
    return len(stage.portal.state.app.handlers) == 2 and _portal(stage)[0].registered != ""


async def _asked_server(stage: Stage) -> bool:
    return len(await stage.get("refreshes")) >= 2
