"""A process that dies, and the one after it."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from app_page import opened, posted, words_of
from escalating import TAKE, card, decide
from process import bot_process, ready
from stage import ADD, ADMIN, ANNA, ANSWER, IVAN, ON_SQLITE, RESPONSIBLE, Stage

from bot.inbox.accepted import POISON
from bot.settings import Settings
from sandbox.server import Portal

# Between processes that share PostgreSQL, a dead one's chats are taken over within 15 seconds,
# where the machine has nothing else to do.
TAKEOVER = 60.0


@pytest.fixture
async def killed(portal: Portal, settings: Settings, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose bot is started by the test."""
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        yield stage
        stage.engine.dispose()


async def test_a_command_that_got_its_200_is_finished_by_the_next_process(
    killed: Stage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # The portal is slow, so that the process dies before it has done anything.
    async with _dying(killed, log):
        await killed.faults(method="batch", delay=30)
        await killed.type("/invite id12")
        await killed.until(lambda: _arrived(killed))
    assert IVAN not in await killed.members()
    await killed.faults(clear=True)

    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert IVAN in await killed.members()
    assert [text for text in await killed.heard() if "теперь в этом чате" in text]


async def test_what_was_done_before_the_end_is_not_done_again(
    killed: Stage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # The portal acts, and its answer never arrives.
    async with _dying(killed, log):
        await killed.faults(method="batch", drop="after")
        await killed.faults(method="im.chat.user.list", delay=30)
        await killed.type("/invite id12")
        await killed.joined(IVAN)
    await killed.faults(clear=True)

    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert len(await killed.calls(ADD)) == 1
    [said] = await killed.heard()
    assert said == "✅ [USER=12][/USER] теперь в этом чате."


@ON_SQLITE
async def test_a_trail_in_the_timeline_is_left_once(killed: Stage, tmp_path: Path) -> None:
    log = tmp_path / "log"
    comment = "crm.timeline.comment.add"
    await decide(killed, trail=True)
    # The comment is there, its answer never arrives, and nobody comes to look for it.
    async with _dying(killed, log):
        await killed.faults(method=comment, drop="after")
        await killed.faults(method="crm.timeline.comment.list", delay=30)
        await killed.say("/escalate")
        message = await card(killed, RESPONSIBLE)
        press = {"message_id": message, "button": TAKE, "user_id": RESPONSIBLE}
        await killed.post("presses", press)
        await killed.until(lambda: _commented(killed))
    await killed.faults(clear=True)

    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert len(await killed.calls(comment)) == 1
    assert await _commented(killed)
    assert [one for one in await killed.heard() if "Эскалация принята" in one]


@ON_SQLITE
async def test_what_was_done_and_not_worded_is_told_though_nobody_answers_whose_token_it_is(
    killed: Stage, tmp_path: Path
) -> None:
    """However many commands a process leaves at once, and whatever the portal does meanwhile."""
    log = tmp_path / "log"
    async with _dying(killed, log):
        await killed.faults(method=ANSWER, delay=30, times=None)
        await killed.type("/invite id12")
        await killed.until(lambda: _attempted(killed, 1))
    with killed.engine.begin() as connection:
        # As if it had ended a moment earlier.
        connection.exec_driver_sql("UPDATE inbox SET replies = NULL, attempts = 0, proven = 0")
    await killed.faults(clear=True)
    await killed.faults(method="profile", html=503, times=3)

    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert len(await killed.calls(ADD)) == 1
    assert await killed.heard() == ["✅ [USER=12][/USER] теперь в этом чате."]


async def test_a_reply_whose_process_dies_twice_comes_privately(
    killed: Stage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with _dying(killed, log):
        await killed.faults(method=ANSWER, delay=30, times=None)
        await killed.type("/invite id12")
        await killed.until(lambda: _attempted(killed, 1))
    async with bot_process(killed.settings, log=log):  # killed at its end, too
        await killed.until(lambda: _attempted(killed, 2), TAKEOVER)
    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert await _attempted(killed, 3)
    assert len(await killed.calls(ADD)) == 1
    assert (await killed.told_privately())[-1] == "✅ [USER=12][/USER] теперь в этом чате."


@ON_SQLITE
async def test_an_answer_that_was_turned_away_is_no_attempt(killed: Stage, tmp_path: Path) -> None:
    """However many processes die over it: the chat hears it in the end."""
    log = tmp_path / "log"
    full = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": ""}
    async with _dying(killed, log):
        await killed.faults(method=ANSWER, error=full, times=None)
        await killed.type("/invite id12")
        await killed.until(lambda: _turned_away(killed, 1))
    before = len(await killed.calls(ANSWER))
    async with bot_process(killed.settings, log=log):  # killed at its end, too
        await killed.until(lambda: _turned_away(killed, before + 1), TAKEOVER)
    await killed.faults(clear=True)
    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert await killed.told_privately() == []
    assert await killed.heard() == ["✅ [USER=12][/USER] теперь в этом чате."]


async def test_a_command_that_ends_two_processes_is_not_run_a_third_time(
    killed: Stage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with _dying(killed, log):
        await killed.faults(method="batch", delay=30, times=None)
        await killed.type("/invite id12\n/invite id15")
        await killed.until(lambda: _suspected(killed, 1))
    async with bot_process(killed.settings, log=log):  # killed at its end, too
        await killed.until(lambda: _suspected(killed, POISON), TAKEOVER)
    await killed.faults(clear=True)
    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)
        _, page = await opened(killed, ADMIN)
        shown = words_of(await posted(killed, page, view="state"))

    assert IVAN not in await killed.members()
    assert ANNA in await killed.members()
    [told] = [one for one in await killed.told_privately() if "дважды остановила бота" in one]
    [code] = re.findall(r"\[i\]код (\w+)\[/i\]", told)
    when = r"\d+ \w+\.? \d{4}, \d\d:\d\d UTC"
    assert re.search(f"Команда дважды остановила бота.{{1,40}} {when} {code} Проверьте", shown)
    assert "has ended two processes: it is not run" in log.read_text()
    assert killed.count("SELECT count(*) FROM inbox WHERE code = 'ends_processes'") == 1


async def test_an_answer_that_comes_after_ten_minutes_goes_to_the_requester_alone(
    killed: Stage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with _dying(killed, log):
        await killed.faults(method="batch", delay=30)
        await killed.type("/invite id12")
        await killed.until(lambda: _arrived(killed))
    await killed.faults(clear=True)
    with killed.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE inbox SET received_at = received_at - 600")

    async with bot_process(killed.settings, log=log):
        await killed.settled(TAKEOVER)

    assert IVAN in await killed.members()
    assert not await killed.calls(ANSWER)
    assert (await killed.told_privately())[-1] == "✅ [USER=12][/USER] теперь в этом чате."


async def test_sigterm_lets_a_running_command_finish(killed: Stage, tmp_path: Path) -> None:
    async with bot_process(killed.settings, log=tmp_path / "log") as process:
        await ready(killed.settings, killed.session)
        assert await killed.install() == 200
        await killed.faults(method="batch", delay=0.7)
        await killed.type("/invite id12")
        await killed.until(lambda: _begun(killed))
        process.send_signal(signal.SIGTERM)
        await killed.until(lambda: _takes_nothing(killed))

        assert await asyncio.wait_for(process.wait(), 25) == 0

    assert IVAN in await killed.members()
    assert killed.waiting() == 0


@asynccontextmanager
async def _dying(stage: Stage, log: Path) -> AsyncIterator[None]:
    """Have a process at work, its portal installed, and kill it at the end of the block."""
    async with bot_process(stage.settings, log=log):
        await ready(stage.settings, stage.session)
        assert await stage.install() == 200
        yield


async def _commented(stage: Stage) -> bool:
    return len(await stage.get("comments")) == 1


async def _begun(stage: Stage) -> bool:
    return stage.count("SELECT count(*) FROM journal") == 1


async def _arrived(stage: Stage) -> bool:
    return [one["status"] for one in await stage.get("deliveries")][-1] == 200


async def _takes_nothing(stage: Stage) -> bool:
    try:
        async with stage.session.get(f"{stage.settings.public_url}/readyz") as response:
            return response.status == 503
    except ClientError:
        return True


async def _suspected(stage: Stage, weight: int) -> bool:
    return stage.count("SELECT coalesce(max(suspicion), 0) FROM inbox") == weight


async def _attempted(stage: Stage, times: int) -> bool:
    return stage.count("SELECT coalesce(max(attempts), 0) FROM inbox") == times


async def _turned_away(stage: Stage, times: int) -> bool:
    return len(await stage.calls(ANSWER)) >= times and await _attempted(stage, 0)
