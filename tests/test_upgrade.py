"""An upgrade: what the version before has promised, this one keeps."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acting import DELETE, press
from app_page import opened, posted
from attacking import consent_of, consented
from connecting import connected, offered
from cryptography.fernet import Fernet
from guests import time_passes
from process import bot_process
from pydantic import SecretStr
from scenes import staged
from sqlalchemy import Engine
from stage import (
    ADD,
    ADMIN,
    ANNA,
    BOSS,
    DRIVER,
    IVAN,
    KEY,
    OLGA,
    ON_SQLITE,
    OTHER_CHAT,
    RESPONSIBLE,
    Stage,
)
from upgraded import Left

import bot.inbox.jobs
from bot.settings import Settings
from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import Portal


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that nobody has used yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db"
    return request.getfixturevalue("postgres").copy("template1")


@pytest.fixture
def left(portal: Portal, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Left:
    """What the version before has left, its database migrated and no bot started yet."""
    # On PostgreSQL what nobody was called for is found by the sweep.
    monkeypatch.setattr(bot.inbox.jobs, "SWEEP_EVERY", 0.1)
    left = Left(portal, settings)
    with _engine(settings) as engine:
        left.fill(engine)
        migrate(engine)
    return left


@pytest.fixture
async def upgraded(left: Left, portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    """The stage after an upgrade, when everything is answered that had waited."""
    async with staged(portal, settings) as stage:
        await stage.settled()
        yield stage


async def test_what_was_accepted_is_done_once_and_what_was_begun_is_not_done_again(
    upgraded: Stage,
) -> None:
    assert await _added(upgraded) == [(BOSS, ADMIN), (RESPONSIBLE, ANNA)]
    assert {IVAN, ADMIN, ANNA} <= set(await upgraded.members())
    answers = (await upgraded.heard())[-3:]
    assert ["теперь в этом чате" in one for one in answers] == [True] * 3
    assert [re.findall(r"USER=(\d+)", one) for one in answers] == [["12"], ["1"], ["15"]]


async def test_a_pair_whose_hour_is_over_is_renewed(
    left: Left, portal: Portal, settings: Settings
) -> None:
    portal.state.tokens.expire(None)

    async with staged(portal, settings) as stage:
        await stage.settled()

        assert await _added(stage) == [(BOSS, ADMIN)]
        # What came without a name has not been kept with what renews it.
        assert (await stage.told_privately(RESPONSIBLE))[-1].startswith("🔑")


async def test_nobody_installs_or_connects_again(upgraded: Stage) -> None:
    await upgraded.faults(events={"tokens": "none"})

    assert "теперь в этом чате" in await upgraded.say(f"/invite id{BOSS}", chat=OTHER_CHAT)
    assert "больше не в этом чате" in await upgraded.say(f"/remove id{DRIVER}", user=BOSS)

    assert (await _added(upgraded))[2:] == [(OLGA, BOSS)]
    [call] = await upgraded.calls(DELETE)
    assert (call["user_id"], call["params"]["USER_ID"]) == (BOSS, str(DRIVER))
    # What it can do that the version before could not, the portal has been told.
    known = {one.name for one in upgraded.portal.state.commands.values()}
    assert {"invite", "INVITE"} <= known


async def test_what_waits_for_a_permission_runs_when_that_is_given(upgraded: Stage) -> None:
    status, page = await connected(upgraded, await offered(upgraded, ANNA), ANNA)

    assert (status, "уже выполняет вашу команду" in page) == (200, True)
    await upgraded.joined(BOSS, OTHER_CHAT)
    await upgraded.settled()
    assert (await _added(upgraded))[2:] == [(ANNA, BOSS)]


@ON_SQLITE
async def test_settings_and_languages_hold(upgraded: Stage) -> None:
    # Where it is told is a setting, too.
    await upgraded.type("/who")
    await upgraded.settled()
    assert "отключил команду" in (await upgraded.chat())["messages"][-1]["text"]
    await upgraded.whisper("/help")
    await upgraded.settled()
    assert "The customer" in (await upgraded.told_privately())[-1]
    _, page = await opened(upgraded, ADMIN)
    page = await posted(upgraded, page, view="settings")

    assert "Анна Орлова" in page


async def test_open_buttons_still_work_for_their_owner(upgraded: Stage) -> None:
    assert (await press(upgraded, "Отменить", chat=OTHER_CHAT)).startswith("↩️ Отменено")
    assert not await _is_in(upgraded, RESPONSIBLE)
    assert "теперь в этом чате" in await press(upgraded, "Иван Петров – Водитель, Логистика")
    assert (await _added(upgraded))[2:] == [(OLGA, DRIVER)]

    await press(upgraded, "Беру", user=RESPONSIBLE)
    assert (await upgraded.told_privately(BOSS))[-1].endswith("Роман Соколов[/USER]: «Беру».")


async def test_of_what_a_process_of_the_version_before_still_accepts_people_are_asked(
    left: Left, portal: Portal, settings: Settings
) -> None:
    """It believed the application token, which every employee can read."""
    with _engine(settings) as engine:
        left.accept(engine, 9, 10)

    async with staged(portal, settings) as stage:
        await stage.settled()

        assert not await _added(stage)
        _, page = await connected(stage, await offered(stage, BOSS), BOSS)
        assert await consented(stage, consent_of(page)) == 200
        await stage.settled()
        assert await _added(stage) == [(BOSS, ADMIN)]


async def test_a_button_that_was_pressed_before_does_nothing_more(upgraded: Stage) -> None:
    answer = await press(upgraded, "Иван Петров – Юрист, Право", user=BOSS)

    assert answer.startswith("Эта кнопка уже сработала")
    assert len(await _added(upgraded)) == 2


async def test_a_guest_leaves_in_time(upgraded: Stage) -> None:
    assert await _is_in(upgraded, RESPONSIBLE)

    await time_passes(upgraded, 3_600)

    await upgraded.until(lambda: _has_left(upgraded, RESPONSIBLE))
    await upgraded.settled()
    [call] = await upgraded.calls(DELETE)
    assert (call["user_id"], call["params"]["USER_ID"]) == (OLGA, str(RESPONSIBLE))
    assert (await upgraded.told_privately())[-1].startswith("⏰ Time is up: no longer in the chat")


@ON_SQLITE
async def test_pairs_of_the_version_before_get_a_new_key(
    left: Left, portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    keys = [SecretStr(Fernet.generate_key().decode()), SecretStr(KEY)]
    both = settings.model_copy(update={"encryption_keys": keys})
    async with bot_process(both, "rotate-keys", log=tmp_path / "log") as process:
        assert await process.wait() == 0

    new = settings.model_copy(update={"encryption_keys": keys[:1]})
    async with staged(portal, new) as stage:
        await stage.settled()

        assert await _added(stage) == [(BOSS, ADMIN), (RESPONSIBLE, ANNA)]


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    engine = engine_for(settings.database_url.get_secret_value())
    yield engine
    engine.dispose()


async def _added(stage: Stage) -> list[tuple[int, int]]:
    """Give who has added whom since the upgrade."""
    return [(one["user_id"], int(one["params"]["USER_ID"])) for one in await stage.calls(ADD)]


async def _is_in(stage: Stage, user: int) -> bool:
    return user in await stage.members(OTHER_CHAT)


async def _has_left(stage: Stage, user: int) -> bool:
    return not await _is_in(stage, user)
