"""What breaks in the middle of a command: a handler, the database, the way of the answer."""

import asyncio

import pytest
from acting import INVITE, keyboard, press
from connecting import connected, offered
from guests import time_passes
from postgres import Server
from sqlalchemy import text
from stage import ADD, ADMIN, ANNA, ANSWER, CHAT, IVAN, OLGA, ON_POSTGRESQL, ON_SQLITE, SEND, Stage
from test_metrics import WATCHED, figures, value

import handlers
from bot.bitrix24.events import CommandEvent
from bot.commands.outcomes import Outcomes
from bot.commands.router import Arguments, Router

INVITED = "✅ [USER=12][/USER] теперь в этом чате."


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot of the test's own: its /who breaks."""
    router = Router(handlers.router)
    del router.commands["who"]

    @router.command("who", proven=True)
    async def who(args: Arguments, event: CommandEvent) -> Outcomes:
        raise LookupError("words of the handler")

    monkeypatch.setattr(handlers, "router", router)


@pytest.mark.usefixtures("broken")
@ON_SQLITE
@WATCHED
async def test_a_handler_that_breaks_ends_in_words(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await stage.say("/who")

    assert reply.startswith("⚠️ В боте произошёл сбой, команда не выполнена до конца.")
    assert "words of the handler" not in reply
    assert reply in await stage.told_privately()
    [entry] = [one for one in caplog.records if one.exc_info]
    assert entry.levelname == "ERROR"
    assert reply.endswith("код 0001[/i]")
    assert entry.getMessage() == "command 0001 failed"
    counted = await figures(stage)
    assert value(counted, "commands_total", command="who", outcome="failed", code="failure") == 1
    assert (await stage.say("/invite id12")) == INVITED


@ON_SQLITE
@pytest.mark.parametrize("lost", ["journal", "preferences"])
async def test_a_command_that_loses_a_part_of_the_database_is_run_again(
    stage: Stage, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Before it has changed anything, or after that."""
    rename(stage, lost, "away")
    await stage.type("/invite id12", hidden=False)
    await stage.until(lambda: waiting(caplog))
    rename(stage, "away", lost)
    await stage.settled()

    assert len(await stage.calls(ADD)) == 1
    assert [one for one in await stage.heard() if not one.startswith("👀")] == [INVITED]


@ON_POSTGRESQL
async def test_a_command_that_loses_postgresql_is_run_again_and_done_once(
    stage: Stage, postgres: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.say("/invite id15")
    await stage.faults(method="batch", delay=2)
    await stage.type("/invite id12")
    await stage.until(lambda: begun(stage, 2))
    try:
        await asyncio.to_thread(postgres.stop)
        await stage.until(lambda: is_in_or_given_up(stage, caplog))
    finally:
        # The tests that follow need it.
        await asyncio.to_thread(postgres.start)
        stage.engine.dispose()
    await stage.settled(40)

    assert len([one for one in await stage.calls(ADD) if one["params"]["USER_ID"] == "12"]) == 1
    assert (await stage.heard()).count(INVITED) == 1


@ON_SQLITE
@WATCHED
async def test_what_nobody_could_be_told_is_not_counted_as_done(stage: Stage) -> None:
    for method in (ANSWER, SEND):
        refused = {"status": 400, "code": "SOMETHING_NEW", "description": "No"}
        await stage.faults(method=method, error=refused, times=None)

    assert await stage.say("/invite id12") == ""

    assert IVAN in await stage.members()
    counted = await figures(stage)
    assert value(counted, "commands_total", command="invite", outcome="unanswered", code="") == 1
    assert value(counted, "commands_total", command="invite", outcome="done", code="") == 0


@ON_SQLITE
async def test_what_was_not_begun_for_want_of_a_permission_is_not_taken_for_done(
    stage: Stage,
) -> None:
    """Somebody else brings Ivan in meanwhile: that is not undone by who had asked for it."""
    stage.portal.state.chats[CHAT].members.append(ANNA)
    await stage.faults(events={"tokens": "none"})
    assert "нужно разрешение один раз" in await stage.say("/invite id12")
    await stage.faults(events={"tokens": "normal"})
    await stage.faults(user={"id": ANNA, "history": "any"})
    assert INVITED in await stage.say("/invite id12", user=ANNA)

    await connected(stage, await offered(stage))
    await stage.until(lambda: called(stage, ADD, 2))
    await stage.settled()

    assert (await stage.told_privately())[-1].startswith("ℹ️ [USER=12]")
    await stage.say("/undo")
    assert IVAN in await stage.members()


@ON_SQLITE
async def test_in_a_hidden_chat_nobody_is_told_that_the_customer_may_have_seen(
    stage: Stage,
) -> None:
    await stage.faults(chat={"id": CHAT, "silent": True})

    assert await stage.say("/invite id12", hidden=False) == INVITED

    assert await stage.told_privately() == []


@ON_SQLITE
async def test_the_administrator_is_not_told_twice_of_what_they_have_typed(stage: Stage) -> None:
    stage.portal.state.chats[CHAT].members.append(ADMIN)
    scope = {"status": 401, "code": "insufficient_scope", "description": ""}
    await stage.faults(method=ADD, error=scope, times=None)

    await stage.say("/invite id12", user=ADMIN)
    assert len(await stage.told_privately(ADMIN)) == 1

    await stage.say("/invite id12")
    assert f"[USER={OLGA}]" in (await stage.told_privately(ADMIN))[1]


@ON_SQLITE
async def test_a_private_button_works_once(stage: Stage) -> None:
    await stage.say("/invite @Иван")
    number, buttons = await keyboard(stage)
    label = next(one["TEXT"] for one in buttons if "Юрист" in one["TEXT"])
    assert await press(stage, label)

    body = {"message_id": number, "button": 0, "user_id": OLGA}
    async with stage.session.post(f"{stage.portal.url}/sandbox/presses", json=body) as again:
        assert (again.status, "disabled" in await again.text()) == (409, True)


def rename(stage: Stage, table: str, name: str) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


async def waiting(caplog: pytest.LogCaptureFixture) -> bool:
    return "command 0001 waits for the database" in caplog.text


async def begun(stage: Stage, calls: int) -> bool:
    return stage.count("SELECT count(*) FROM journal") == calls


async def is_in_or_given_up(stage: Stage, caplog: pytest.LogCaptureFixture) -> bool:
    return IVAN in await stage.members() or "StoreUnavailable" in caplog.text


async def called(stage: Stage, method: str, times: int) -> bool:
    return len(await stage.calls(method)) >= times


@ON_POSTGRESQL
async def test_a_look_that_breaks_is_not_the_last(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.say("/invite @15 --for 5m")
    _rename(stage, "stays", "away")
    await stage.until(lambda: _is_logged(caplog, "Timers.look failed"))
    _rename(stage, "away", "stays")

    await time_passes(stage, 301)

    await stage.until(lambda: _is_alone(stage))


async def _is_logged(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.messages


async def _is_alone(stage: Stage) -> bool:
    return ANNA not in await stage.members()


def _rename(stage: Stage, old: str, new: str) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


@ON_SQLITE
async def test_an_invitation_to_a_group_whose_answer_was_lost_is_not_called_unsent(
    stage: Stage,
) -> None:
    await stage.faults(method=INVITE, drop="after")
    assert (await stage.say("/group 15 id41")).startswith("⚠️ Битрикс24 не ответил: неизвестно")
    assert len(await stage.calls(INVITE)) == 2

    await stage.faults(method=INVITE, drop="after")
    assert (await stage.say("/group 15 @3")) == "ℹ️ Уже в группе «Юристы»: [USER=3][/USER]."

    await stage.faults(method=INVITE, drop="before")
    assert "✅ Приглашение в группу" in await stage.say("/group 15 id21")
