"""What the bot writes about itself: a line for every command, found by what its requester reads."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from process import ROOT, bot_process, environment, ready
from stage import ADD, ANNA, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage
from terminal import ran_in_terminal
from test_events import post, sample

from bot.settings import Settings
from sandbox.server import Portal


@ON_SQLITE
async def test_the_reply_leads_to_the_line_of_its_command(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        async with bot_process(settings, log=tmp_path / "log") as process:
            await ready(settings, session)
            await stage.install()
            await stage.say("/invite id15")
            refusal = {"status": 400, "code": "NEW_ONE", "description": "in words"}
            await stage.faults(method=ADD, error=refusal)
            said = await stage.say("/invite id12")
            # Killed, it might owe the last line.
            process.terminate()
            await process.wait()
        stage.engine.dispose()
    [reference] = re.findall(r"код (\w+)", said)

    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    about = [line for line in lines if line.get("reference") == reference]
    [ended] = [line for line in about if line["message"] == "command ended"]

    assert about[0]["message"].endswith("a code that no page names: NEW_ONE")
    assert {one["portal"] for one in about} == {portal.state.settings.member_id}
    assert {one["event_id"] for one in about} == {ended["event_id"]}
    assert ended["level"] == "info"
    assert (ended["command"], ended["outcome"]) == ("invite", "refused")
    assert (ended["code"], ended["user"]) == ("unknown_refusal", OLGA)
    assert 0 < ended["seconds"] < 10
    both = {one["event_id"] for one in lines if one["message"] == "command ended"}
    assert len(both) == 2
    assert not [key for line in lines for key in leaked(line)]


@ON_SQLITE
async def test_in_a_terminal_the_lines_are_to_be_read(settings: Settings) -> None:
    seen = await ran_in_terminal(settings, "serve", until="listening on port")

    assert seen.code == 0
    assert re.search(r"^\S+Z .*info.* .*listening on port \d+", seen.out, re.MULTILINE), seen.out
    assert '{"' not in seen.out


@ON_SQLITE
async def test_a_log_that_nobody_reads_any_more_costs_no_command(
    portal: Portal, settings: Settings
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", env=environment(settings), cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        try:
            await ready(settings, session)
            await stage.install()
            process._transport.get_pipe_transport(2).close()
            await stage.faults(method="batch", delay=0.3)
            for number in (IVAN, ANNA, RESPONSIBLE):
                await stage.type(f"/invite id{number}")
            await stage.settled()
            assert len(await stage.heard()) == 3
        finally:
            process.kill()
            await process.wait()
            stage.engine.dispose()


def leaked(line: dict[str, Any]) -> list[str]:
    """Nothing that somebody typed, nor what acts for him."""
    return [key for key, value in line.items() if "id12" in str(value) or "token" in key]


@ON_SQLITE
async def test_nobody_forges_a_line(portal: Portal, settings: Settings, tmp_path: Path) -> None:
    forged = "ON\n2026-01-01T00:00:00Z [error    ] forged\u2028\x9b31m"
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        text = settings.model_copy(update={"log_format": "text"})
        async with bot_process(text, log=tmp_path / "log") as process:
            await ready(settings, session)
            await stage.install()
            assert (await post(stage, sample(stage, event=forged)))[0] == 200
            process.terminate()
            await process.wait()
        stage.engine.dispose()

    [line] = [one for one in (tmp_path / "log").read_text().split("\n") if "FORGED" in one]
    assert "ON\\n2026-01-01" in line
    assert line.isprintable()
