"""Who came in by the chat itself goes again: by whom, in which way, and when the time is up."""

import pytest
from acting import DELETE, press, said
from by_chat import *  # noqa: F403  # a portal with untouched roles
from by_chat import BY_CHAT, CHAT_DELETE, INVITE_IVAN, IVAN_NAMED, done
from guests import time_passes
from stage import ANNA, CHAT, IVAN, OLGA, ON_SQLITE, UNBOUND, Stage

pytestmark = ON_SQLITE


async def _anna_brings_ivan(stage: Stage) -> None:
    await stage.say("/invite id15")
    await stage.say(INVITE_IVAN, user=ANNA)
    await press(stage, BY_CHAT["ru"], user=ANNA)
    assert IVAN in await stage.members()


@pytest.mark.parametrize("way", ["/undo", "/remove [USER=12]Иван[/USER]"])
async def test_the_owner_takes_out_by_the_chat_who_came_by_it(stage: Stage, way: str) -> None:
    await stage.say(INVITE_IVAN)
    await press(stage, BY_CHAT["ru"])
    await stage.faults(chat={"id": CHAT, "status": 50})

    assert "ольше не в этом чате" in await stage.say(way)
    assert IVAN not in await stage.members()
    assert (await done(stage))[-1] == (CHAT_DELETE, OLGA, "12")


@pytest.mark.parametrize("way", ["/undo", "/remove [USER=12]Иван[/USER]"])
async def test_others_take_out_by_the_item_who_came_by_the_chat(stage: Stage, way: str) -> None:
    await _anna_brings_ivan(stage)

    assert "ольше не в этом чате" in await stage.say(way, user=ANNA)
    assert (await done(stage))[-1] == (DELETE, ANNA, "12")


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "вывести из чата [CHAT=8773]Клиент - Поддержка[/CHAT] могут только сам "
            "сотрудник или владелец чата, то есть оператор диалога [USER=7]"),
     ("en", "or the chat's owner, its operator [USER=7]")],
)  # fmt: skip
@pytest.mark.parametrize("way", ["/undo", "/remove [USER=12]Иван[/USER]"])
async def test_it_is_said_where_only_the_owner_can(
    stage: Stage, way: str, language: str, words: str
) -> None:
    await _anna_brings_ivan(stage)
    await stage.faults(events={"language": language})
    await stage.faults(chat={"id": CHAT, "status": 50})

    await stage.say(way, user=ANNA)

    assert words in (await stage.told_privately(ANNA))[-1]
    assert IVAN in await stage.members()


async def test_everybody_can_go_themselves_where_only_the_owner_removes(stage: Stage) -> None:
    await _anna_brings_ivan(stage)
    await stage.faults(chat={"id": CHAT, "status": 50})

    await stage.say("/remove me", user=ANNA)

    assert ANNA not in await stage.members()


async def test_who_came_by_the_item_goes_by_the_chat_when_the_dialog_waits(stage: Stage) -> None:
    await stage.say("/invite [USER=15]Анна[/USER]")
    await stage.faults(chat={"id": CHAT, "status": 50})

    assert "больше не в этом чате" in await stage.say("/remove [USER=15]Анна[/USER]")
    assert (await done(stage))[-1] == (CHAT_DELETE, OLGA, "15")


async def test_a_chat_without_crm_is_left_as_it_was_entered(stage: Stage) -> None:
    await stage.say(INVITE_IVAN, chat=UNBOUND)
    await press(stage, BY_CHAT["ru"])

    assert f"✅ {IVAN_NAMED} больше не в этом чате." in await stage.say(
        "/remove [USER=12]Иван[/USER]", chat=UNBOUND
    )
    assert "Снова в этом чате" not in await stage.say("/undo", chat=UNBOUND)
    await press(stage, BY_CHAT["ru"])
    assert IVAN in await stage.members(UNBOUND)


async def test_a_guest_by_the_chat_goes_when_the_time_is_up(stage: Stage) -> None:
    await stage.say(f"{INVITE_IVAN} --for 2h")
    assert "на 2 часа" in await press(stage, BY_CHAT["ru"])
    await stage.faults(chat={"id": CHAT, "status": 50})

    await time_passes(stage, 7300)

    await said(stage, "⏰ Время вышло: больше не в чате")
    assert IVAN not in await stage.members()
    assert (await done(stage))[-1] == (CHAT_DELETE, OLGA, "12")


async def test_a_guest_whom_only_the_owner_can_take_out_stays_and_it_is_said(
    stage: Stage,
) -> None:
    await stage.say("/invite id15")
    await stage.say(f"{INVITE_IVAN} --for 2h", user=ANNA)
    await press(stage, BY_CHAT["ru"], user=ANNA)
    await stage.faults(chat={"id": CHAT, "status": 50})

    await time_passes(stage, 7300)

    told = await said(stage, "⚠️ Время вышло, но убрать из чата", ANNA)
    assert "оператор диалога [USER=7]" in told
    assert IVAN in await stage.members()
