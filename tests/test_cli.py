"""python -m bot: what operators ask and order in a shell."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    CHAT,
    IVAN,
    KEY,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    RESPONSIBLE,
    Stage,
    bot_running,
)
from terminal import ran, ran_in_terminal

from bot import __version__
from bot.cli.environment import run
from bot.cli.program import cli
from bot.settings import Settings
from sandbox.server import Portal

IMPATIENT = pytest.mark.settings(retry_for=0.01, rest_timeout=2.0)
NEW_ONE = {"status": 400, "code": "NEW_ONE", "description": "in words"}

COMMANDS = (
    "serve", "worker", "migrate", "doctor", "portals", "journal", "rotate-keys", "replay", "forget",
)  # fmt: skip


@pytest.fixture
async def alone(portal: Portal, settings: Settings) -> AsyncIterator[Stage]:
    """A stage whose bot the test starts."""
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        yield stage
        stage.engine.dispose()


def test_every_command_explains_itself() -> None:
    assert sorted(cli.commands) == sorted(COMMANDS)
    for command in cli.commands.values():
        assert len(command.get_short_help_str(60)) > 20
        assert not command.get_short_help_str(60).endswith("...")


@ON_SQLITE
async def test_the_version_is_told(settings: Settings) -> None:
    assert (await ran(settings, "--version")).out == f"Switchboard {__version__}\n"


@ON_SQLITE
async def test_nobody_has_a_number_that_no_database_holds(settings: Settings) -> None:
    for options in (["journal", "--user", "9" * 26], ["forget", "--portal", "x", "--person", "0"]):
        ran_so = await ran(settings, *options)
        assert ran_so.code == 2
        assert "is not in the range 1<=x<=2147483647" in ran_so.err


@ON_SQLITE
async def test_no_argument_ends_in_a_traceback(settings: Settings) -> None:
    """A portal that is not there is no portal without a journal."""
    for code, words, *options in (
        (2, "is neither a member_id nor an address", "forget", "--portal", "https://[a"),
        (2, "is it typed in UTF-8", "journal", "--chat", os.fsdecode(b"\xf7\xe1")),
        (1, "There is no portal portal.ru. `portals` lists", "journal", "--portal", "portal.ru"),
        (1, "There is no portal 00ff. `portals` lists", "replay", "--portal", "00ff", "--json"),
    ):
        ran_so = await ran(settings, *options)
        assert (ran_so.code, ran_so.out) == (code, "")
        assert words in ran_so.err
        assert "Traceback" not in ran_so.err


@pytest.mark.parametrize("has_uvloop", [True, False])
def test_it_runs_on_uvloop_where_the_platform_has_it(
    monkeypatch: pytest.MonkeyPatch, *, has_uvloop: bool
) -> None:
    if not has_uvloop:
        monkeypatch.setitem(sys.modules, "uvloop", None)

    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(loop()).startswith("uvloop") == has_uvloop


@ON_SQLITE
async def test_portals_tells_how_each_of_them_stands(stage: Stage) -> None:
    await stage.say("/invite id12")
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.faults(events={"tokens": "none"})
    await stage.say("/invite id15")

    [titles, row] = (await ran(stage.settings, "portals")).out.splitlines()
    [told] = await written(stage, "portals")

    assert titles.split()[:5] == ["PORTAL", "ADDRESS", "STATE", "INSTALLER", "BOT"]
    member_id = stage.portal.state.settings.member_id
    address = stage.portal.url.removeprefix("http://")
    assert re.split(r"\s{2,}", row)[:5] == [member_id, address, "ok", "ok", "ok"]
    assert row.endswith("0 + 1")
    assert (told["portal"], told["address"]) == (member_id, address)
    assert told["installer"] == {"user": 1, "token": "ok"}
    assert (told["ready"], told["parked"]) == (0, 1)
    assert abs(told["people"] - 2) <= 1


@ON_SQLITE
async def test_without_portals_there_is_a_word_to_that_effect(empty_stage: Stage) -> None:
    assert (await ran(empty_stage.settings, "portals")).out.startswith("No portal has installed")
    assert await written(empty_stage, "portals") == []
    assert await written(empty_stage, "journal") == []


@ON_SQLITE
async def test_journal_finds_what_is_asked_for(stage: Stage) -> None:
    await stage.say("/invite id12")
    await stage.say("/remove id12")
    await stage.faults(method=ADD, error=NEW_ONE)
    [reference] = re.findall(r"код (\w+)", await stage.say("/invite id41"))
    member_id = stage.portal.state.settings.member_id

    everything = await written(stage, "journal")
    table = (await ran(stage.settings, "journal", "--limit", "1")).out.splitlines()

    assert [(one["command"], one["person"], one["result"]) for one in everything] == [
        ("invite", 41, "refused"), ("remove", 12, "done"), ("invite", 12, "done")
    ]  # fmt: skip
    assert everything[0]["reference"] == reference
    assert len(table) == 2
    assert re.split(r"\s{2,}", table[1])[1:5] == [reference, member_id, str(OLGA), "invite"]
    assert table[1].endswith("refused  NEW_ONE")
    for options, found in (
        (["--user", str(OLGA), "--result", "done"], everything[1:]),
        (["--user", str(ANNA)], []),
        (["--chat", str(CHAT), "--since", "2h", "--limit", "2"], everything[:2]),
        (["--portal", stage.portal.url, "--ref", reference.lower()], everything[:1]),
    ):
        assert await written(stage, "journal", *options) == found, options
    later = await ran(stage.settings, "journal", "--since", "2999-01-01")
    assert (later.code, later.out) == (0, "The journal has nothing of the kind.\n")


@IMPATIENT
async def test_a_command_without_an_answer_is_run_again_and_done_once(stage: Stage) -> None:
    await stage.faults(method="batch", drop="after")
    await stage.faults(method="im.chat.user.list", delay=5.0, times=None)
    [reference] = re.findall(r"код (\w+)", await stage.say("/invite id12"))
    await stage.faults(clear=True)
    before = len(await stage.heard())

    [listed] = await written(stage, "replay")
    asked = await ran(stage.settings, "replay", reference, typed="n\n")
    done = await ran(stage.settings, "replay", reference, typed="y\n")

    assert (listed["reference"], listed["state"]) == (reference, "no_answer")
    assert (asked.code, "Run this command again? [y/N]" in asked.out) == (1, True)
    assert done.code == 0, done
    assert re.search(rf"^{reference} .* done$", done.out, re.MULTILINE)
    assert len(await stage.calls(ADD)) == 1
    assert (await stage.heard())[before:] == ["✅ [USER=12][/USER] теперь в этом чате."]
    assert await written(stage, "replay") == []


@ON_SQLITE
async def test_what_was_refused_is_tried_anew_and_the_refusal_stays_in_the_journal(
    stage: Stage,
) -> None:
    await stage.faults(method=ADD, error=NEW_ONE, user_id=OLGA)
    said = await stage.say("/invite id12 id15")
    [reference] = re.findall(r"код (\w+)", said)

    [ended] = await written(stage, "replay", reference, "--yes")
    journal = await written(stage, "journal", "--ref", reference)

    assert (ended["state"], ended["code"]) == ("done", "")
    assert sorted((one["person"], one["result"], one["code"]) for one in journal) == [
        (IVAN, "done", ""), (IVAN, "refused", "NEW_ONE"), (ANNA, "done", "")
    ]  # fmt: skip
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == ["12", "15", "12"]


@ON_SQLITE
@IMPATIENT
async def test_run_again_a_command_may_mean_somebody_else(stage: Stage) -> None:
    await stage.faults(method=ADD, drop="before", times=None)
    await stage.faults(method="im.chat.user.list", delay=5.0, times=None)
    [reference] = re.findall(r"код (\w+)", await stage.say("/escalate"))
    await stage.faults(clear=True)
    stage.portal.state.crm["DEAL", 288].assigned_by = ANNA

    [ended] = await written(stage, "replay", reference, "--yes")
    journal = await written(stage, "journal", "--ref", reference)

    assert ended["state"] == "done"
    assert [(one["person"], one["result"]) for one in journal] == [
        (ANNA, "done"), (RESPONSIBLE, "unknown")
    ]  # fmt: skip


@ON_SQLITE
async def test_what_is_not_to_be_run_again_is_not(stage: Stage) -> None:
    await stage.say("/invite id12")

    done = await ran(stage.settings, "replay", "1", "00ff", "--yes")
    wrong = await ran(stage.settings, "replay", "no-number")
    mute = await ran(stage.settings, "replay", "--all", "--json")

    assert done.code == 1
    assert "Command 0001 was carried out: there is nothing to run again." in done.err
    assert "There is no command 00FF" in done.err
    assert (wrong.code, "hexadecimal digits like 00A3" in wrong.err) == (2, True)
    assert (mute.code, "say --yes as well" in mute.err) == (2, True)
    assert len(await stage.calls(ADD)) == 1


async def test_what_nobody_takes_up_waits_for_the_next_process(alone: Stage) -> None:
    async with bot_running(alone.settings):
        await alone.install()
        await alone.faults(method=ADD, error=NEW_ONE)
        await alone.say("/invite id12")

    told = await ran(alone.settings, "replay", "1", "--yes", "--wait", "0")
    assert IVAN not in await alone.members()
    async with bot_running(alone.settings):
        await alone.joined(IVAN)

    assert told.code == 1
    assert "No process of the bot has taken it up" in told.err
    assert len(await alone.calls(ADD)) == 2


@ON_SQLITE
async def test_a_command_that_hangs_gets_its_turn(stage: Stage) -> None:
    await stage.say("/invite id12")
    with stage.engine.begin() as connection:
        # As after a restored backup: the process that runs does not know of it.
        connection.execute(
            text(
                "INSERT INTO inbox (identity, member_id, requester_id, lane, message_id, line,"
                " event, received_at, attempts, proven) SELECT 'another', member_id, requester_id,"
                " lane, message_id, line, replace(event, 'id12', 'id15'), received_at - 90, 0, true"
                " FROM inbox"
            )
        )

    [listed] = await written(stage, "replay")
    [ended] = await written(stage, "replay", "--all", "--yes")

    assert (listed["state"], ended["state"]) == ("stuck", "done")
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == ["12", "15"]


@ON_POSTGRESQL
async def test_migrate_tells_each_version(settings: Settings, postgres: Any) -> None:
    fresh = SecretStr(postgres.copy("template1"))
    settings = settings.model_copy(update={"database_url": fresh})

    first = await ran(settings, "migrate")
    again = await ran(settings, "migrate", "--json")

    assert re.findall(r"^(\d{4})  \w+", first.out, re.MULTILINE)[:3] == ["0001", "0002", "0003"]
    assert first.out.endswith("The database is up to date.\n")
    assert json.loads(again.out) == {"applied": []}


@ON_SQLITE
async def test_long_work_shows_how_far_it_is(stage: Stage) -> None:
    keys = [SecretStr(Fernet.generate_key().decode()), SecretStr(KEY)]
    settings = stage.settings.model_copy(update={"encryption_keys": keys})

    seen = await ran_in_terminal(settings, "rotate-keys")
    again = await ran(settings, "rotate-keys", "--json")

    assert (seen.code, again.code) == (0, 0)
    assert re.search(r"Encrypting .* 100%", seen.out), seen.out
    rows = json.loads(again.out)["rows"]
    assert f"{rows} rows are encrypted with the first key." in seen.out


@ON_SQLITE
async def test_the_doctor_speaks_to_programs_too(stage: Stage) -> None:
    stage.portal.state.commands.clear()

    seen = await ran(stage.settings, "doctor", "--json")
    told = json.loads(seen.out)

    assert (seen.code, told["ok"]) == (1, False)
    [found] = told["portals"]
    commands = next(check for check in found["checks"] if check["name"] == "commands")
    assert (commands["ok"], commands["remedy"]) == (False, "repair")


async def written(stage: Stage, *arguments: str) -> Any:
    seen = await ran(stage.settings, *arguments, "--json")
    assert seen.code == 0, seen
    return json.loads(seen.out)


@ON_SQLITE
async def test_no_row_is_forged(stage: Stage) -> None:
    await stage.faults(method=ADD, error=NEW_ONE)
    await stage.say("/invite id12")
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE journal SET code = :code"), {"code": "A\nB\x1b[2J\u2028C"})

    for command in ("journal", "doctor"):
        seen = await ran(stage.settings, command)

        [line] = [one for one in seen.out.split("\n") if "A\\nB" in one]
        assert "A\\nB\\x1b[2J\\u2028C" in line
