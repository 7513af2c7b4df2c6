"""The demo, run as a newcomer runs it."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from program import all_said, program, said_until
from stage import ANNA, CHAT

from bot.settings import Settings
from sandbox.demo.process import environment
from sandbox.server import running

ROOT = Path(__file__).parents[1]
MAIN = "from sandbox.demo.__main__ import main; main()"
DEMO = ("-W", "error", "-m", "sandbox.demo")
PATIENCE = 60.0
DRIVER = 41


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What a developer may have exported; whatever the demo leaves behind is seen in tmp_path."""
    misleading = {"DATABASE_URL": "sqlite:////nowhere/at.all", "PUBLIC_URL": "no address"}
    return {**os.environ, **misleading, "TMPDIR": str(tmp_path), "PYTHONUTF8": "1"}


def _started(environ: dict[str, str], *command: str) -> AbstractAsyncContextManager[Process]:
    return program(sys.executable, *command, folder=ROOT, variables=environ)


async def _run_in_shell(line: str) -> str:
    process = await asyncio.create_subprocess_shell(line, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE):
        answer, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return answer.decode()


async def test_plays_the_main_job_and_ends(environ: dict[str, str], tmp_path: Path) -> None:
    async with _started(environ, *DEMO, "--once") as process:
        said = await all_said(process, PATIENCE)

    assert process.returncode == 0, said
    for line in (
        r"    /invite @Иван Петров",
        r"imopenlines\.crm\.chat\.user\.add +token of Ольга Смирнова \(7\)",
        r"CRM_ENTITY_TYPE=deal  CRM_ENTITY=288  USER_ID=12  CHAT_ID=8773",
        r"Switchboard: ✅ Иван Петров теперь в этом чате\.",
        r"The customer sees of all this:\n    nothing",
        r"✓ Иван Петров \(12\) is a member of the chat",
        r"✓ Павел Лебедев \(33\) was not added",
        r"✓ the customer got no answer",
        r"    /escalate -- the client wants to leave",
        r"Роман Соколов \(21\) presses: Не могу",
        r"✓ both were called with the token of Ольга Смирнова \(7\), one by one",
        r"Switchboard: ✅ Эскалация принята: Борис Волков, через \d секунд",
        r"✓ the customer saw nothing of it",
        r"Everything went as expected\.",
    ):
        assert re.search(line, said), f"{line} is not in:\n{said}"
    assert _transcript() in said
    assert "✗" not in said
    assert max(map(len, said.splitlines())) <= 90
    assert "\033" not in said
    assert _left_in(tmp_path) == []


async def test_says_what_did_not_go_as_expected(environ: dict[str, str]) -> None:
    # Anna is nobody whom the portal refuses.
    play = f"from sandbox.demo import scene; scene.PAVEL = {ANNA}; {MAIN}"
    async with _started(environ, "-c", play, "--once") as process:
        said = await all_said(process, PATIENCE)

    assert process.returncode == 1
    assert "This did not go as expected:\n  ✗ Анна Орлова (15) was not added" in said


async def test_shows_why_the_bot_does_not_start(environ: dict[str, str], tmp_path: Path) -> None:
    play = f"from sandbox.demo import process; process.ROOT = {str(tmp_path)!r}; {MAIN}"
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__main__.py").write_text("raise SystemExit('out of order')")
    async with _started(environ, "-c", play, "--once") as process:
        said = await all_said(process, PATIENCE)

    assert process.returncode == 1
    assert "  out of order\n" in said
    assert "✗ the bot does not start (status 1)" in said
    assert "Traceback" not in said


async def test_its_lines_work_when_pasted(environ: dict[str, str], tmp_path: Path) -> None:
    async with _started(environ, *DEMO) as process:
        said = await said_until(
            process, lambda said: said.endswith("'data[language]=ru'\n"), PATIENCE
        )
        lines = re.findall(r"^curl (?:.*\\\n)*.*$", said, re.MULTILINE)
        type_, look, talk, calls, event = lines

        assert json.loads(await _run_in_shell(type_))["message_id"]
        await _until_member(look, ANNA)
        assert await _run_in_shell(event) == "ok\n"
        await _until_member(look, DRIVER)
        assert "Павел" in await _run_in_shell(talk)
        owners = _owners(json.loads(await _run_in_shell(calls)), "imopenlines.crm.chat.user.add")
        assert owners == [7] * 6

        process.send_signal(signal.SIGTERM)
        end = await all_said(process, PATIENCE)
        assert "down" in end
    await _assert_gone(process, said + end, tmp_path)


async def test_leaves_nothing_behind(environ: dict[str, str], tmp_path: Path) -> None:
    async with _started(environ, *DEMO) as process:
        said = await said_until(process, lambda said: "ONIMBOTV2COMMANDADD" in said, PATIENCE)
        process.send_signal(signal.SIGINT)
        said += await all_said(process, PATIENCE)
    await _assert_gone(process, said, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_leaves_nothing_behind_in_the_middle(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    async with _started(environ, *DEMO, "--once") as process:
        await said_until(process, lambda said: "Starting" in said, PATIENCE)
        process.send_signal(number)
        said = await all_said(process, PATIENCE)

    assert process.returncode == 130
    assert "Traceback" not in said
    assert _left_in(tmp_path) == []


async def test_gives_the_bot_every_setting(tmp_path: Path) -> None:
    async with running() as portal:
        given = environment(portal, 8080, tmp_path)

    assert {name.upper() for name in Settings.model_fields} <= given.keys()


async def _assert_gone(process: Process, said: str, folder: Path) -> None:
    """A demo that was ended has taken its bot and its files with it."""
    [address] = re.findall(r"bot +http://127\.0\.0\.1:(\d+)", said)
    with pytest.raises(OSError, match=address):
        await asyncio.open_connection("127.0.0.1", int(address))
    assert process.returncode == 0
    assert _left_in(folder) == []


async def _until_member(look: str, person: int) -> None:
    assert str(CHAT) in look
    async with asyncio.timeout(PATIENCE):
        while person not in json.loads(await _run_in_shell(look))["members"]:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.05)


def _owners(calls: list[dict[str, Any]], method: str) -> list[int]:
    return [call["user_id"] for call in calls if call["method"] == method]


def _left_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def _transcript() -> str:
    """What the README shows of the demo."""
    return (ROOT / "README.md").read_text().partition("```text\n")[2].partition("```")[0]
