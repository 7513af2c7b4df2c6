"""Buttons: whose they are, and that each is pressed once."""

from typing import Any

import pytest
from acting import keyboard, press, press_at
from sqlalchemy import text
from stage import ADD, ANNA, BOT, CHAT, FINISHED, IVAN, OLGA, ON_SQLITE, Stage

LAWYER, DRIVER = 0, 1


async def picker(stage: Stage) -> tuple[int, list[dict[str, Any]]]:
    await stage.say("/invite @Иван Петров")
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    return next((one["id"], one["keyboard"]) for one in messages if one["keyboard"])


async def pressed(stage: Stage, payload: str, *, user: int = OLGA, message: int = 90_000) -> str:
    """Post the event of a press as the portal does, whatever it would let through."""
    state = stage.portal.state
    commands = {one.name: one.id for one in state.commands.values()}
    before = await stage.heard(user)
    event = {
        "event": "ONIMBOTV2COMMANDADD",
        "data[bot][id]": str(BOT),
        **stage.bots_token(),
        "data[command][id]": str(commands["press"]),
        "data[command][command]": "/press",
        "data[command][params]": payload,
        "data[command][context]": "keyboard",
        "data[message][id]": str(message),
        "data[chat][id]": "0",
        "data[chat][dialogId]": str(user),
        "data[user][id]": str(user),
        "data[user][name]": "Кто-то",
        "data[language]": "ru",
        "auth[member_id]": state.settings.member_id,
        "auth[application_token]": state.settings.application_token,
    }
    url = f"{stage.settings.public_url}/bitrix24/events"
    async with stage.session.post(url, data=event) as response:
        assert response.status == 200
    await stage.settled()
    return "\n".join((await stage.heard(user))[len(before) :])


@ON_SQLITE
async def test_a_button_is_for_nobody_else(stage: Stage) -> None:
    _, buttons = await picker(stage)

    reply = await pressed(stage, buttons[LAWYER]["COMMAND_PARAMS"], user=ANNA)

    assert reply.startswith("Эта кнопка не для вас: её может нажать только [USER=7]")
    assert not await stage.calls(ADD)
    # It is still the owner's.
    assert "теперь в этом чате" in await pressed(stage, buttons[LAWYER]["COMMAND_PARAMS"])


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "chat", "labels"),
    [
        ("/invite id12 id41", FINISHED, ["Начать сессию и повторить"]),
        ("/invite id12 [USER=41]Иван Петров[/USER]", CHAT,
         ["Попросить доступ: id12", "Попросить доступ: Иван Петров"]),
        ("/escalate id12 id15", CHAT,
         ["Попросить доступ: Иван Петров", "Попросить доступ: Анна Орлова"]),
        ("/invite id12", CHAT, ["Попросить доступ"]),
    ],
)  # fmt: skip
async def test_no_two_buttons_under_one_answer_are_called_the_same(
    stage: Stage, typed: str, chat: int, labels: list[str]
) -> None:
    for user in (IVAN, 41, ANNA):
        await stage.faults(user={"id": user, "crm": chat == FINISHED})

    await stage.say(typed, chat=chat)

    assert [one["TEXT"] for one in (await keyboard(stage))[1]] == labels


@ON_SQLITE
@pytest.mark.parametrize("without", ["dialog_id", "chat"])
async def test_a_press_may_come_without_its_chat(stage: Stage, without: str) -> None:
    await stage.faults(events={"without_chat": without})
    _, buttons = await picker(stage)

    assert "теперь в этом чате" in await press(stage, buttons[LAWYER]["TEXT"])
    assert "Больше не в этом чате" in await press(stage, "Отменить", chat=CHAT)

    assert IVAN not in await stage.members()


async def test_one_question_is_answered_once(stage: Stage) -> None:
    number, buttons = await picker(stage)
    await press_at(stage, number, LAWYER, OLGA)

    again = await pressed(stage, buttons[LAWYER]["COMMAND_PARAMS"], message=90_001)
    other = await pressed(stage, buttons[DRIVER]["COMMAND_PARAMS"], message=90_002)

    assert again == other
    assert again.startswith("Эта кнопка уже сработала, второй раз ничего не изменилось.")
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(IVAN)]


@ON_SQLITE
async def test_whoever_presses_again_is_told_once_that_it_has_worked(stage: Stage) -> None:
    number, buttons = await picker(stage)
    payload = buttons[LAWYER]["COMMAND_PARAMS"]
    await pressed(stage, payload, message=number)
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET done_at = done_at - 5"))

    again, once_more = [await pressed(stage, payload, message=number) for _ in range(2)]

    assert again.startswith("Эта кнопка уже сработала, второй раз ничего не изменилось.")
    assert once_more == ""


@ON_SQLITE
async def test_a_button_that_has_expired_does_nothing_and_says_so(stage: Stage) -> None:
    _, buttons = await picker(stage)
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE presses SET expires_at = 1"))

    reply = await pressed(stage, buttons[LAWYER]["COMMAND_PARAMS"])

    assert reply == "Кнопка устарела. Отправьте команду ещё раз."
    assert not await stage.calls(ADD)


@ON_SQLITE
@pytest.mark.parametrize("change", ["forged", "", "cut", "tampered"])
async def test_a_button_that_was_tampered_with_does_nothing_and_says_so(
    stage: Stage, change: str
) -> None:
    _, buttons = await picker(stage)
    payload = buttons[LAWYER]["COMMAND_PARAMS"]
    forged = {"cut": payload[:-5], "tampered": payload[:30] + "A" + payload[31:]}

    reply = await pressed(stage, forged.get(change, change))

    assert reply == "Кнопка устарела. Отправьте команду ещё раз."
    assert not await stage.calls(ADD)


async def test_a_press_is_carried_out_once_however_often_it_is_delivered(stage: Stage) -> None:
    number, _ = await picker(stage)
    await stage.faults(events={"copies": 3})

    await press_at(stage, number, LAWYER, OLGA)

    assert len(await stage.calls(ADD)) == 1
    assert (await stage.chat(CHAT))["messages"][-1]["system"]


@ON_SQLITE
async def test_a_button_works_with_the_options_that_were_typed(stage: Stage) -> None:
    await stage.say("/invite @Иван Петров --for 1h -- нужен юрист")
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    number = next(one["id"] for one in messages if one["keyboard"])

    await press_at(stage, number, LAWYER, OLGA)

    assert "в этом чате на 1 час" in (await stage.chat())["messages"][-1]["text"]
    [brief] = await stage.told_privately(IVAN)
    assert brief.endswith("Причина: нужен юрист")
