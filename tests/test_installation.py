"""Installing without a page: ONAPPINSTALL at POST /bitrix24/install, and its proof."""

from typing import Any

import pytest
from sqlalchemy import text
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, Stage, bot_running, settings_for

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
    assert (commands["invite"]["common"], commands["help"]["common"]) == ("1", "0")
    assert commands["invite"]["extranetSupport"] == "0"


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

    updated = await stage.calls("imbot.v2.Command.update")
    assert {one["params"]["fields"]["command"] for one in updated} == {"invite", "help"}
    assert len(await stage.calls("imbot.v2.Command.register")) == 2


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
