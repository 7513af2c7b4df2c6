"""Installers who go: who takes their place, and who does not."""

import asyncio

import pytest
from app_page import opened
from attacking import TYPED, own, put, vault
from installing import event_of, portals, sent
from portal_life import EVENTS, quiet, said
from stage import ADMIN, ANNA, BOSS, DINA, ON_SQLITE, Stage


@ON_SQLITE
async def test_a_dismissed_installer_is_followed_by_an_administrator_at_the_page(
    stage: Stage,
) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})
    await stage.faults(user={"id": BOSS, "admin": True})

    status, _ = await opened(stage, BOSS)
    await stage.until(lambda: _is_installer(stage, BOSS))

    assert status == 200


@ON_SQLITE
@pytest.mark.parametrize("oauth", ["closed", "slow"])
async def test_an_administrator_s_page_waits_for_no_word_about_the_installer(
    stage: Stage, oauth: str
) -> None:
    await stage.faults(tokens="expired", user_id=ADMIN)
    await stage.faults(user={"id": BOSS, "admin": True})
    await stage.faults(oauth=oauth)

    async with asyncio.timeout(3):
        status, page = await opened(stage, BOSS)

    assert (status, "Журнал" in page) == (200, True)
    assert portals(stage)[0].installer_id == ADMIN


@ON_SQLITE
async def test_after_a_dismissed_installer_nobody_is_left_without_an_answer(known: Stage) -> None:
    """The second event proves nothing, as older portals send them: the bot knows its own pair."""
    await known.faults(events={"tokens": "none"})
    await known.say("/who")
    await known.faults(user={"id": ADMIN, "active": False})
    await known.faults(events={"tokens": "none", "bot_auth": "none"})

    assert "От вашего имени пришла команда" in await known.say(TYPED)


@ON_SQLITE
async def test_a_dismissed_installer_is_not_followed_by_anna(stage: Stage) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})

    await opened(stage, ANNA)
    for event in ("ONAPPUPDATE", "ONIMBOTV2DELETE", "ONAPPUNINSTALL"):
        await put(stage, {**said(stage, event), **own(stage)})
    await quiet(stage)

    assert portals(stage)[0].installer_id == ADMIN


@ON_SQLITE
@pytest.mark.parametrize("seconds", [0, 0.5])
async def test_an_update_by_another_administrator_is_taken_with_their_pair(
    stage: Stage, seconds: float
) -> None:
    """Also where it is known later that they are one than that the installer is gone."""
    await stage.faults(user={"id": ADMIN, "active": False})
    await stage.faults(user={"id": BOSS, "admin": True})
    await stage.faults(method="user.admin", delay=seconds)

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage))

    assert portals(stage)[0].installer_id == BOSS
    assert "теперь в этом чате" in await stage.say(TYPED)


async def _is_installer(stage: Stage, user: int) -> bool:
    return bool(portals(stage)[0].installer_id == user)


async def _bound_again(stage: Stage) -> bool:
    return len(stage.portal.state.app.handlers) == 2 and portals(stage)[0].registered != ""


@ON_SQLITE
async def test_an_update_is_taken_where_the_installers_pair_is_dead(stage: Stage) -> None:
    await stage.faults(tokens="revoked", user_id=ADMIN)
    await stage.faults(user={"id": BOSS, "admin": True})

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage))

    assert portals(stage)[0].installer_id == BOSS


@ON_SQLITE
@pytest.mark.parametrize("event", EVENTS[:3])
async def test_nobody_keeps_an_update_from_being_heard(stage: Stage, event: str) -> None:
    """She posts something first: the bot looks, and is not to look again so soon."""
    await stage.faults(tokens="revoked", user_id=ADMIN)
    await stage.faults(user={"id": BOSS, "admin": True})
    await put(stage, {**said(stage, event), **own(stage)})
    await quiet(stage)

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage), patience=20)

    assert portals(stage)[0].installer_id == BOSS


@ON_SQLITE
async def test_annas_pair_installs_nothing(stage: Stage) -> None:
    status, _ = await sent(stage, event_of(stage, ANNA, {"auth[user_id]": str(ADMIN)}))

    assert status == 403
    assert portals(stage)[0].installer_id == ADMIN
    assert ANNA not in [row[0] for row in vault(stage)]


@ON_SQLITE
async def test_extranet_people_are_never_installers(stage: Stage) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})

    await put(stage, {**said(stage, "ONAPPUPDATE"), **own(stage, DINA)})
    await quiet(stage)

    assert portals(stage)[0].installer_id == ADMIN
