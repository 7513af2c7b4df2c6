"""Which bot of a portal is this program's: by its code, also beside another one."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy

import pytest
from aiohttp import ClientSession
from installing import departed, event_of, installed, portals, sent
from sqlalchemy import text
from stage import (
    ADD,
    CLIENT_ID,
    IVAN,
    OLGA,
    ON_SQLITE,
    Stage,
    bot_running,
    settings_for,
)

from bot.installing.declared import OLD_CODE, bot_codes
from sandbox.server import Portal

pytestmark = ON_SQLITE


REGISTERS = "imbot.v2.Bot.register"


class TestTheBotsCode:
    """A code is one bot's on the whole portal."""

    async def test_it_is_the_apps_own(self, stage: Stage) -> None:
        [bot] = stage.portal.state.bots.values()

        assert bot.code == bot_codes(CLIENT_ID)[0] != bot_codes("local.another")[0]

    async def test_a_bot_under_the_old_code_stays_the_bot(self, stage: Stage) -> None:
        [bot] = stage.portal.state.bots.values()
        bot.code = OLD_CODE
        registered = len(await stage.calls(REGISTERS))
        again = "UPDATE portals SET registered = 'older'"
        for forgotten in (again, again + ", bot_id = NULL"):
            with stage.engine.begin() as connection:
                connection.execute(text(forgotten))
            assert await stage.install() == 200

        assert [one.code for one in stage.portal.state.bots.values()] == [OLD_CODE]
        assert len(await stage.calls(REGISTERS)) == registered
        assert "теперь в этом чате" in await stage.say("/invite id12")

    async def test_one_that_is_gone_is_registered_anew(self, stage: Stage) -> None:
        await stage.post("unregister", {})

        assert await stage.install() == 200

        [bot] = stage.portal.state.bots.values()
        assert bot.code == bot_codes(CLIENT_ID)[0]
        assert portals(stage)[0].bot_id == bot.id

    async def test_a_code_that_is_taken_is_passed_over(self, empty_stage: Stage) -> None:
        await empty_stage.faults(other_codes=bot_codes(CLIENT_ID)[:1])

        assert await empty_stage.install() == 200

        [bot] = empty_stage.portal.state.bots.values()
        assert bot.code == bot_codes(CLIENT_ID)[1]

    async def test_where_all_are_taken_the_page_says_what_to_do(self, empty_stage: Stage) -> None:
        await empty_stage.faults(other_codes=bot_codes(CLIENT_ID))

        _, page = await installed(empty_stage)

        assert "Other apps have taken every code" in page
        _, line = await sent(empty_stage, event_of(empty_stage, 1, {}))
        assert "the portal says BOT_CODE_ALREADY_TAKEN" in line


class TestTwoBots:
    """Staging beside production: two apps, two databases, one portal."""

    @pytest.fixture
    async def staging(
        self, stage: Stage, sqlite_template: Path, tmp_path: Path
    ) -> AsyncIterator[Stage]:
        copy(sqlite_template, tmp_path / "staging.db")
        app = {"client_id": "local.staging", "client_secret": "the-secret-of-staging"}
        keys = {f"bitrix24_{name}": value for name, value in app.items()}
        settings = settings_for(stage.portal, f"sqlite:///{tmp_path}/staging.db", **keys)
        async with ClientSession() as session, bot_running(settings):
            staging = Stage(stage.portal, settings, session)
            assert await staging.install(**app) == 200
            yield staging
            staging.engine.dispose()

    async def test_both_answer_each_as_its_own(
        self, stage: Stage, staging: Stage, portal: Portal
    ) -> None:
        await stage.type("/invite id12")
        await stage.settled()
        await staging.settled()

        codes = [bot_codes(CLIENT_ID)[0], bot_codes("local.staging")[0]]
        assert [one.code for one in portal.state.bots.values()] == codes
        assert [row.bot_id for one in (stage, staging) for row in portals(one)] == [456, 457]
        assert IVAN in await stage.members()
        added = await stage.calls(ADD)
        # Which of them is faster is nobody's business.
        assert sorted((one["app"], one["user_id"]) for one in added) == [
            ("local.staging", OLGA),
            (CLIENT_ID, OLGA),
        ]
        answers = await stage.calls("imbot.v2.Command.answer", "imbot.v2.Chat.Message.send")
        assert {one["app"] for one in answers} == {CLIENT_ID, "local.staging"}
        assert {one["error"] for one in answers} == {None}

    async def test_one_leaves_and_the_other_stays(self, stage: Stage, staging: Stage) -> None:
        await stage.post("uninstall", {"client_id": "local.staging"})
        await departed(staging)

        assert "теперь в этом чате" in await stage.say("/invite id12")
