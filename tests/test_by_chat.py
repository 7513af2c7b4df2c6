"""Whom the portal does not add by the item: the reasons, the chat's own way in, and out again."""

from typing import Any

import pytest
from acting import keyboard, press, said
from app_page import opened, posted
from stage import (
    ADD,
    ANNA,
    ANSWER,
    CHAT,
    CUSTOMER,
    IVAN,
    OLGA,
    ON_SQLITE,
    RESPONSIBLE,
    UNBOUND,
    Stage,
)
from test_undo import time_passes

import handlers

DELETE = "imopenlines.crm.chat.user.delete"
CHAT_ADD, CHAT_DELETE = "im.chat.user.add", "im.chat.user.delete"
BY_CHAT = {"ru": "Добавить через чат", "en": "Add through the chat"}
INVITE_IVAN, IVAN_NAMED = "/invite [USER=12]Иван[/USER]", "[USER=12]Иван[/USER]"
DRIVER = 41

pytestmark = ON_SQLITE


@pytest.fixture
async def stage(stage: Stage) -> Stage:
    """A portal with untouched roles: Olga too looks at nothing but the queue, 7 and 15."""
    await stage.faults(user={"id": OLGA, "history": "self"})
    return stage


async def decide(stage: Stage, decision: str) -> None:
    """Let the administrator decide on the app's page whether people come in by the chat."""
    _, page = await opened(stage, 1)
    on = {f"on[{name}]": "1" for name in handlers.router.commands}
    await posted(stage, page, view="save", by_chat=decision, **on, **{"role[0]": "responsible"})


async def done(stage: Stage, *methods: str) -> list[tuple[str, int, str]]:
    """Give the changing calls that worked, whose they were, and about whom."""
    calls = await stage.calls(*(methods or (ADD, DELETE, CHAT_ADD, CHAT_DELETE)))
    assert all(one["auth"] == "user" for one in calls)
    return [
        (one["method"], one["user_id"], one["params"].get("USER_ID") or one["params"]["USERS"][0])
        for one in calls
        if one["error"] is None
    ]


async def test_a_colleague_of_the_queue_comes_in_with_two_requests(stage: Stage) -> None:
    before = len(await stage.calls())

    reply = await stage.say("/invite [USER=15]Анна[/USER]")

    assert reply == "✅ [USER=15]Анна[/USER] теперь в этом чате."
    assert await stage.requests(since=before) == ["batch", ANSWER]


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


@pytest.mark.parametrize(
    ("language", "words", "checked"),
    [("ru", "не на всех, а в очереди этой линии никого нет.", "«Поддержка»: в очереди никого."),
     ("en", "and nobody is in the Open Channel's queue.", '"Поддержка": nobody in the queue.')],
)  # fmt: skip
async def test_a_queue_without_anybody_is_told_as_one(
    stage: Stage, language: str, words: str, checked: str
) -> None:
    await stage.faults(events={"language": language})
    for line in stage.portal.state.lines.values():
        line.queue.clear()

    refusal = await stage.say(INVITE_IVAN)

    assert words in refusal
    assert {"ru": "добавит сотрудника в её очередь", "en": "adds them to its queue"}[language] in (
        refusal
    )
    assert checked in await stage.say("/check")


async def test_a_queue_that_the_portal_does_not_show_is_told_as_such(stage: Stage) -> None:
    await stage.faults(
        method="imopenlines.config.get",
        error={"status": 403, "code": "ACCESS_DENIED", "description": ""},
        times=None,
    )

    assert "а кто в очереди этой линии, Битрикс24 не показал" in await stage.say(INVITE_IVAN)


@pytest.mark.parametrize("outsider", [IVAN, DRIVER])
async def test_the_order_of_the_names_changes_nothing(stage: Stage, outsider: int) -> None:
    ends = []
    for typed in (f"/invite id{outsider} id15", f"/invite id15 id{outsider}"):
        reply = await stage.say(typed)
        members = await stage.members()
        assert ANNA in members
        is_in = outsider in members
        assert (f"[USER={outsider}][/USER] в очереди" in reply) is False
        assert ("Добавить нельзя" in reply) is not is_in
        ends.append((sorted(members), sorted(reply.replace(",", "").replace(".", "").split())))
        await stage.say("/undo")
        assert ANNA not in await stage.members()

    assert ends[0] == ends[1]


@pytest.mark.parametrize("typed", ["/invite id12 id15", "/invite id15 id41"])
@pytest.mark.parametrize(
    ("language", "reason", "of_the_queue"),
    [("ru", "закрыто, поэтому недоступна даже очередь линии", "добавит"),
     ("en", "is closed, so that even the Open Channel's queue is out of reach", "may edit")],
)  # fmt: skip
async def test_a_closed_view_of_history_is_told_alike_of_all(
    stage: Stage, typed: str, language: str, reason: str, of_the_queue: str
) -> None:
    """Who is refused although in the queue shows it: to add the others to it would not help."""
    await stage.faults(events={"language": language})
    await stage.faults(user={"id": OLGA, "history": "none"})

    reply = await stage.say(typed)

    assert reply.count(reason) == 1
    assert of_the_queue not in reply


async def test_only_who_was_refused_is_asked_for_again_alone(stage: Stage) -> None:
    await stage.faults(line={"id": 1, "queue": [OLGA, ANNA, RESPONSIBLE]})
    before = len(await stage.calls())

    reply = await stage.say("/invite id33 id21 id12 id15")

    assert {ANNA, RESPONSIBLE} <= set(await stage.members())
    assert IVAN not in await stage.members()
    assert "[USER=12][/USER]" in reply
    asked = [one["params"]["USER_ID"] for one in (await stage.calls(ADD))]
    assert asked == ["12", "15", "21", "33", "15", "21"]
    assert (await stage.requests(since=before))[:3] == ["batch"] * 3


async def test_what_was_asked_for_again_is_in_the_journal_and_undone(stage: Stage) -> None:
    await stage.say("/invite id12 id15")

    assert stage.count("SELECT count(*) FROM journal WHERE person_id = 15") == 2
    assert "Больше не в этом чате: [USER=15]Анна Орлова[/USER]." in await stage.say("/undo")


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


async def test_who_is_not_in_the_chat_cannot_bring_anybody_in_by_it(stage: Stage) -> None:
    await stage.whisper("/escalate deal 288 @12", user=ANNA)
    await stage.settled()

    reply = await press(stage, BY_CHAT["ru"], user=ANNA)

    assert "Через чат добавить не получилось" in reply
    assert IVAN not in await stage.members()


async def test_a_broken_answer_to_the_press_is_looked_into(stage: Stage) -> None:
    await stage.say(INVITE_IVAN)
    await stage.faults(method="batch", drop="after")

    assert "теперь в этом чате" in await press(stage, BY_CHAT["ru"])
    joined = [one for one in await stage.get("memberships") if one["user_id"] == IVAN]
    assert len(joined) == 1


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


async def test_a_card_about_a_chat_without_crm_says_once_whose_chat_it_is(stage: Stage) -> None:
    await decide(stage, "always")
    await stage.say(f"{INVITE_IVAN} -- нужен юрист", chat=UNBOUND)
    await stage.settled()

    [card] = await stage.told_privately(IVAN)
    assert card == (
        "👋 [USER=7]Ольга Смирнова[/USER] зовёт вас в чат [CHAT=9001]с клиентом[/CHAT].\n"
        "Причина: нужен юрист"
    )


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


async def _anna_brings_ivan(stage: Stage) -> None:
    await stage.say("/invite id15")
    await stage.say(INVITE_IVAN, user=ANNA)
    await press(stage, BY_CHAT["ru"], user=ANNA)
    assert IVAN in await stage.members()


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


async def test_an_escalation_knows_of_all_that_the_view_of_history_is_closed(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "history": "none"})

    reply = await stage.say("/escalate id12 id15")

    assert reply.count("закрыто, поэтому недоступна даже очередь линии") == 1
    assert "[USER=12]" in reply
    assert "[USER=15]" in reply
    assert "добавит" not in reply


@pytest.mark.parametrize("typed", ["/invite id12", "/escalate id12"])
async def test_nothing_is_said_of_a_queue_that_the_portal_does_not_show(
    stage: Stage, typed: str
) -> None:
    refused = {"status": 403, "code": "ACCESS_DENIED", "description": "no"}
    await stage.faults(method="imopenlines.config.get", error=refused, times=None)

    reply = await stage.say(typed)

    assert "а кто в очереди этой линии, Битрикс24 не показал" in reply


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
