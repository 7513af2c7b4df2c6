"""The acceptance list from 33 on: removal, escalation, groups, quotations, undoing, options."""

import pytest
from acting import DELETE, INVITE, IVAN_NAMED, added, changes, press
from stage import (
    ANNA,
    BOSS,
    CHAT,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    RESPONSIBLE,
    SEND,
    UNBOUND,
    Stage,
)


async def test_33_remove(stage: Stage) -> None:
    await stage.say("/invite @12")

    assert await stage.say(f"/remove {IVAN_NAMED}") == f"✅ {IVAN_NAMED} больше не в этом чате."
    assert (await changes(stage))[1] == (DELETE, added(IVAN)[1])
    assert IVAN not in await stage.members()


@ON_SQLITE
async def test_34_the_customer_is_not_removed(stage: Stage) -> None:
    reply = await stage.say("/remove [USER=599]Клиент[/USER]")

    assert reply == (
        f"[USER=599]Клиент[/USER] — клиент чата {LINK}, а не сотрудник. Выберите коллегу."
    )
    assert not await changes(stage)


@ON_SQLITE
async def test_35_a_disabled_account_is_not_removed(stage: Stage) -> None:
    reply = await stage.say("/remove [USER=33]Павел[/USER]")

    assert reply.startswith("🚫 Учётная запись [USER=33]Павел[/USER] уже отключена")
    assert [method for method, _ in await changes(stage)] == [DELETE]


@ON_SQLITE
async def test_37_who_is_not_in_cannot_be_removed(stage: Stage) -> None:
    reply = await stage.say(f"/remove {IVAN_NAMED}")

    assert reply == f"ℹ️ {IVAN_NAMED} не в чате {LINK} — убирать некого."
    assert reply in await stage.told_privately()


@ON_SQLITE
async def test_38_remove_whom(stage: Stage) -> None:
    before = len(await stage.calls())

    assert (await stage.say("/remove")).startswith("Кого убрать? [b]/remove @Иван Петров[/b]")
    assert await stage.requests(since=before) == [SEND]


async def test_40_escalate_from_the_private_talk(stage: Stage) -> None:
    await stage.whisper("/escalate deal 288 -- клиент грозит уйти")
    await stage.settled()

    [told] = await stage.told_privately()
    assert told == (
        "🚨 Эскалация, сделка № 288 «Поставка оборудования»: [USER=21]Роман Соколов[/USER] "
        "(ответственный) теперь в чате [CHAT=8773]сделка № 288 «Поставка оборудования»[/CHAT]. "
        "Причина: клиент грозит уйти"
    )
    assert await changes(stage) == [added(RESPONSIBLE, None)]
    [item] = await stage.calls("crm.item.get")
    assert (item["params"], item["user_id"]) == ({"entityTypeId": 2, "id": 288}, OLGA)
    [brief] = await stage.told_privately(RESPONSIBLE)
    assert brief == (
        "👋 [USER=7]Ольга Смирнова[/USER] зовёт вас в чат с клиентом: "
        "[CHAT=8773]сделка № 288 «Поставка оборудования»[/CHAT].\nПричина: клиент грозит уйти\n"
        "Ответить нужно за 5 минут: нажмите кнопку или напишите в чат. "
        "Иначе бот позовёт следующего."
    )


async def test_42_escalate_to_the_people_named(stage: Stage) -> None:
    reply = await stage.say("/escalate deal 288 @12 [USER=15]Анна[/USER]")

    assert "[USER=12]Иван Петров[/USER] теперь в этом чате." in reply
    assert await changes(stage) == [added(IVAN)]


@ON_SQLITE
async def test_43_a_deal_without_chats(stage: Stage) -> None:
    await stage.whisper("/escalate deal 300")
    await stage.settled()

    [told] = await stage.told_privately()
    assert told.startswith("⚠️ К элементу сделка № 300 нет чата открытой линии")
    assert "✅" not in told


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/escalate del 288", "Может быть, [b]/escalate deal 288[/b]?"),
        ("/escalate deal abc", "«abc» — не номер. Нужны только цифры"),
        ("/escalate invoice 5", "Какой элемент CRM? Укажите лид, сделку, контакт или компанию"),
    ],
)
async def test_44_what_is_no_item(stage: Stage, typed: str, words: str) -> None:
    before = len(await stage.calls())

    reply = await stage.say(typed)

    assert words in reply
    assert reply in await stage.told_privately()
    # A button that acts is given to nobody whose word nothing has proven.
    proof = ["profile"] if "Может быть" in words else []
    assert await stage.requests(since=before) == [*proof, SEND]


@ON_SQLITE
async def test_44_the_suggestion_can_be_run(stage: Stage) -> None:
    await stage.say("/escalate del 288 @12")

    assert "теперь в этом чате" in await press(stage, "Выполнить")
    assert await changes(stage) == [added(IVAN)]


async def test_45_group(stage: Stage) -> None:
    reply = await stage.say(f"/group 15 {IVAN_NAMED} -- нужен юрист")

    assert reply == (
        f"✅ Приглашение в группу «Юристы» отправлено: {IVAN_NAMED}. "
        "Участие начнётся после подтверждения."
    )
    assert await changes(stage) == [
        (INVITE, {"GROUP_ID": "15", "USER_ID": ["12"], "MESSAGE": "нужен юрист"})
    ]


@ON_SQLITE
async def test_48_a_group_that_is_not_there(stage: Stage) -> None:
    reply = await stage.say("/group 999 @12")

    assert reply.startswith("⚠️ Группы № 999 нет или она вам недоступна.")
    assert reply in await stage.told_privately()


@ON_SQLITE
async def test_49_what_is_quoted_is_not_run(stage: Stage) -> None:
    fence = "-" * 54
    quoted = f"{fence}\nАнна Орлова:\n/invite {IVAN_NAMED}\n{fence}\nВот так пишут"

    assert await stage.say(quoted) == ""
    assert await stage.say("[code]\n/invite @12\n[/code]") == ""
    assert await stage.say(">>/invite @12") == ""
    assert not await changes(stage)


@ON_SQLITE
async def test_49_what_stands_beside_a_quotation_is_run(stage: Stage) -> None:
    fence = "-" * 54

    assert "теперь в этом чате" in await stage.say(f"{fence}\n/invite @15\n{fence}\n/invite @12")
    assert await changes(stage) == [added(IVAN)]


async def test_53_an_edited_command_is_not_run_again(stage: Stage) -> None:
    message = await stage.type("/invite @12")
    await stage.settled()

    await stage.post("edits", {"message_id": message, "user_id": OLGA, "text": "/invite @12 @15"})
    await stage.settled()

    assert await changes(stage) == [added(IVAN)]


async def test_54_undo_takes_back_what_was_changed(stage: Stage) -> None:
    await stage.say("/invite @15")
    await stage.say(f"/invite {IVAN_NAMED} @15")

    reply = await press(stage, "Отменить", chat=CHAT)

    assert reply == f"↩️ Отменено. Больше не в этом чате: {IVAN_NAMED}."
    assert (await changes(stage))[-1] == (DELETE, added(IVAN)[1])
    members = await stage.members()
    assert IVAN not in members
    assert ANNA in members


@ON_SQLITE
async def test_56_hidden_mode_is_off(stage: Stage) -> None:
    before = await stage.heard()
    await stage.type(f"/invite {IVAN_NAMED}", hidden=False)
    await stage.type("/invite @15", hidden=False)
    await stage.settled()

    heard = (await stage.heard())[len(before) :]
    hints = [one for one in heard if one.startswith("👀")]
    assert hints == [f"👀 Скрытый режим выключен — клиент мог увидеть команду в чате {LINK}."]
    assert hints[0] in await stage.told_privately()
    assert (await press(stage, "Включить")).startswith("🙈 Скрытый режим включён")
    assert "мессенджер клиента не позволяет отозвать" in await press(stage, "Удалить мою команду")
    assert [method for method, _ in (await changes(stage))[-2:]] == [
        "imopenlines.session.mode.silent",
        "im.message.delete",
    ]
    chats = {chat["id"]: chat for chat in await stage.get("chats")}
    assert chats[CHAT]["silent"]


@ON_SQLITE
async def test_a_command_is_deleted_where_the_messenger_takes_it_back(stage: Stage) -> None:
    number = await stage.type("/who", hidden=False, chat=UNBOUND)
    await stage.settled()

    reply = await press(stage, "Удалить мою команду")

    assert reply.startswith("🗑 Сообщение с командой в чате [CHAT=9001]")
    messages = (await stage.chat(UNBOUND))["messages"]
    assert [one["text"] for one in messages if one["id"] == number] == [
        "Это сообщение было удалено"
    ]


@ON_SQLITE
async def test_59_for_a_while_with_the_dashes_of_a_phone(stage: Stage) -> None:
    reply = await stage.say(f"/invite {IVAN_NAMED} —for 2h — юрист")

    assert f"✅ {IVAN_NAMED} в этом чате на 2 часа. Потом бот уберёт автоматически." in reply
    assert await changes(stage) == [added(IVAN)]
    [brief] = await stage.told_privately(IVAN)
    assert "Причина: юрист" in brief
    assert BOSS not in await stage.members()
