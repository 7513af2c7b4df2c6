"""Commands in the internal chat of a CRM item: they mean the customer's chat of that item."""

import pytest
from acting import DELETE
from stage import ADD, CHAT, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage

DEAL_CHAT = 1439

pytestmark = ON_SQLITE


async def test_an_escalation_needs_no_number(stage: Stage) -> None:
    reply = await stage.say("/escalate -- клиент ждёт", chat=DEAL_CHAT)

    assert "[USER=21]Роман Соколов[/USER] (ответственный) теперь в чате [CHAT=8773]" in reply
    assert reply in await stage.told_privately()
    assert RESPONSIBLE in await stage.members(CHAT)
    [call] = await stage.calls(ADD)
    assert call["params"] == {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": "288", "USER_ID": "21"}
    assert call["user_id"] == OLGA


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "теперь в чате [CHAT=8773]"), ("en", "now in the chat of [CHAT=8773]")],
)
async def test_a_colleague_comes_into_the_customers_chat(
    stage: Stage, language: str, words: str
) -> None:
    await stage.faults(events={"language": language})

    reply = await stage.say(f"/invite [USER={IVAN}]Иван Петров[/USER]", chat=DEAL_CHAT)

    assert words in reply
    assert IVAN in await stage.members(CHAT)
    assert IVAN not in await stage.members(DEAL_CHAT)
    [call] = await stage.calls(ADD)
    assert "CHAT_ID" not in call["params"]

    await stage.say("/remove id12", chat=DEAL_CHAT)
    assert IVAN not in await stage.members(CHAT)
    [call] = await stage.calls(DELETE)
    assert "CHAT_ID" not in call["params"]


@pytest.mark.parametrize(
    ("language", "words", "nobody"),
    [
        (
            "ru",
            "👥 Из коллег в чате [CHAT=8773]",
            "К элементу CRM (лид № 1300) нет чата открытой линии",
        ),
        (
            "en",
            "👥 Colleagues in the chat of [CHAT=8773]",
            "no Open Channel chat for lead 1300",
        ),
    ],
)
async def test_who_tells_of_the_customers_chat(
    stage: Stage, language: str, words: str, nobody: str
) -> None:
    await stage.faults(events={"language": language})

    reply = await stage.say("/who", chat=DEAL_CHAT)
    assert reply.startswith(words)
    assert "[USER=7]Ольга Смирнова[/USER]" in reply
    assert "[USER=21]Роман Соколов[/USER]" in reply

    await stage.faults(item={"type": "lead", "id": 1300, "title": "", "assigned_by": RESPONSIBLE})
    await stage.faults(chat={"id": DEAL_CHAT, "entity_id": "LEAD|1300"})
    assert nobody in await stage.say("/who", chat=DEAL_CHAT)


async def test_whoever_may_not_see_the_customers_chat_is_told_so(stage: Stage) -> None:
    for method in ("imopenlines.dialog.get", "im.chat.user.list"):
        refused = {"status": 403, "code": "ACCESS_ERROR", "description": "x"}
        await stage.faults(method=method, error=refused, times=None)

    reply = await stage.say("/who", chat=DEAL_CHAT)

    assert reply.startswith("👥 Кто в чате [CHAT=8773]")
    assert "ответственный — [USER=21]" in reply


@pytest.mark.parametrize("entity", ["LEAD|1300", "COMPANY|1300", "CONTACT|1300"])
async def test_a_chat_of_any_kind_of_item_knows_it(stage: Stage, entity: str) -> None:
    kind = entity.partition("|")[0].lower()
    await stage.faults(item={"type": kind, "id": 1300, "title": "X", "assigned_by": RESPONSIBLE})
    await stage.faults(chat={"id": DEAL_CHAT, "entity_id": entity})

    await stage.say("/escalate", chat=DEAL_CHAT)

    [call] = await stage.calls(ADD)
    assert (call["params"]["CRM_ENTITY_TYPE"], call["params"]["CRM_ENTITY"]) == (kind, "1300")


@pytest.mark.parametrize("entity", ["DYNAMIC_128|5", "DEAL|0", "DEAL"])
async def test_a_chat_of_something_else_is_not_taken_for_one(stage: Stage, entity: str) -> None:
    await stage.faults(chat={"id": DEAL_CHAT, "entity_id": entity})

    assert "/escalate сделка 288" in await stage.say("/escalate", chat=DEAL_CHAT)
    assert not await stage.calls(ADD)


async def test_the_queue_is_that_of_the_customers_chat_and_of_no_deals_number(stage: Stage) -> None:
    reply = await stage.say("/invite @line", chat=DEAL_CHAT)

    assert reply.startswith("✅ [USER=15]Анна Орлова[/USER] теперь в чате [CHAT=8773]")
    asked = await stage.calls("imopenlines.config.get")
    assert {call["params"]["CONFIG_ID"] for call in asked} == {1}
