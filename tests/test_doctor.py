"""python -m bot doctor: what is wrong, said in a terminal."""

import asyncio
from pathlib import Path

from process import bot_process
from stage import OLGA, Stage


async def test_a_bot_that_does_well(stage: Stage, tmp_path: Path) -> None:
    await stage.say("/invite id12")

    code, told = await examined(stage, tmp_path)

    assert code == 0, told
    assert "ok  Settings: Bitrix24 reaches the bot at http://127.0.0.1" in told
    assert "ok  Permission of the administrator who installed the bot" in told
    assert "ok  The last command came: 20" in told
    assert "!!" not in told


async def test_what_is_wrong_is_named_with_what_to_do(stage: Stage, tmp_path: Path) -> None:
    stage.portal.state.commands.clear()
    stage.portal.state.app.handlers.clear()
    await stage.faults(scopes=["imbot", "im", "imopenlines"])

    code, told = await examined(stage, tmp_path)

    assert code == 1
    assert "!!  Permissions of the app: crm, department, user, sonet_group" in told
    assert "!!  The bot's commands: /" in told
    assert "!!  The portal tells the bot of updates and of its removal" in told
    assert "Press Register the bot anew." in told


async def test_whom_the_roles_do_not_reach_is_named(stage: Stage, tmp_path: Path) -> None:
    await stage.faults(user={"id": OLGA, "history": "self"})
    await stage.say("/invite id12 id41")

    code, told = await examined(stage, tmp_path)

    assert code == 0, told
    assert (
        "??  Colleagues whom operators' roles did not reach in the last 24 hours: id12, id41"
        in told
    )
    assert "Communication history – View of the operators' role to Any" in told


async def test_an_installer_who_is_gone(stage: Stage, tmp_path: Path) -> None:
    await stage.faults(tokens="revoked", user_id=1)

    code, told = await examined(stage, tmp_path)

    assert code == 1
    assert "Have a portal administrator open this page" in told


async def test_a_portal_that_does_not_answer_proves_nothing(stage: Stage, tmp_path: Path) -> None:
    await stage.faults(method="batch", html=502, times=None)

    code, told = await examined(stage, tmp_path)

    assert code == 0
    assert "??  Permission of the administrator" in told


async def test_it_leaves_commands_to_the_bot(stage: Stage, tmp_path: Path) -> None:
    before = stage.stored()
    calls = len(await stage.calls())

    await examined(stage, tmp_path)

    methods = {one["method"] for one in (await stage.calls())[calls:]}
    assert methods == {"batch", "scope", "imbot.v2.Bot.get", "imbot.v2.Command.list", "event.get"}
    assert stage.stored() == before


async def examined(stage: Stage, folder: Path) -> tuple[int, str]:
    log = folder / "doctor"
    async with bot_process(stage.settings, "doctor", log=log) as process:
        code = await asyncio.wait_for(process.wait(), 30)
    return code, log.read_text()
