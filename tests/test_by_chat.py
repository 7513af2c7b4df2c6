"""Whom the portal does not add by the item, the chat itself takes: offered, at once, or never."""

from typing import Any

import pytest
from acting import keyboard, press
from by_chat import *  # noqa: F403  # a portal with untouched roles
from by_chat import BY_CHAT, CHAT_ADD, INVITE_IVAN, decide, done
from stage import ADD, ANNA, CHAT, CUSTOMER, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, UNBOUND, Stage

from sandbox.model import User

pytestmark = ON_SQLITE


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_somebody_outside_the_queue_comes_in_with_one_press(
    stage: Stage, language: str
) -> None:
    await stage.faults(events={"language": language})

    refusal = await stage.say(INVITE_IVAN)
    assert refusal in await stage.told_privately()
    for words in {
        "ru": ("ваша собственная роль", "«История диалогов — просмотр»", "администратор портала",
               "тот, кто может менять настройки линии", "доступа к элементу CRM"),
        "en": ("your own role", '"Communication history – View"', "a Bitrix24 administrator",
               "whoever may edit the Open Channel", "may then lack access to deal 288"),
    }[language]:  # fmt: skip
        assert words in refusal
    assert IVAN not in await stage.members()
    reply = await press(stage, BY_CHAT[language])

    assert IVAN in await stage.members()
    assert await done(stage) == [(CHAT_ADD, OLGA, "12")]
    assert {"ru": "теперь в этом чате", "en": "is now in this chat"}[language] in reply
    assert {"ru": "возможно без доступа", "en": "perhaps without access"}[language] in reply
    answer = (await stage.chat())["messages"][-1]
    assert answer["system"]
    assert "Switchboard" in answer["text"]


@pytest.mark.parametrize("chat", [True, False])
async def test_an_escalation_brings_the_responsible_in_with_one_press(
    stage: Stage, chat: bool
) -> None:
    await (stage.type if chat else stage.whisper)("/escalate deal 288 -- горит")
    await stage.settled()
    assert "Добавить нельзя: [USER=21]Роман Соколов[/USER]" in (await stage.told_privately())[-1]

    reply = await press(stage, "Добавить через чат: Роман Соколов")

    assert RESPONSIBLE in await stage.members()
    assert "[USER=21]Роман Соколов[/USER] теперь в" in reply
    assert "Причина: горит" in (await stage.told_privately(RESPONSIBLE))[-1]


async def test_always_is_done_at_once_and_said(stage: Stage) -> None:
    await decide(stage, "always")

    reply = await stage.say(f"{INVITE_IVAN} id15")
    assert "возможно без доступа к элементу CRM (сделка № 288): [USER=12]Иван[/USER]." in reply
    assert "нельзя" not in reply
    await stage.say("/escalate")

    assert {IVAN, ANNA, RESPONSIBLE} <= set(await stage.members())
    assert (await done(stage, CHAT_ADD)) == [(CHAT_ADD, OLGA, "12"), (CHAT_ADD, OLGA, "21")]


async def test_never_offers_nothing(stage: Stage) -> None:
    await decide(stage, "never")

    reply = await stage.say(INVITE_IVAN)

    assert "Решает ваша собственная роль" in reply
    assert "через сам чат" not in reply
    assert not any(one["keyboard"] for one in (await stage.get(f"dialogs/{OLGA}"))["messages"])


async def test_a_button_of_before_does_nothing_after_never(stage: Stage) -> None:
    await stage.say(INVITE_IVAN)
    await decide(stage, "never")

    assert "Кнопка устарела" in await press(stage, BY_CHAT["ru"])
    assert not await stage.calls(CHAT_ADD)


CLOSED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "not answered": (
        {"chat": {"id": CHAT, "status": 0}}, CHAT,
        "диалог не активен (на него ещё не ответили или он ждёт клиента)",
        "the dialog is not active (not answered yet, or waiting for the customer)",
    ),
    "waits for the customer": (
        {"chat": {"id": CHAT, "status": 50}}, CHAT,
        "диалог не активен (на него ещё не ответили или он ждёт клиента)",
        "the dialog is not active (not answered yet, or waiting for the customer)",
    ),
    "not bound": (
        {"user": {"id": OLGA, "history": "self"}}, UNBOUND,
        "[/CHAT] пока не привязан к CRM", "[/CHAT] isn't linked to CRM yet",
    ),
    "no chat of the item's": (
        {"method": ADD, "result": 0, "times": None}, CHAT,
        "нет чата открытой линии", "no Open Channel chat",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("case", CLOSED)
async def test_the_chat_itself_is_open_where_the_item_is_not(
    stage: Stage, case: str, language: str
) -> None:
    fault, chat, russian, english = CLOSED[case]
    await stage.faults(events={"language": language})
    await stage.faults(**fault)

    refusal = await stage.say("/invite [USER=12]Иван[/USER] [USER=15]Анна[/USER]", chat=chat)
    assert (russian if language == "ru" else english) in refusal
    await press(stage, BY_CHAT[language])

    assert {IVAN, ANNA} <= set(await stage.members(chat))
    assert [one[0] for one in await done(stage, CHAT_ADD)] == [CHAT_ADD] * 2


async def test_a_dialog_that_is_over_is_begun_anew(stage: Stage) -> None:
    await stage.faults(chat={"id": CHAT, "status": 60})

    assert "Диалог завершён" in await stage.say("/invite id15")
    assert [one["TEXT"] for one in (await keyboard(stage))[1]] == ["Начать сессию и повторить"]


async def test_a_chat_that_may_be_another_customers_is_not_offered(stage: Stage) -> None:
    await decide(stage, "always")

    reply = await stage.say("/invite deal 300 @15 --chat 8774 --yes")

    assert "относится к другому элементу CRM" in reply
    assert not await stage.calls(CHAT_ADD)


async def test_external_people_do_not_come_in_by_the_chat_either(stage: Stage) -> None:
    await decide(stage, "always")

    reply = await stage.say("/invite id33 id18", chat=UNBOUND)

    assert "уволен" in reply
    assert "внешний" in reply
    assert "✅" not in reply
    assert CUSTOMER not in await stage.members(UNBOUND)


@pytest.mark.parametrize("decision", ["ask", "always"])
@pytest.mark.parametrize(
    ("stranger", "words"), [(600, "клиент, а не сотрудник"), (457, "это бот, а не сотрудник")]
)
async def test_neither_another_customer_nor_a_bot_comes_in_by_the_chat(
    stage: Stage, stranger: int, words: str, decision: str
) -> None:
    """The chat itself would take them: it looks at nothing but whether an account is on."""
    stage.portal.state.users.setdefault(457, User(457, "Робот", kind="bot"))
    await decide(stage, decision)

    reply = await stage.say(f"/invite id{stranger} id12", chat=UNBOUND)
    if decision == "ask":
        reply = await press(stage, BY_CHAT["ru"])

    assert words in reply
    assert "[USER=12][/USER] теперь в этом чате" in reply
    members = await stage.members(UNBOUND)
    assert (IVAN in members, stranger in members) == (True, False)
    assert [one[2] for one in await done(stage, CHAT_ADD)] == ["12"]


async def test_nobody_comes_in_by_the_chat_whom_the_portal_does_not_tell_of(stage: Stage) -> None:
    await decide(stage, "always")
    refused = {"status": 403, "code": "ACCESS_DENIED", "description": "no"}
    await stage.faults(method="im.user.list.get", error=refused, times=None)

    reply = await stage.say("/invite id12 id15")

    assert "[USER=15][/USER] теперь в этом чате" in reply
    assert "Битрикс24 отказал в доступе" in reply
    assert not await stage.calls(CHAT_ADD)


@pytest.mark.parametrize("told", [[], {}, {"12": None}, None, "no"])
async def test_nobody_comes_in_by_the_chat_whom_the_portal_leaves_out(
    stage: Stage, told: Any
) -> None:
    await decide(stage, "always")
    await stage.faults(method="im.user.list.get", result=told, times=None)

    reply = await stage.say("/invite id12")

    assert "сотрудник вам недоступен" in reply
    assert not await stage.calls(CHAT_ADD)


async def test_who_is_not_in_the_chat_cannot_bring_anybody_in_by_it(stage: Stage) -> None:
    await stage.whisper("/escalate deal 288 @12", user=ANNA)
    await stage.settled()

    reply = await press(stage, BY_CHAT["ru"], user=ANNA)

    assert "Через чат добавить не получилось" in reply
    assert IVAN not in await stage.members()


@pytest.mark.parametrize("code", ["WRONG_REQUEST", "ACCESS_ERROR", "ACCESS_DENIED_EXTEND"])
async def test_by_whatever_code_the_chat_refuses(stage: Stage, code: str) -> None:
    await stage.say(INVITE_IVAN)
    refused = {"status": 403, "code": code, "description": "no"}
    await stage.faults(method=CHAT_ADD, error=refused)

    assert "Так приглашать могут только участники чата" in await press(stage, BY_CHAT["ru"])


async def test_a_broken_answer_to_the_press_is_looked_into(stage: Stage) -> None:
    await stage.say(INVITE_IVAN)
    await stage.faults(method="batch", drop="after")

    assert "теперь в этом чате" in await press(stage, BY_CHAT["ru"])
    joined = [one for one in await stage.get("memberships") if one["user_id"] == IVAN]
    assert len(joined) == 1


async def test_a_card_about_a_chat_without_crm_says_once_whose_chat_it_is(stage: Stage) -> None:
    await decide(stage, "always")
    await stage.say(f"{INVITE_IVAN} -- нужен юрист", chat=UNBOUND)
    await stage.settled()

    [card] = await stage.told_privately(IVAN)
    assert card == (
        "👋 [USER=7]Ольга Смирнова[/USER] зовёт вас в чат [CHAT=9001]с клиентом[/CHAT].\n"
        "Причина: нужен юрист"
    )


@pytest.mark.parametrize(
    ("typed", "names"),
    [("/escalate", ["Роман Соколов", "Борис Волков"]),
     ("/escalate id41 id12", ["Иван Петров", "Иван Петров"]), ("/escalate id12", [])],
)  # fmt: skip
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_an_escalation_tells_alike_of_those_whom_it_has_tried_in_turn(
    stage: Stage, typed: str, names: list[str], language: str
) -> None:
    await stage.faults(events={"language": language})

    reply = await stage.say(typed)

    assert reply.count("⛔") == 1
    _, buttons = await keyboard(stage)
    labels = [f"{BY_CHAT[language]}: {one}" for one in names] or [BY_CHAT[language]]
    assert [one["TEXT"] for one in buttons] == labels
    await press(stage, labels[0])
    assert len(await done(stage)) == 1


async def test_an_escalation_too_brings_into_a_chat_without_a_record(stage: Stage) -> None:
    reply = await stage.say("/escalate id12 -- горит", chat=UNBOUND)

    assert "пока не привязан к CRM" in reply
    assert "[USER=12][/USER] теперь в" in await press(stage, BY_CHAT["ru"])
    assert IVAN in await stage.members(UNBOUND)
    assert "Причина: горит" in (await stage.told_privately(IVAN))[-1]
    # Whom an escalation calls by itself, only a record tells.
    assert BY_CHAT["ru"] not in [
        one["TEXT"]
        for typed in ("/escalate", "/escalate id12 --dry")
        if await stage.say(typed, chat=UNBOUND)
        for one in (await keyboard(stage))[1]
    ]
