"""The end of --for where the day has gone otherwise than planned."""

from typing import Any

import pytest
from acting import DELETE, keyboard, press, press_at, said
from escalating import (
    LANGUAGES,
    deciding,
    ended,
    invited_and_called,
    next_one,
    speaking,
    takes,
    with_anna,
)
from escalating import time_passes as escalations_grow_older
from guests import time_passes
from sqlalchemy import text
from stage import ANNA, BOSS, CHAT, GROUP_CHAT, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage

pytestmark = ON_SQLITE

HOUR = 3600
HASTY = pytest.mark.settings(retry_for=0.5)


async def ran(stage: Stage, act: str, times: int = 1) -> None:
    """Wait until an act of the bot's own has been carried out so many times."""
    question = text("SELECT count(*) FROM inbox WHERE done_at IS NOT NULL AND event LIKE :act")

    async def is_done() -> bool:
        with stage.engine.connect() as connection:
            done = connection.execute(question, {"act": f"%{act}%"}).scalar()
        return done == times and not stage.waiting()

    await stage.until(is_done)


NEEDED = {
    "ru": "⏰ Время вышло, но в чате [CHAT=8773]с клиентом[/CHAT] для эскалации остаются: "
    "[USER=21][/USER]. Всё равно убрать: [b]/remove @коллега[/b]",
    "en": "⏰ Time is up, but an escalation still needs them in the chat [CHAT=8773]with the "
    "customer[/CHAT]: [USER=21][/USER]. To take them out all the same: [b]/remove @colleague[/b]",
}


@LANGUAGES
@pytest.mark.parametrize("is_taken", [False, True])
async def test_whom_an_escalation_needs_stays_and_that_is_said(
    empty_stage: Stage, language: str, is_taken: bool
) -> None:
    stage = empty_stage
    await invited_and_called(stage, language, is_taken=is_taken)

    await time_passes(stage, 2 * HOUR)

    told = await said(stage, NEEDED[language])
    assert "[USER=12]" in told.removeprefix(NEEDED[language])
    members = await stage.members()
    assert RESPONSIBLE in members
    assert IVAN not in members


async def test_who_was_called_for_a_while_leaves_at_its_end(stage: Stage) -> None:
    await stage.say("/escalate --for 1h")
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")

    await time_passes(stage, HOUR)

    await said(stage, "⏰ Время вышло: больше не в чате")
    assert RESPONSIBLE not in await stage.members()


async def test_an_escalation_that_was_over_before_keeps_nobody(stage: Stage) -> None:
    await with_anna(stage)
    await stage.say("/escalate", user=ANNA)
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")
    await stage.say("/remove id21")
    await stage.say("/invite id21 --for 1h")

    await time_passes(stage, HOUR)

    await said(stage, "⏰ Время вышло: больше не в чате")
    assert RESPONSIBLE not in await stage.members()


async def test_nobody_is_reminded_of_who_has_left(stage: Stage) -> None:
    await stage.say("/invite @12 --for 2h")
    await stage.say("/remove @12")

    await time_passes(stage, 2 * HOUR - 500)

    await ran(stage, "remind")
    assert await stage.told_privately() == []


async def test_only_of_who_is_still_there_the_reminder_and_its_button_tell(stage: Stage) -> None:
    await stage.say("/invite @12 @15 @3 --for 2h")
    stage.portal.state.chats[CHAT].members.remove(BOSS)
    await time_passes(stage, 2 * HOUR - 500)
    reminder = await said(stage, "бот уберёт")
    assert "[USER=12][/USER], [USER=15][/USER]." in reminder
    stage.portal.state.chats[CHAT].members.remove(ANNA)

    assert (await press(stage, "+1 час")).endswith("[/CHAT]: [USER=12][/USER].")


async def test_nothing_is_extended_for_nobody(stage: Stage) -> None:
    await stage.say("/invite @12 --for 2h")
    await time_passes(stage, 2 * HOUR - 500)
    await said(stage, "бот уберёт")
    number, _buttons = await keyboard(stage)
    await stage.say("/remove @12")

    assert (await press_at(stage, number, 0, OLGA)).startswith("Уже поздно")


FULL = {"status": 503, "code": "OVERLOAD_LIMIT", "description": "x"}
BROKEN = {"status": 500, "code": "INTERNAL_SERVER_ERROR", "description": "x"}


@HASTY
@pytest.mark.parametrize(
    "fault",
    [
        {"method": "*", "html": 503},
        {"method": DELETE, "error": FULL},
        {"method": DELETE, "error": BROKEN},
    ],
)
async def test_a_portal_that_does_not_answer_at_the_end_is_asked_again(
    stage: Stage, fault: dict[str, Any]
) -> None:
    await stage.say("/invite @12 --for 2h")
    await stage.faults(times=None, **fault)
    await time_passes(stage, 2 * HOUR)
    for times in (1, 2):
        await ran(stage, "expire", times)
        assert IVAN in await stage.members()
        await time_passes(stage, 61)
    await ran(stage, "expire", times := 3)
    await stage.faults(clear=True)

    # For some seconds more the bot may not trust the portal.
    while IVAN in await stage.members():
        await time_passes(stage, 601)
        await ran(stage, "expire", times := times + 1)

    await said(stage, "⏰ Время вышло: больше не в чате")
    assert IVAN not in await stage.members()
    assert len(await stage.told_privately()) == 1
    assert stage.count("SELECT count(*) FROM stays WHERE ended_at IS NULL") == 0


@HASTY
async def test_a_removal_whose_answer_was_lost_is_told_later(stage: Stage) -> None:
    await stage.say("/invite @12 --for 2h")
    await stage.faults(method=DELETE, drop="after")
    await stage.faults(method="im.chat.user.list", error=FULL, times=None)
    await time_passes(stage, 2 * HOUR)
    await ran(stage, "expire")
    await stage.faults(clear=True)

    await time_passes(stage, 61)

    await said(stage, "⏰ Время вышло: больше не в чате [CHAT=8773]с клиентом[/CHAT] — [USER=12]")


GIVEN_UP = {
    "ru": "[USER=12][/USER]. Битрикс24 не отвечает сутки. Проверьте список участников и уберите их "
    "там.",
    "en": "[USER=12][/USER]. Bitrix24 hasn't answered for a day. Check the member list and take "
    "them out there.",
}


@HASTY
@LANGUAGES
async def test_after_a_day_without_an_answer_its_requester_is_told(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    await speaking(stage, language)
    await stage.say("/invite @12 --for 2h")
    await stage.faults(method=DELETE, error=BROKEN, times=None)
    await time_passes(stage, 2 * HOUR)
    await ran(stage, "expire")
    assert await stage.told_privately() == []
    with stage.engine.begin() as connection:
        late = "UPDATE stays SET stay = json_set(stay, '$.late', json_extract(stay, '$.late') - :s)"
        connection.execute(text(late), {"s": 86_400})

    await time_passes(stage, 61)

    assert (await said(stage, "⚠️")).endswith(GIVEN_UP[language])
    assert stage.count("SELECT count(*) FROM stays WHERE ended_at IS NULL") == 0


async def test_a_portal_that_takes_nothing_at_the_end_is_told_of_with_who_stays(
    stage: Stage,
) -> None:
    await stage.say("/invite @12 --for 2h")
    closed = {"status": 403, "code": "user_access_error", "description": "x"}
    await stage.faults(method="batch", error=closed, times=None)

    await time_passes(stage, 2 * HOUR)

    told = await said(stage, "⚠️ Время вышло, но убрать из чата")
    assert "[USER=12][/USER].\n⛔ Администратор не открыл вам доступ" in told


async def test_who_has_invited_themselves_is_told_once(stage: Stage) -> None:
    stage.portal.state.chats[CHAT].members.remove(OLGA)
    await stage.say("/invite in deal 288 me --for 2h", chat=GROUP_CHAT)
    with stage.engine.begin() as connection:
        connection.execute(text("DELETE FROM tokens WHERE user_id = 7"))
    await stage.faults(tokens="revoked", user_id=OLGA)

    await time_passes(stage, 2 * HOUR)

    await said(stage, "⚠️ Время вышло, но разрешения")
    assert not any("Ваше время" in one for one in await stage.told_privately())


@pytest.mark.parametrize("how", ["time", "/undo"])
async def test_the_chat_may_have_come_to_another_item(stage: Stage, how: str) -> None:
    await stage.say("/invite @12 --for 20m")
    chat = stage.portal.state.chats[CHAT]
    chat.bindings["DEAL"], chat.owner = 301, ANNA

    if how == "time":
        await time_passes(stage, 1200)
        await said(stage, "⏰ Время вышло: больше не в чате")
    else:
        assert (await stage.say(how)).startswith("↩️ Отменено. Больше не в")

    assert IVAN not in await stage.members()


AGAIN = {
    "ru": "Остаются, потому что их позвали снова: [USER=21]Роман Соколов[/USER]. Всё равно убрать: "
    "[b]/remove @коллега[/b]",
    "en": "Brought in again since, so they stay: [USER=21]Роман Соколов[/USER]. To take them out "
    "all the same: [b]/remove @colleague[/b]",
}


@LANGUAGES
@pytest.mark.parametrize("command", ["/invite id21", "/invite id21 id12", "/escalate"])
async def test_undo_leaves_whom_a_colleague_has_invited_since(
    empty_stage: Stage, language: str, command: str
) -> None:
    stage = empty_stage
    await speaking(stage, language)
    await with_anna(stage)
    await stage.say(command)
    await stage.say("/remove id21", user=ANNA)
    await stage.say("/invite id21", user=ANNA)

    reply = await stage.say("/undo")

    assert reply.startswith("ℹ️" if command == "/invite id21" else "↩️")
    assert AGAIN[language] in reply
    assert RESPONSIBLE in await stage.members()
    assert IVAN not in await stage.members()


async def test_undo_takes_out_whom_the_same_escalation_has_called_later(stage: Stage) -> None:
    await stage.say("/escalate")
    await escalations_grow_older(stage, 301)
    await next_one(stage, BOSS)

    await stage.say("/undo")

    assert not {RESPONSIBLE, BOSS} & {*await stage.members()}


async def test_who_has_left_is_no_guest_where_the_portal_wants_them_to_leave(
    empty_stage: Stage,
) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave")
    await stage.say("/escalate --for 2h")
    await escalations_grow_older(stage, 301)
    await next_one(stage, BOSS)
    await takes(stage, BOSS)
    await ended(stage, "taken")

    await time_passes(stage, 2 * HOUR - 500)

    await ran(stage, "remind", 2)
    [reminder] = [one for one in await stage.told_privately() if "бот уберёт" in one]
    assert "[USER=3]" in reminder
