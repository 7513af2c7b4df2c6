"""The acceptance list, played: what people type, which calls follow, what they read.

Those about a missing permission (24, 26) are played with the flow that asks for it.
"""

from typing import Any

import pytest
from stage import (
    ADD,
    ANNA,
    ANSWER,
    BOSS,
    CHAT,
    CUSTOMER,
    DINA,
    FINISHED,
    GROUP_CHAT,
    IVAN,
    OLGA,
    PAVEL,
    RESPONSIBLE,
    SEND,
    UNBOUND,
    Stage,
)

DELETE = "imopenlines.crm.chat.user.delete"
INVITE = "sonet_group.user.invite"
CHANGING = (
    ADD,
    DELETE,
    INVITE,
    "imopenlines.crm.lead.create",
    "imopenlines.session.start",
    "imopenlines.session.mode.silent",
    "im.message.delete",
    "im.notify.personal.add",
)
ADMINISTRATOR = 1
IVAN_NAMED = "[USER=12]Иван Петров[/USER]"


async def changes(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """Give what was asked to change, having seen that a user's own token asked for it."""
    calls = await stage.calls(*CHANGING)
    assert all(call["auth"] == "user" for call in calls)
    return [(call["method"], call["params"]) for call in calls]


async def keyboard(stage: Stage, user: int = OLGA) -> tuple[int, list[dict[str, Any]]]:
    """Give the last message of the bot's with buttons that somebody has privately."""
    messages = (await stage.get(f"dialogs/{user}"))["messages"]
    return next((one["id"], one["keyboard"]) for one in reversed(messages) if one["keyboard"])


async def press(stage: Stage, label: str, *, user: int = OLGA, of: int = 0, chat: int = 0) -> str:
    """Press a button by its words, and give what the bot said to that."""
    if chat:
        messages = (await stage.chat(chat))["messages"]
        number, buttons = next(
            (one["id"], one["keyboard"]) for one in reversed(messages) if one["keyboard"]
        )
    else:
        number, buttons = await keyboard(stage, of or user)
    index = [button["TEXT"] for button in buttons].index(label)
    before = await stage.heard(user)
    body = {"message_id": number, "button": index, "user_id": user}
    assert (await stage.post("presses", body))["fired"]
    await stage.settled()
    return "\n".join((await stage.heard(user))[len(before) :])


def added(person: int, chat: int | None = CHAT, item: int = 288, type_: str = "deal") -> Any:
    params = {"CRM_ENTITY_TYPE": type_, "CRM_ENTITY": str(item), "USER_ID": str(person)}
    return (ADD, params | ({"CHAT_ID": str(chat)} if chat else {}))


async def test_1_a_mention(stage: Stage) -> None:
    assert await stage.say(f"/invite {IVAN_NAMED}") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert await changes(stage) == [added(IVAN)]


async def test_2_two_mentions_one_of_them_in_already(stage: Stage) -> None:
    await stage.faults(older=True)
    await stage.say("/invite @15")

    reply = await stage.say(f"/invite {IVAN_NAMED} [USER=15]Анна[/USER]")

    assert reply == (
        f"✅ {IVAN_NAMED} теперь в этом чате. ℹ️ Уже в этом чате: [USER=15]Анна[/USER]."
    )


async def test_3_a_name_that_one_person_has(stage: Stage) -> None:
    reply = await stage.say("/invite @Анна Орлова")

    assert reply == "✅ [USER=15]Анна Орлова[/USER] теперь в этом чате."
    assert await changes(stage) == [added(ANNA)]
    [search] = await stage.calls("user.search")
    assert (search["params"], search["user_id"]) == ({"FIND": "Анна Орлова"}, OLGA)


async def test_4_a_name_that_two_people_have(stage: Stage) -> None:
    reply = await stage.say("/invite @Иван Петров")

    assert reply.startswith("По «Иван Петров» найдено несколько человек. Кто нужен?")
    assert reply in await stage.told_privately()
    assert not await changes(stage)
    _, buttons = await keyboard(stage)
    assert [button["TEXT"] for button in buttons] == [
        "Иван Петров – Юрист, Право",
        "Иван Петров – Водитель, Логистика",
    ]

    assert await press(stage, "Иван Петров – Юрист, Право") == (
        f"✅ {IVAN_NAMED} теперь в этом чате."
    )
    assert await changes(stage) == [added(IVAN)]
    assert (await stage.chat())["messages"][-1]["system"]


async def test_7_dismissed(stage: Stage) -> None:
    reply = await stage.say("/invite [USER=33]Павел[/USER]")

    assert reply.startswith("🚫 [USER=33]Павел[/USER]: сотрудник уволен или учётная запись")
    assert reply in await stage.told_privately()
    assert await changes(stage) == [added(PAVEL)]


@pytest.mark.parametrize("older", [True, False])
async def test_8_in_already(stage: Stage, older: bool) -> None:
    await stage.faults(older=older)
    await stage.say("/invite @15")

    reply = await stage.say("/invite [USER=15]Анна[/USER]")

    assert reply == "ℹ️ [USER=15]Анна[/USER] уже в этом чате – делать ничего не нужно."


async def test_9_the_invitee_may_not_read_the_deal(stage: Stage) -> None:
    await stage.faults(user={"id": IVAN, "crm": False})

    reply = await stage.say(f"/invite {IVAN_NAMED}")

    assert reply.startswith(f"⛔ У сотрудника {IVAN_NAMED} нет доступа к элементу: сделка № 288")
    assert reply in await stage.told_privately()
    assert (await press(stage, "Попросить доступ")).startswith("✅ Просьба о доступе отправлена")
    [notice] = await stage.get("notifications")
    assert (notice["from"], notice["to"]) == (OLGA, RESPONSIBLE)
    assert "сделка № 288 «Поставка оборудования»" in notice["text"]


async def test_10_the_invitee_may_not_view_history(stage: Stage) -> None:
    await stage.faults(user={"id": IVAN, "history": False})

    reply = await stage.say(f"/invite {IVAN_NAMED}")

    assert "роль сотрудника не разрешает смотреть историю" in reply
    assert reply in await stage.told_privately()


async def test_11_the_requester_may_not_join_the_line(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "join": False})

    reply = await stage.say(f"/invite {IVAN_NAMED}")

    assert "ваша роль не разрешает подключаться к диалогам этой линии" in reply
    assert await changes(stage) == [added(IVAN)]


async def test_12_the_requester_may_not_read_the_deal(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "crm": False})

    reply = await stage.say("/escalate deal 288 @12")

    assert reply.startswith("⛔ У вас нет доступа к элементу: сделка № 288, поэтому")
    assert "Поставка" not in reply
    assert await changes(stage) == [added(IVAN)]
    await stage.faults(user={"id": OLGA, "crm": True})
    assert "теперь в этом чате" in await press(stage, "Повторить")


@pytest.mark.parametrize("author", [CUSTOMER])
async def test_13_the_customer_commands_nothing(stage: Stage, author: int) -> None:
    await stage.type("/invite @Ivan", user=author)
    await stage.settled()

    assert not await stage.heard()
    assert not await changes(stage)


async def test_15_extranet_people_command_nothing(stage: Stage) -> None:
    await stage.whisper("/invite @12", user=DINA)
    await stage.settled()

    assert not await stage.told_privately(DINA)
    assert not await changes(stage)


async def test_16_not_with_a_customer(stage: Stage) -> None:
    reply = await stage.say("/invite @12", chat=GROUP_CHAT)

    assert reply.startswith("Команда работает в чате с клиентом (открытая линия). Отсюда:")
    assert reply in await stage.told_privately()
    assert not await changes(stage)


async def test_18_and_19_a_lead_is_created_and_the_command_repeated(stage: Stage) -> None:
    reply = await stage.say(f"/invite {IVAN_NAMED}", chat=UNBOUND)

    assert reply.startswith("⚠️ Чат пока не привязан к CRM")
    assert not await changes(stage)
    assert await press(stage, "Создать лид и повторить") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert await changes(stage) == [
        ("imopenlines.crm.lead.create", {"CHAT_ID": str(UNBOUND)}),
        added(IVAN, UNBOUND, 1209, "lead"),
    ]
    assert (await stage.chat(UNBOUND))["messages"][-1]["system"]


async def test_19_only_the_operator_may_create_the_lead(stage: Stage) -> None:
    refused = {"status": 400, "code": "ERROR_USER_NOT_OPERATOR", "description": "..."}
    await stage.faults(method="imopenlines.crm.lead.create", error=refused)
    await stage.say("/invite @12", chat=UNBOUND)

    reply = await press(stage, "Создать лид и повторить")

    assert reply.startswith("⚠️ Создать лид может только оператор диалога: [USER=7]")
    assert not await stage.calls(ADD)


async def test_20_a_finished_dialog_is_started_anew(stage: Stage) -> None:
    reply = await stage.say(f"/invite {IVAN_NAMED}", chat=FINISHED)

    assert reply.startswith("⚠️ Диалог завершён (сделка № 288)")
    assert reply in await stage.told_privately()
    assert len(await stage.calls("imopenlines.crm.chat.get")) == 2
    assert await press(stage, "Начать сессию и повторить") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert [method for method, _ in await changes(stage)] == [
        ADD,
        "imopenlines.session.start",
        ADD,
    ]


async def test_22_the_bot_is_no_member(stage: Stage) -> None:
    await stage.say("/invite @12")

    answer = (await stage.chat())["messages"][-1]
    assert answer["system"]
    assert answer["text"].startswith("[b]Switchboard:[/b]")
    [call] = await stage.calls(ANSWER)
    assert call["auth"] in ("bot", "app")


async def test_25_an_expired_token_is_renewed_unseen(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    await stage.faults(events={"tokens": "normal"})
    await stage.say("/invite @15")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)

    assert await stage.say(f"/invite {IVAN_NAMED}") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert len(await stage.get("refreshes")) >= 1


@pytest.mark.parametrize("token", ["wrong", ""])
async def test_29_who_cannot_prove_himself_is_refused(stage: Stage, token: str) -> None:
    await stage.faults(events={"application_token": token})

    await stage.type("/invite @12")
    await stage.until(lambda: _refused(stage))

    assert not await changes(stage)


async def _refused(stage: Stage) -> bool:
    return any(one["status"] == 403 for one in await stage.get("deliveries"))


async def test_30_a_full_bucket_only_takes_longer(stage: Stage) -> None:
    error = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}
    await stage.faults(method=ADD, error=error, times=2)

    assert f"✅ {IVAN_NAMED} теперь в этом чате." in await stage.say(f"/invite {IVAN_NAMED}")
    joined = [one for one in await stage.get("memberships") if one["user_id"] == IVAN]
    assert len(joined) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("insufficient_scope", "Приложению бота не выдано нужное право"),
        ("user_access_error", "Администратор не открыл вам доступ к приложению"),
    ],
)
async def test_32_the_app_lacks_something(stage: Stage, code: str, words: str) -> None:
    await stage.faults(method=ADD, error={"status": 403, "code": code, "description": "..."})

    assert words in await stage.say("/invite @12")
    assert len(await stage.calls(ADD)) == 1
    await stage.faults(method=ADD, error={"status": 403, "code": code, "description": "..."})
    await stage.say("/invite @12")
    [alert] = await stage.told_privately(ADMINISTRATOR)
    assert alert.startswith("🛠 Команда не выполнена ([USER=7]Ольга Смирнова[/USER]): ")


async def test_33_remove(stage: Stage) -> None:
    await stage.say("/invite @12")

    assert await stage.say(f"/remove {IVAN_NAMED}") == f"✅ {IVAN_NAMED} больше не в этом чате."
    assert (await changes(stage))[1] == (DELETE, added(IVAN)[1])
    assert IVAN not in await stage.members()


async def test_34_the_customer_is_not_removed(stage: Stage) -> None:
    reply = await stage.say("/remove [USER=599]Клиент[/USER]")

    assert reply == (
        "[USER=599]Клиент[/USER] – клиент этого чата, а не сотрудник. Выберите коллегу."
    )
    assert not await changes(stage)


async def test_35_a_disabled_account_is_not_removed(stage: Stage) -> None:
    reply = await stage.say("/remove [USER=33]Павел[/USER]")

    assert reply.startswith("🚫 Учётная запись [USER=33]Павел[/USER] уже отключена")
    assert [method for method, _ in await changes(stage)] == [DELETE]


async def test_37_who_is_not_in_cannot_be_removed(stage: Stage) -> None:
    reply = await stage.say(f"/remove {IVAN_NAMED}")

    assert reply == f"ℹ️ В этом чате нет такого участника: {IVAN_NAMED}. Убирать некого."
    assert reply in await stage.told_privately()


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
        "[CHAT=8773]сделка № 288 «Поставка оборудования»[/CHAT].\nПричина: клиент грозит уйти"
    )


async def test_42_escalate_to_the_people_named(stage: Stage) -> None:
    reply = await stage.say("/escalate deal 288 @12 [USER=15]Анна[/USER]")

    assert "[USER=12][/USER], [USER=15]Анна[/USER] теперь в этом чате." in reply
    assert await changes(stage) == [added(IVAN), added(ANNA)]
    adds = await stage.calls(ADD)
    assert {call["batch"] for call in adds} == {adds[0]["batch"]}


async def test_43_a_deal_without_chats(stage: Stage) -> None:
    await stage.whisper("/escalate deal 300")
    await stage.settled()

    [told] = await stage.told_privately()
    assert told.startswith("⚠️ К элементу сделка № 300 нет чата открытой линии")
    assert "✅" not in told


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/escalate del 288", "Может быть, [b]/escalate deal 288[/b]?"),
        ("/escalate deal abc", "«abc» – не номер. Нужны только цифры"),
        ("/escalate invoice 5", "Какой элемент CRM? Укажите лид, сделку, контакт или компанию"),
    ],
)
async def test_44_what_is_no_item(stage: Stage, typed: str, words: str) -> None:
    before = len(await stage.calls())

    reply = await stage.say(typed)

    assert words in reply
    assert reply in await stage.told_privately()
    assert await stage.requests(since=before) == [SEND]


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


async def test_48_a_group_that_is_not_there(stage: Stage) -> None:
    reply = await stage.say("/group 999 @12")

    assert reply.startswith("⚠️ Группы № 999 нет или она вам недоступна.")
    assert reply in await stage.told_privately()


async def test_49_what_is_quoted_is_not_run(stage: Stage) -> None:
    fence = "-" * 54
    quoted = f"{fence}\nАнна Орлова:\n/invite {IVAN_NAMED}\n{fence}\nВот так пишут"

    assert await stage.say(quoted) == ""
    assert await stage.say("[code]\n/invite @12\n[/code]") == ""
    assert await stage.say(">>/invite @12") == ""
    assert not await changes(stage)


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


async def test_56_hidden_mode_is_off(stage: Stage) -> None:
    before = await stage.heard()
    await stage.type(f"/invite {IVAN_NAMED}", hidden=False)
    await stage.type("/invite @15", hidden=False)
    await stage.settled()

    heard = (await stage.heard())[len(before) :]
    hints = [one for one in heard if one.startswith("👀")]
    assert hints == ["👀 Скрытый режим выключен – клиент мог увидеть команду."]
    assert hints[0] in await stage.told_privately()
    assert (await press(stage, "Включить")).startswith("🙈 Скрытый режим включён")
    assert (await press(stage, "Удалить мою команду")).startswith("🗑")
    assert [method for method, _ in (await changes(stage))[-2:]] == [
        "imopenlines.session.mode.silent",
        "im.message.delete",
    ]
    chats = {chat["id"]: chat for chat in await stage.get("chats")}
    assert chats[CHAT]["silent"]


async def test_59_for_a_while_with_the_dashes_of_a_phone(stage: Stage) -> None:
    reply = await stage.say(f"/invite {IVAN_NAMED} —for 2h — юрист")

    assert f"✅ {IVAN_NAMED} в этом чате на 2 часа. Потом уберу автоматически." in reply
    assert await changes(stage) == [added(IVAN)]
    [brief] = await stage.told_privately(IVAN)
    assert "Причина: юрист" in brief
    assert BOSS not in await stage.members()
