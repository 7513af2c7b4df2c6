"""/undo and --for: what was done is taken back, at once or after a while."""

import pytest
from acting import DELETE, press, press_at, said
from guests import time_passes
from installing import departed
from sqlalchemy import text
from stage import ADD, ANNA, CHAT, IVAN, OLGA, ON_SQLITE, Stage


async def test_takes_back_the_last_command_only(stage: Stage) -> None:
    await stage.say("/invite @15")
    await stage.say("/invite [USER=12]Иван[/USER]")

    reply = await stage.say("/undo")

    assert reply == "↩️ Отменено. Больше не в этом чате: [USER=12]Иван Петров[/USER]."
    assert ANNA in await stage.members()
    [call] = await stage.calls(DELETE)
    assert (call["user_id"], call["auth"]) == (OLGA, "user")
    nothing = await stage.say("/undo")
    assert nothing.startswith("Отменять нечего")
    # The first command is not undone.
    assert "или последняя из них уже отменена. Более ранние отменяет кнопка" in nothing
    await stage.faults(events={"language": "en"})
    assert "or the last of them is undone already. Earlier ones" in await stage.say("/undo")


async def test_brings_back_who_was_removed(stage: Stage) -> None:
    await stage.say("/invite @15")
    await stage.say("/remove @15")

    assert "Снова в этом чате: [USER=15]Анна Орлова[/USER]." in await stage.say("/undo")
    assert ANNA in await stage.members()


async def test_each_command_is_undone_by_its_own_button_in_any_order(stage: Stage) -> None:
    await stage.say("/invite @15")
    (first,) = [one["id"] for one in (await stage.chat())["messages"] if one["keyboard"]]
    await stage.say("/invite [USER=12]Иван[/USER]")
    await stage.say("/undo")

    await press_at(stage, first, 0, OLGA)

    assert not {ANNA, IVAN} & {*await stage.members()}
    assert (await stage.say("/undo")).startswith("Отменять нечего")


async def test_the_last_command_is_undone_where_an_earlier_one_has_been(stage: Stage) -> None:
    await stage.say("/invite @15")
    (first,) = [one["id"] for one in (await stage.chat())["messages"] if one["keyboard"]]
    await stage.say("/invite [USER=12]Иван[/USER]")
    await press_at(stage, first, 0, OLGA)

    assert "Больше не в этом чате: [USER=12]" in await stage.say("/undo")
    assert not {ANNA, IVAN} & {*await stage.members()}


@ON_SQLITE
@pytest.mark.parametrize("how", ["typed", "pressed"])
async def test_who_has_become_the_operator_is_asked_about_first(stage: Stage, how: str) -> None:
    await stage.say("/invite @15 [USER=12]Иван[/USER]")
    stage.portal.state.chats[CHAT].owner = IVAN
    # What brings somebody in by pressing knows the chat as it was.
    if how == "typed":
        reply = await stage.say("/undo")
    else:
        reply = await press(stage, "Отменить", chat=CHAT)

    assert "Больше не в этом чате: [USER=15]Анна Орлова[/USER]." in reply
    assert "[USER=12]Иван Петров[/USER] — оператор диалога" in reply
    assert IVAN in await stage.members()
    await press(stage, "Всё равно убрать")
    assert not {ANNA, IVAN} & {*await stage.members()}


@ON_SQLITE
async def test_is_not_for_what_others_did(stage: Stage) -> None:
    await stage.faults(user={"id": ANNA, "history": "any"})
    await stage.say("/invite @15")
    await stage.say("/invite @12", user=ANNA)

    await stage.say("/undo")

    members = await stage.members()
    assert IVAN in members
    assert ANNA not in members


@ON_SQLITE
async def test_a_group_invitation_cannot_be_taken_back(stage: Stage) -> None:
    await stage.say("/invite @15")
    await stage.say("/group 15 @12")

    assert "приглашение в группу бот отозвать не может" in await stage.say("/undo")
    assert ANNA in await stage.members()


async def test_after_half_an_hour_it_is_too_late(stage: Stage) -> None:
    await stage.say("/invite @12")
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE journal SET begun_at = begun_at - 1801"))

    assert (await stage.say("/undo")).startswith("Отменять нечего")
    assert IVAN in await stage.members()


async def test_a_guest_is_reminded_of_and_taken_out(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] --for 2h")

    await time_passes(stage, 6600)
    reminder = await said(stage, "⏰ Через 10 минут")
    assert "[USER=12]Иван[/USER]" in reminder
    assert IVAN in await stage.members()

    await time_passes(stage, 600)
    await said(stage, "⏰ Время вышло: больше не в чате")
    assert IVAN not in await stage.members()
    [call] = await stage.calls(DELETE)
    assert (call["user_id"], call["auth"]) == (OLGA, "user")


async def test_a_press_keeps_a_guest_an_hour_more(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] --for 30m")
    await time_passes(stage, 1300)
    await said(stage, "⏰ Через")
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    number, buttons = next((m["id"], m["keyboard"]) for m in reversed(messages) if m["keyboard"])
    assert [one["TEXT"] for one in buttons] == ["+1 час"]

    await stage.post("presses", {"message_id": number, "button": 0, "user_id": OLGA})
    await said(stage, "✅ Ещё час в чате")
    await time_passes(stage, 3590)

    await stage.until(lambda: reminded_twice(stage))
    assert IVAN in await stage.members()
    await time_passes(stage, 600)
    await said(stage, "⏰ Время вышло")
    assert IVAN not in await stage.members()


async def reminded_twice(stage: Stage) -> bool:
    return sum("⏰ Через" in one for one in await stage.told_privately()) == 2


@ON_SQLITE
async def test_a_guest_who_has_become_the_operator_is_asked_about(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] @15 --for 1h")
    stage.portal.state.chats[CHAT].owner = IVAN

    await time_passes(stage, 3700)

    told = await said(stage, "[USER=12]Иван[/USER] — оператор диалога")
    assert "больше не в чате" in told
    assert IVAN in await stage.members()
    assert ANNA not in await stage.members()
    await press(stage, "Всё равно убрать")
    assert IVAN not in await stage.members()


async def test_an_undone_guest_is_not_taken_out_again(stage: Stage) -> None:
    await stage.say("/invite @12 --for 2h")
    await stage.say("/undo")
    await stage.say("/invite @12")

    await time_passes(stage, 7300)
    await stage.say("/invite @15")

    assert stage.count("SELECT count(*) FROM stays WHERE ended_at IS NULL") == 0
    assert IVAN in await stage.members()


@ON_SQLITE
async def test_without_the_requesters_token_both_are_told(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] --for 2h")
    with stage.engine.begin() as connection:
        connection.execute(text("DELETE FROM tokens WHERE user_id = 7"))
    await stage.faults(tokens="revoked", user_id=OLGA)

    await time_passes(stage, 7300)

    assert "Уберите их в списке участников." in await said(stage, "⚠️ Время вышло")
    assert "[USER=7]" in await said(stage, "⏰ Ваше время в чате", IVAN)
    assert IVAN in await stage.members()
    assert not [one for one in await stage.calls(DELETE) if one["error"] is None]
    assert len(await stage.calls(ADD)) == 1
    assert CHAT in [chat["id"] for chat in await stage.get("chats")]


async def test_a_guest_whose_time_ends_while_the_app_is_away_is_told_of_when_it_is_back(
    stage: Stage,
) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] --for 2h")
    await stage.post("uninstall", {"clean": False})
    await departed(stage)
    await time_passes(stage, 7300)
    await is_looked_at(stage)

    assert await stage.install() == 200

    # It has another bot now.
    async def are_told() -> bool:
        told = [one["text"] for user in (OLGA, IVAN)
                for one in (await stage.get(f"dialogs/{user}"))["messages"]]  # fmt: skip
        return any("⚠️ Время вышло" in one for one in told) and any(
            "⏰ Ваше время в чате" in one for one in told
        )

    await stage.until(are_told)


async def is_looked_at(stage: Stage) -> None:
    """Wait until the bot has looked what is due: it ends a stay at a portal that nobody knows."""
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO stays (command_id, member_id, event, stay, until) "
                "SELECT 999, 'nobody', event, stay, until FROM stays"
            )
        )

    async def is_ended() -> bool:
        question = "SELECT count(*) FROM stays WHERE ended_at IS NOT NULL AND member_id = 'nobody'"
        return bool(stage.count(question))

    await stage.until(is_ended)
    await stage.settled()


@ON_SQLITE
async def test_a_guest_of_a_finished_dialog_is_told_of(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] --for 2h")
    await stage.faults(chat={"id": CHAT, "status": 60})

    await time_passes(stage, 7300)

    told = await said(stage, "⚠️ Время вышло, но убрать из чата")
    assert "[USER=12]Иван[/USER].\n⚠️ Диалог завершён" in told


@ON_SQLITE
async def test_somebody_else_presses_undo(stage: Stage) -> None:
    await stage.say("/invite @12 @15")
    messages = (await stage.chat())["messages"]
    number = next(one["id"] for one in reversed(messages) if one["keyboard"])

    for user in (ANNA, OLGA):
        await press_at(stage, number, 0, user)

    assert (await stage.told_privately(ANNA))[-1].startswith("Эта кнопка не для вас")
    assert "↩️ Отменено." in (await stage.chat())["messages"][-1]["text"]
    assert not {IVAN, ANNA} & set(await stage.members())


@ON_SQLITE
async def test_who_is_invited_again_stays_as_long_as_that_command_says(stage: Stage) -> None:
    await stage.say("/invite @15 @12 --for 10m")
    await stage.say("/remove @15")
    await stage.say("/invite @15")
    await stage.say("/remove @12")
    await stage.say("/undo")

    await time_passes(stage, 301)
    told = await said(stage, "бот уберёт")
    assert "[USER=12]" in told
    assert "[USER=15]" not in told
    await time_passes(stage, 300)
    await said(stage, "больше не в чате")

    assert ANNA in await stage.members()
    assert IVAN not in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_who_is_in_already_is_given_no_time_and_that_is_said(
    stage: Stage, language: str
) -> None:
    await stage.faults(events={"language": language})
    alone, beside = {
        "ru": (
            "Срок в 2 часа не назначен: он действует только для тех, кого добавила эта команда. "
            "Чтобы назначить срок, уберите ([b]/remove[/b]) и позовите снова.",
            "Уже в этом чате: [USER=15][/USER]. Бот уберёт только тех, кто пришёл сейчас.",
        ),
        "en": (
            "The time limit of 2 hours was not set: only people whom this command brings in have "
            "one. To set it, take them out ([b]/remove[/b]) and invite them again.",
            "Already in this chat: [USER=15][/USER]. The bot will remove only those who came now.",
        ),
    }[language]
    await stage.say("/invite @15")

    assert alone in await stage.say("/invite @15 --for 2h")
    assert stage.count("SELECT count(*) FROM stays") == 0
    assert beside in await stage.say("/invite @15 @12 --for 2h")
