"""/escalate, as operators type it."""

import pytest
from acting import press_at, said
from escalating import decide
from stage import ADD, ANNA, BOSS, CHAT, IVAN, OLGA, ON_SQLITE, OTHER_CHAT, RESPONSIBLE, Stage

# Buttons and settings are stored on both kinds by their own tests.
pytestmark = ON_SQLITE


async def test_calls_the_responsible_into_this_chat(stage: Stage) -> None:
    reply = await stage.say("/escalate -- клиент [b]злится[/b]")

    assert reply == (
        "🚨 Эскалация, сделка № 288 «Поставка оборудования»: [USER=21]Роман Соколов[/USER] "
        "(ответственный) теперь в этом чате. Причина: клиент [\u2060b]злится[\u2060/b]"
    )
    assert (await stage.chat())["messages"][-1]["system"]
    [call] = await stage.calls(ADD)
    assert (call["params"]["USER_ID"], call["params"]["CHAT_ID"]) == ("21", str(CHAT))


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_says_how_long_who_is_called_stays(stage: Stage, language: str) -> None:
    await stage.faults(events={"language": language})
    words = {
        "ru": "теперь в этом чате. Через 1 час 30 минут бот уберёт автоматически.",
        "en": "joined this chat. The bot will remove them after 1 hour 30 minutes.",
    }
    assert words[language] in await stage.say("/escalate --for 90m")


async def test_passes_over_who_is_absent_and_says_so(stage: Stage) -> None:
    await stage.faults(user={"id": RESPONSIBLE, "absent": "2026-12-01T00:00:00+03:00"})

    reply = await stage.say("/escalate")

    assert "[USER=3]Борис Волков[/USER] (руководитель) теперь в этом чате" in reply
    skipped = "\nПропущено: [USER=21]Роман Соколов[/USER] — отсутствует до 1 декабря 2026."
    assert skipped in reply
    assert "\n\n" not in reply
    assert BOSS in await stage.members()


async def test_passes_over_the_requester_himself(stage: Stage) -> None:
    await stage.faults(user={"id": RESPONSIBLE, "history": "any"})
    await stage.say("/escalate")

    reply = await stage.say("/escalate", user=RESPONSIBLE)

    assert "[USER=3]Борис Волков[/USER] (руководитель) теперь в этом чате" in reply
    assert "Пропущено: [USER=21]Роман Соколов[/USER] — это вы." in reply


async def test_from_another_customers_chat_only_the_item_is_named(stage: Stage) -> None:
    reply = await stage.say("/escalate deal 301 --yes")

    assert "[USER=15]Анна Орлова[/USER] (ответственный) теперь в чате [CHAT=8774]" in reply
    assert reply in await stage.told_privately()
    assert ANNA in await stage.members(OTHER_CHAT)


async def test_the_duty_list_is_last(empty_stage: Stage) -> None:
    stage = empty_stage
    await decide(stage, duty=(IVAN, ANNA))
    assert await stage.install() == 200
    for person in (RESPONSIBLE, BOSS, 1, IVAN):
        await stage.faults(user={"id": person, "absent": "2026-12-01T00:00:00+03:00"})

    reply = await stage.say("/escalate")

    assert "[USER=15]Анна Орлова[/USER] (дежурный)" in reply
    assert "[USER=12]Иван Петров[/USER] — отсутствует" in reply


async def test_where_nobody_can_come_the_requester_is_asked_for_names(stage: Stage) -> None:
    for person in (RESPONSIBLE, BOSS, 1):
        await stage.faults(user={"id": person, "absent": "2026-12-01T00:00:00+03:00"})

    reply = await stage.say("/escalate")

    assert reply.startswith("⚠️ Эскалация не удалась (сделка № 288 «Поставка оборудования»)")
    assert "Назовите людей сами" in reply
    assert not await stage.calls(ADD)


async def test_the_head_is_the_responsibles(stage: Stage) -> None:
    reply = await stage.say("/escalate @head @12")

    assert "[USER=3]Борис Волков[/USER]" in reply
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == ["3"]


async def test_the_wrong_customer_is_guarded(stage: Stage) -> None:
    reply = await stage.say("/escalate deal 301 @12")

    assert reply.startswith(
        "⚠️ Чат [CHAT=8773]Клиент - Поддержка[/CHAT] привязан к элементу: сделка № 288"
    )
    assert not await stage.calls(ADD)
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    number, buttons = next((one["id"], one["keyboard"]) for one in messages if one["keyboard"])
    assert [one["TEXT"] for one in buttons] == ["сделка № 288 (этот чат)", "сделка № 301"]

    await press_at(stage, number, 1, OLGA)

    [call] = await stage.calls(ADD)
    assert call["params"]["CRM_ENTITY"] == "301"
    assert "CHAT_ID" not in call["params"]
    assert IVAN in await stage.members(OTHER_CHAT)
    told = (await stage.told_privately())[-1]
    assert "теперь в чате [CHAT=8774]сделка № 301 «Аренда склада»[/CHAT]" in told


async def test_this_chats_item_was_meant(stage: Stage) -> None:
    await stage.say("/escalate deal 301 @12")
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    number = next(one["id"] for one in messages if one["keyboard"])

    await press_at(stage, number, 0, OLGA)

    [call] = await stage.calls(ADD)
    assert (call["params"]["CRM_ENTITY"], call["params"]["CHAT_ID"]) == ("288", str(CHAT))
    assert (await stage.chat())["messages"][-1]["system"]


async def test_the_card_can_be_answered(stage: Stage) -> None:
    await stage.say("/escalate")
    messages = (await stage.get(f"dialogs/{RESPONSIBLE}"))["messages"]
    number, buttons = next((one["id"], one["keyboard"]) for one in messages if one["keyboard"])
    assert [one["TEXT"] for one in buttons] == ["Беру", "Не могу"]

    await press_at(stage, number, 0, RESPONSIBLE)

    assert "принята" in await said(stage, "[USER=21]Роман Соколов[/USER], через")
    assert (await stage.told_privately(RESPONSIBLE))[-1].startswith("👍 Ответ получит [USER=7]")


async def test_everybody_reads_his_own_language(empty_stage: Stage) -> None:
    stage = empty_stage
    await decide(stage, default_language="en")
    assert await stage.install() == 200
    stage = empty_stage
    for user, language in ((OLGA, "ru"), (RESPONSIBLE, "en")):
        await stage.whisper(f"/language {language}", user=user)
    await stage.settled()
    await decide(stage, default_language="en")
    assert await stage.install() == 200
    await stage.faults(events={"language": "de"})

    await stage.say("/escalate")
    await stage.say("/escalate del 288")

    assert (await stage.chat())["messages"][-2]["text"].startswith(
        "[USER=456]Switchboard[/USER]\n 🚨 Escal"
    )
    assert "asks you to join" in (await stage.told_privately(RESPONSIBLE))[-1]
    assert "Может быть" in (await stage.told_privately())[-1]


@pytest.mark.parametrize("chat", [55, 60])
async def test_needs_an_item_where_there_is_no_customer(stage: Stage, chat: int) -> None:
    reply = await stage.say("/escalate", chat=chat)

    assert reply.endswith("Отсюда: [b]/escalate сделка 288[/b]")


async def test_a_contact_is_called_by_the_whole_name(stage: Stage) -> None:
    await stage.faults(item={"type": "contact", "id": 91, "title": "Мария Ким"})

    assert "контакт № 91 «Мария Ким»" in await stage.say("/escalate contact 91 --dry")


async def test_dry_changes_nothing_until_it_is_done(stage: Stage) -> None:
    reply = await stage.say("/escalate --dry -- срочно")

    assert (
        "и ждать ответа каждого 5 минут: [USER=21]Роман Соколов[/USER] (ответственный), "
        "[USER=3]Борис Волков[/USER] (руководитель). Пока ничего не изменилось."
    ) in reply
    assert not await stage.calls(ADD)
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    number = next(one["id"] for one in messages if one["keyboard"])
    await press_at(stage, number, 0, OLGA)
    assert RESPONSIBLE in await stage.members()
    assert "срочно" in (await stage.told_privately(RESPONSIBLE))[-1]
