"""The acceptance list to 32, played: what people type, which calls follow, what they read.

Those about a missing permission (24, 26) are played with the flow that asks for it.
"""

import pytest
from acting import IVAN_NAMED, added, changes, keyboard, press
from stage import (
    ADD,
    ADMIN,
    ANNA,
    ANSWER,
    CUSTOMER,
    DINA,
    FINISHED,
    GROUP_CHAT,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    PAVEL,
    RESPONSIBLE,
    UNBOUND,
    Stage,
)


async def test_1_a_mention(stage: Stage) -> None:
    assert await stage.say(f"/invite {IVAN_NAMED}") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert await changes(stage) == [added(IVAN)]


@ON_SQLITE
async def test_2_two_mentions_one_of_them_in_already(stage: Stage) -> None:
    await stage.faults(older=True)
    await stage.say("/invite @15")

    reply = await stage.say(f"/invite {IVAN_NAMED} [USER=15]Анна[/USER]")

    assert reply == (
        f"✅ {IVAN_NAMED} теперь в этом чате. ℹ️ Уже в этом чате: [USER=15]Анна[/USER]."
    )


@ON_SQLITE
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


@ON_SQLITE
async def test_7_dismissed(stage: Stage) -> None:
    reply = await stage.say("/invite [USER=33]Павел[/USER]")

    assert reply.startswith("🚫 [USER=33]Павел[/USER]: сотрудник уволен или учётная запись")
    assert reply in await stage.told_privately()
    assert await changes(stage) == [added(PAVEL)]


@ON_SQLITE
@pytest.mark.parametrize("older", [True, False])
async def test_8_in_already(stage: Stage, older: bool) -> None:
    await stage.faults(older=older)
    await stage.say("/invite @15")

    reply = await stage.say("/invite [USER=15]Анна[/USER]")

    assert reply == f"ℹ️ [USER=15]Анна[/USER] уже в чате {LINK} — делать ничего не нужно."


@ON_SQLITE
async def test_9_the_invitee_may_not_read_the_deal(stage: Stage) -> None:
    await stage.faults(user={"id": IVAN, "crm": False})

    reply = await stage.say(f"/invite {IVAN_NAMED}")

    assert reply.startswith(f"⛔ У сотрудника {IVAN_NAMED} нет доступа к элементу: сделка № 288")
    assert reply in await stage.told_privately()
    assert (await press(stage, "Попросить доступ")).startswith("✅ Просьба о доступе отправлена")
    [notice] = await stage.get("notifications")
    assert (notice["from"], notice["to"]) == (OLGA, RESPONSIBLE)
    assert "сделка № 288 «Поставка оборудования»" in notice["text"]


async def test_9_the_invitee_is_responsible_for_the_deal_that_they_may_not_read(
    stage: Stage,
) -> None:
    await stage.faults(user={"id": RESPONSIBLE, "crm": False})

    reply = await stage.say("/invite [USER=21]Роман[/USER]")

    assert "нет доступа к элементу: сделка № 288" in reply
    # Who lacks it themselves cannot give it.
    assert "попросите доступ" not in reply


@ON_SQLITE
async def test_10_the_requesters_view_of_history_does_not_reach_the_invitee(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "history": "self"})

    reply = await stage.say(f"/invite {IVAN_NAMED}")

    assert "Решает ваша собственная роль в открытых линиях" in reply
    assert reply in await stage.told_privately()
    assert await changes(stage) == [added(IVAN)]


@ON_SQLITE
async def test_11_who_reads_the_deal_needs_no_right_to_join_the_line(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "join": False})

    assert "теперь в этом чате" in await stage.say(f"/invite {IVAN_NAMED}")
    assert await changes(stage) == [added(IVAN)]


@ON_SQLITE
async def test_12_the_requester_may_not_read_the_deal(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "crm": False})

    reply = await stage.say("/escalate deal 288 @12")

    assert reply.startswith("⛔ У вас нет доступа к элементу: сделка № 288, поэтому")
    assert "Поставка" not in reply
    assert await changes(stage) == [added(IVAN)]
    await stage.faults(user={"id": OLGA, "crm": True})
    assert "теперь в этом чате" in await press(stage, "Повторить")


@ON_SQLITE
async def test_13_the_customer_commands_nothing(stage: Stage) -> None:
    await stage.type("/invite @Ivan", user=CUSTOMER)
    await stage.settled()

    assert not await stage.heard()
    assert not await changes(stage)


@ON_SQLITE
async def test_15_extranet_people_command_nothing(stage: Stage) -> None:
    await stage.whisper("/invite @12", user=DINA)
    await stage.settled()

    assert not await stage.told_privately(DINA)
    assert not await changes(stage)


@ON_SQLITE
async def test_16_not_with_a_customer(stage: Stage) -> None:
    reply = await stage.say("/invite @12", chat=GROUP_CHAT)

    assert reply.startswith("Команда работает в чате с клиентом (открытая линия). Отсюда:")
    assert reply in await stage.told_privately()
    assert not await changes(stage)


async def test_18_and_19_a_lead_is_created_and_the_command_repeated(stage: Stage) -> None:
    reply = await stage.say(f"/invite {IVAN_NAMED}", chat=UNBOUND)

    assert reply.startswith("⚠️ Чат [CHAT=9001]Гость - Поддержка[/CHAT] пока не привязан к CRM")
    assert not await changes(stage)
    assert await press(stage, "Создать лид и повторить") == f"✅ {IVAN_NAMED} теперь в этом чате."
    assert await changes(stage) == [
        ("imopenlines.crm.lead.create", {"CHAT_ID": str(UNBOUND)}),
        added(IVAN, UNBOUND, 1209, "lead"),
    ]
    assert (await stage.chat(UNBOUND))["messages"][-1]["system"]


@ON_SQLITE
async def test_19_only_the_operator_may_create_the_lead(stage: Stage) -> None:
    refused = {"status": 400, "code": "ERROR_USER_NOT_OPERATOR", "description": "..."}
    await stage.faults(method="imopenlines.crm.lead.create", error=refused)
    await stage.say("/invite @12", chat=UNBOUND)

    reply = await press(stage, "Создать лид и повторить")

    assert reply.startswith(
        "⚠️ Создать лид для чата [CHAT=9001]Гость - Поддержка[/CHAT] может только оператор"
    )
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


@ON_SQLITE
async def test_22_the_bot_is_no_member(stage: Stage) -> None:
    await stage.say("/invite @12")

    answer = (await stage.chat())["messages"][-1]
    assert answer["system"]
    assert answer["text"].startswith("[USER=456]Switchboard[/USER]\n ")
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


@ON_SQLITE
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


@ON_SQLITE
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
    [alert] = await stage.told_privately(ADMIN)
    assert alert.startswith("🛠 Команда не выполнена ([USER=7]Ольга Смирнова[/USER]): ")
