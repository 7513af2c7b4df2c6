"""The end of a portal: who may say it, and what only looks like it."""

import pytest
from app_page import opened
from attacking import TYPED, Watch, as_bots, change, garbage, own, post, put, rows, vault
from installing import departed, portals
from portal_life import EVENTS, looked, quiet, said
from stage import (
    ADMIN,
    ANNA,
    BOSS,
    DRIVER,
    IVAN,
    OLGA,
    ON_SQLITE,
    RESPONSIBLE,
    Stage,
    bot_running,
    settings_for,
)

BROUGHT = {
    "nothing": lambda stage: {},
    "annas": lambda stage: own(stage),
    "annas as the administrators": lambda stage: own(stage, said=ADMIN),
    "garbage": lambda stage: garbage(ADMIN),
    "annas as the bots": lambda stage: as_bots(own(stage)),
}


@ON_SQLITE
@pytest.mark.parametrize(
    ("event", "brought"),
    [(EVENTS[0], brought) for brought in BROUGHT]
    + [(event, "annas as the administrators") for event in EVENTS[1:]],
)
async def test_no_employee_ends_the_portal(stage: Stage, event: str, brought: str) -> None:
    await stage.say(TYPED)
    before, kept = portals(stage), vault(stage)
    journal = rows(stage, "SELECT * FROM journal")
    watch = await Watch.over(stage)

    await post(stage, {**said(stage, event), **BROUGHT[brought](stage)})
    await looked(stage)

    assert portals(stage) == before
    assert [row[0] for row in vault(stage)] == [row[0] for row in kept]
    assert rows(stage, "SELECT * FROM journal") == journal
    changed = [call["method"] for call in await watch.calls()]
    assert not {"imbot.v2.Bot.register", "imbot.v2.Bot.update", "event.bind"} & set(changed)
    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")


TROUBLES = [
    {"method": "profile", "error": {"status": 500, "code": "INTERNAL_SERVER_ERROR"}},
    {"method": "profile", "error": {"status": 401, "code": "CONNECTION_ERROR"}},
    {"method": "profile", "error": {"status": 500, "code": ""}},
    {"method": "profile", "error": {"status": 403, "code": "ACCESS_DENIED",
                                    "description": "REST is available only on commercial plans"}},
    {"method": "profile", "error": {"status": 429, "code": "OPERATION_TIME_LIMIT",
                                    "operating_reset_in": 1}},
    {"method": "*", "error": {"status": 503, "code": "QUERY_LIMIT_EXCEEDED"}},
    {"method": "profile", "html": 502},
    {"method": "profile", "drop": "before"},
    {"method": "profile", "truncate": True},
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("trouble", range(len(TROUBLES)))
async def test_a_portal_in_trouble_has_not_removed_the_app(stage: Stage, trouble: int) -> None:
    """A moment's fault of the portal's, and the forged end of it at the same time."""
    await stage.say(TYPED)
    kept = [row[0] for row in vault(stage)]
    await stage.faults(**TROUBLES[trouble], times=None)

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await quiet(stage)
    await stage.faults(clear=True)

    assert [row[0] for row in vault(stage)] == kept
    assert len(portals(stage)) == 1


@ON_SQLITE
@pytest.mark.parametrize("code", ["PAYMENT_REQUIRED", "invalid_request", "QUERY_LIMIT_EXCEEDED"])
async def test_a_portal_that_gets_no_tokens_for_now_has_not_removed_the_app(
    stage: Stage, code: str
) -> None:
    await stage.say(TYPED)
    kept = [row[0] for row in vault(stage)]
    await stage.faults(tokens="expired")
    await stage.faults(oauth_error=code)

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await quiet(stage)
    await stage.faults(oauth_error=None)

    assert [row[0] for row in vault(stage)] == kept
    assert len(portals(stage)) == 1


@ON_SQLITE
async def test_people_whom_the_app_is_closed_to_are_no_witnesses(stage: Stage) -> None:
    """Those who came last are closed out, the app is there, its installer and its bot too."""
    for user in (OLGA, ANNA, IVAN, DRIVER, BOSS, RESPONSIBLE):
        await opened(stage, user)
    for user in (OLGA, ANNA, IVAN, DRIVER, BOSS, RESPONSIBLE):
        await stage.faults(user={"id": user, "app_access": False})

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await quiet(stage)

    assert len(portals(stage)) == 1
    assert ADMIN in [row[0] for row in vault(stage)]


@ON_SQLITE
async def test_the_portal_is_asked_once_a_minute_whether_it_is_so(stage: Stage) -> None:
    await post(stage, said(stage, "ONAPPUNINSTALL"))
    await quiet(stage)
    watch = await Watch.over(stage)

    for _ in range(5):
        await post(stage, said(stage, "ONAPPUNINSTALL"))
        await quiet(stage)

    assert await watch.requests() == []


@ON_SQLITE
async def test_an_administrator_takes_nobodys_place_who_is_there(stage: Stage) -> None:
    await stage.faults(user={"id": BOSS, "admin": True})

    await opened(stage, BOSS)
    await quiet(stage)
    await stage.say("/who")

    assert [one.installer_id for one in portals(stage)] == [ADMIN]


@ON_SQLITE
async def test_no_text_passes_for_a_token(stage: Stage) -> None:
    for token in ("", "x", "é", "\ud7ff", "%ed%a0%80", "ключ" * 20):
        brought = {**garbage(ADMIN), "auth[application_token]": token}
        await put(stage, {**said(stage, "ONAPPUNINSTALL"), "auth[application_token]": token}, 403)
        await put(stage, {**said(stage, "ONAPPUPDATE"), **brought}, 403)

    assert len(portals(stage)) == 1


async def test_a_portal_that_has_really_left_keeps_its_journal_and_no_token(stage: Stage) -> None:
    await stage.say(TYPED)

    await stage.post("uninstall", {"clean": True})
    await departed(stage)

    assert vault(stage) == []
    assert len(rows(stage, "SELECT * FROM journal")) == 1
    assert rows(stage, "SELECT 1 FROM inbox WHERE tokens IS NOT NULL") == []


async def test_the_journal_goes_when_the_days_of_grace_are_over(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.post("uninstall", {"clean": True})
    await departed(stage)
    change(stage, "UPDATE portals SET left_at = left_at - 31 * 86400.0")

    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(other):
        await stage.until(lambda: _erased(stage))


async def _erased(stage: Stage) -> bool:
    return rows(stage, "SELECT 1 FROM journal") == []
