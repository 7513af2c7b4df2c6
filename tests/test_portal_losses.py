"""What a portal has lost while the app is there: its bot was deleted, its licence is another."""

import pytest
from app_page import opened, posted, words_of
from attacking import TYPED, forged, post, put, rows
from installing import portals
from portal_life import looked, said
from stage import ADMIN, OLGA, ON_SQLITE, Stage, bot_running, settings_for


@ON_SQLITE
async def test_a_bot_that_was_deleted_is_missed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    _, page = await opened(stage, ADMIN)
    await stage.say(TYPED)
    bot_calls = len(await stage.calls("imbot.v2.Bot.register"))

    await stage.post("unregister", {})
    await stage.until(lambda: _notified(stage))
    await looked(stage)

    told = await stage.get("notifications")
    assert [one["to"] for one in told] == [ADMIN]
    assert any(
        one.levelname == "WARNING" and "has no bot" in one.getMessage() for one in caplog.records
    )
    assert portals(stage)[0].trouble == "bot_lost"
    assert len(await stage.calls("imbot.v2.Bot.register")) == bot_calls
    words = words_of(await posted(stage, page, view="state"))
    assert "устарел" in words or "удал" in words, words


async def _notified(stage: Stage) -> bool:
    return bool(await stage.get("notifications"))


@ON_SQLITE
async def test_the_installer_is_told_once_that_the_bot_is_gone(stage: Stage) -> None:
    await stage.post("unregister", {})
    await stage.until(lambda: _notified(stage))
    await looked(stage)
    gone = said(stage, "ONIMBOTV2DELETE")

    # Another process has looked for nobody yet; the bot asks no portal before its events.
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    await put(stage, gone)
    async with bot_running(other):
        await looked(stage)

    assert len(await stage.get("notifications")) == 1


@ON_SQLITE
async def test_a_renewed_licence_is_told_as_such(stage: Stage) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    old = stage.portal.state.settings.member_id
    await stage.faults(member_id="f" * 32)
    fields = {**forged(stage, TYPED, user=OLGA), **stage.bots_token()}

    await post(stage, {**fields, "auth[member_id]": old})

    told = (await stage.told_privately())[-1]
    assert "становите приложение ещё раз" in told or "становить приложение" in told, told


async def test_after_a_renewed_licence_nothing_of_the_old_one_acts(stage: Stage) -> None:
    await stage.say("/who")
    old = stage.portal.state.settings.member_id
    await stage.faults(member_id="f" * 32)

    assert await stage.install() == 200

    assert rows(stage, "SELECT member_id FROM portals WHERE left_at IS NULL") == [("f" * 32,)]
    assert rows(stage, "SELECT 1 FROM tokens WHERE member_id = :old", old=old) == []
    assert "теперь в этом чате" in await stage.say(TYPED)
