"""After the installation: updates, new versions of the bot, and the end."""

from typing import Any

import pytest
from installing import address, departed, event_of, portals
from sqlalchemy import text
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, ON_SQLITE, Stage, bot_running, settings_for

from sandbox.server import running


async def test_an_app_that_was_removed_unseen_is_registered_again(stage: Stage) -> None:
    stage.portal.state.app.handlers.clear()
    await stage.post("uninstall", {"clean": False})
    assert len(portals(stage)) == 1

    assert await stage.install() == 200

    assert "теперь в этом чате" in await stage.say("/invite id12")


@pytest.mark.parametrize("clean", [True, False])
async def test_a_portal_that_leaves_keeps_no_token(stage: Stage, clean: bool) -> None:
    await stage.say("/invite id12")

    assert await stage.post("uninstall", {"clean": clean}) == {"sent": 1}

    await departed(stage)
    assert stage.count("SELECT count(*) FROM tokens") == 0
    assert stage.count("SELECT count(*) FROM inbox WHERE tokens IS NOT NULL") == 0
    assert stage.count("SELECT count(*) FROM journal") == 1


@ON_SQLITE
async def test_nobody_else_can_say_that_a_portal_leaves(stage: Stage) -> None:
    forged = {
        "event": "ONAPPUNINSTALL",
        "data[CLEAN]": "1",
        "auth[member_id]": stage.portal.state.settings.member_id,
        "auth[application_token]": "guessed",
    }
    async with stage.session.post(address(stage, "events"), data=forged) as response:
        assert response.status == 403

    assert len(portals(stage)) == 1


async def test_a_portal_that_left_may_come_back(stage: Stage) -> None:
    await stage.post("uninstall", {"clean": False})
    await departed(stage)

    assert await stage.install() == 200

    assert "теперь в этом чате" in await stage.say("/invite id12")


@pytest.mark.parametrize("new_token", [True, False])
async def test_an_update_is_taken_with_its_new_token(stage: Stage, new_token: bool) -> None:
    await stage.post("update", {"new_application_token": new_token})

    await stage.until(lambda: _bound_again(stage))
    assert "теперь в этом чате" in await stage.say("/invite id12")


@ON_SQLITE
async def test_an_update_that_does_not_prove_its_token_is_refused(stage: Stage) -> None:
    event = event_of(stage, OLGA, {"event": "ONAPPUPDATE", "auth[application_token]": "mine"})

    async with stage.session.post(address(stage, "events"), data=event) as response:
        assert response.status == 403

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


async def test_a_bot_that_starts_again_still_knows_its_portal(stage: Stage) -> None:
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other):
        assert len(portals(stage)) == 1


async def test_a_new_version_introduces_itself_when_it_starts(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other):
        await stage.until(lambda: _told(stage, "imbot.v2.Bot.update", 2))

    address = (await stage.calls("imbot.v2.Bot.update"))[-1]["params"]["fields"]["webhookUrl"]
    assert address == f"{other.public_url}/bitrix24/events"


@ON_SQLITE
async def test_the_start_does_not_wait_for_portals(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    await stage.faults(method="imbot.v2.Bot.register", delay=30)
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())

    async with bot_running(other), stage.session.get(f"{other.public_url}/readyz") as response:
        assert response.status == 200


def _commands(calls: list[dict[str, Any]]) -> set[str]:
    return {one["params"]["fields"]["command"] for one in calls}


async def _told(stage: Stage, method: str, times: int) -> bool:
    return len(await stage.calls(method)) >= times


async def _bound_again(stage: Stage) -> bool:
    return len(stage.portal.state.app.handlers) == 2 and portals(stage)[0].registered != ""
