"""The vault's keys: which the bot starts with, and how they are changed under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from cryptography.fernet import Fernet
from process import bot_process
from pydantic import SecretStr
from sqlalchemy import text
from stage import ADD, KEY, OLGA, ON_SQLITE, Stage, bot_running, settings_for

from bot.portals.tokens import pair_place
from bot.settings import Settings
from bot.store.cipher import Cipher, Unreadable
from sandbox.server import Portal

NEW_KEY = Fernet.generate_key().decode()
TYPED = "/invite id12"
DERIVED_ONCE = (
    b"gAAAAABrAVdkl2hzU-lm9yaNmop-w2_Xmwmr0mrWKkxNq4kr00exgKqX_NqevobZQU1nuU"
    b"kTrMkfCJQvsAl6ds7bWHp-p7PbEPoqSSkpAdBv8Is9n_4P0SQ="
)


@ON_SQLITE
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (None, "ENCRYPTION_KEYS: it is missing"),
        ("", "ENCRYPTION_KEYS: it is empty"),
        (KEY[:31], "key 1 of ENCRYPTION_KEYS is too short"),
        (f"{KEY},short", "key 2 of ENCRYPTION_KEYS is too short"),
    ],
)
async def test_without_good_keys_the_bot_does_not_start(
    settings: Settings, tmp_path: Path, keys: str | None, words: str
) -> None:
    code, told = await started(settings, tmp_path, ENCRYPTION_KEYS=keys)

    assert (code, words in told) == (1, True), told
    assert KEY[:20] not in told


def test_any_long_secret_is_a_key_and_a_fernet_key_stays_what_it_is() -> None:
    generated = SecretStr("0123456789abcdef" * 4)
    note = Cipher([generated]).encrypt(SecretStr("of the portal"), "portal/m")

    both = Cipher([SecretStr(KEY), generated])
    assert both.decrypt(note, "portal/m").get_secret_value() == "of the portal"
    kept = Cipher([SecretStr(KEY)]).encrypt_unbound(SecretStr("as ever"))
    assert Fernet(KEY).decrypt(kept) == b"as ever"
    # What was once written with a derived key is read by every later version.
    old = Cipher([generated]).decrypt(DERIVED_ONCE, "portal/m")
    assert old.get_secret_value() == "written by version 0.1"
    other = SecretStr(generated.get_secret_value()[:-1] + "0")
    with pytest.raises(Unreadable):
        Cipher([other]).decrypt(note, "portal/m")


def test_a_secret_can_be_read_at_its_own_place_alone() -> None:
    cipher = Cipher([SecretStr(KEY)])
    stored = cipher.encrypt(SecretStr("the boss's pair"), pair_place("m", 3, proven=True))

    for other in (
        pair_place("m", 15, proven=True),
        pair_place("n", 3, proven=True),
        pair_place("m", 3, proven=False),
    ):
        with pytest.raises(Unreadable):
            cipher.decrypt(stored, other)


async def test_with_other_keys_than_the_databases_the_bot_does_not_start(
    stage: Stage, tmp_path: Path
) -> None:
    code, told = await started(stage.settings, tmp_path, ENCRYPTION_KEYS=NEW_KEY)

    assert code == 1
    assert "the database was written with a key that ENCRYPTION_KEYS does not have" in told
    assert NEW_KEY not in told


async def test_a_new_first_key_counts_from_its_first_start(
    stage: Stage, portal: Portal, tmp_path: Path
) -> None:
    url = stage.settings.database_url.get_secret_value()
    async with bot_running(settings_for(portal, url, encryption_keys=[NEW_KEY, KEY])):
        pass

    code, told = await started(stage.settings, tmp_path, ENCRYPTION_KEYS=KEY)

    assert (code, "the database was written with a key" in told) == (1, True)


async def test_keys_are_changed_while_the_bot_runs(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with started_with(portal, settings, KEY) as stage:
        assert await stage.install() == 200
        await stage.say(TYPED)
    async with started_with(portal, settings, NEW_KEY, KEY) as stage:
        await stage.faults(events={"tokens": "none"})
        async with bot_process(stage.settings, "rotate-keys", log=log) as process:
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert "теперь в этом чате" in await stage.say("/invite id15")
        assert "rows are encrypted with the first key" in log.read_text()

    async with started_with(portal, settings, NEW_KEY) as stage:
        assert "теперь в этом чате" in await stage.say("/invite id21")
        assert {call["user_id"] for call in await stage.calls(ADD)} == {OLGA}


async def test_a_pair_that_no_key_opens_is_as_none(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO tokens (member_id, user_id, access_token)"
                " VALUES (:portal, 7, :made_up)"
            ),
            {"portal": stage.portal.state.settings.member_id, "made_up": b"made up"},
        )

    assert (await stage.say(TYPED)).startswith("🔑")


@asynccontextmanager
async def started_with(portal: Portal, settings: Settings, *keys: str) -> AsyncIterator[Stage]:
    """The bot of these settings with other keys, at the same address."""
    same = {"port": settings.port, "public_url": settings.public_url, "encryption_keys": keys}
    url = settings.database_url.get_secret_value()
    renewed = settings_for(portal, url, **same)
    async with ClientSession() as session, bot_running(renewed):
        stage = Stage(portal, renewed, session)
        yield stage
        stage.engine.dispose()


async def started(settings: Settings, folder: Path, **changed: str | None) -> tuple[int, str]:
    """Start the bot, and give what it ended with and what it told."""
    log = folder / "start"
    async with bot_process(settings, log=log, **changed) as process:
        code = await asyncio.wait_for(process.wait(), 20)
    return code, log.read_text()
