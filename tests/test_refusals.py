"""Every way the portal refuses an /invite, as the operator reads it in both languages."""

from typing import Any

import pytest
from acting import DELETE
from stage import ADD, CHAT, IVAN, OLGA, ON_SQLITE, Stage

from bot.bitrix24 import circuit

TYPED = "/invite [USER=12]Иван[/USER]"


def error(status: int, code: str, description: str = "", **more: Any) -> dict[str, Any]:
    told = {"status": status, "code": code, "description": description}
    return {"method": ADD, "error": told, **more}


CONTEXT = "Current user can't be authorized in this context"


REFUSALS = {
    "the requester may not read the item": (
        [{"user": {"id": OLGA, "crm": False}}],
        "⛔ У вас нет доступа к элементу: сделка № 288, поэтому",
        "⛔ You don't have access to deal 288, so",
    ),
    "the requester may not join the line": (
        [error(403, "ACCESS_DENIED", "Access denied! You don't have access to join user to chat")],
        "ваша роль не разрешает подключаться к диалогам этой линии",
        "but your role may not join dialogs of this Open Channel",
    ),
    "the requester is no employee to CRM": (
        [
            error(403, "ACCESS_DENIED", "Отказано"),
            error(403, "allowed_only_intranet_user", "Только сотрудникам", method="crm.item.get"),
        ],
        "⛔ У вас нет доступа к элементу: сделка № 288, поэтому",
        "⛔ You don't have access to deal 288, so",
    ),
    "the colleague may not read the item": (
        [{"user": {"id": IVAN, "crm": False}}],
        "⛔ У сотрудника [USER=12]Иван[/USER] нет доступа к элементу: сделка № 288 «",
        '⛔ [USER=12]Иван[/USER] has no access to deal 288 "',
    ),
    "the requester's view of history is the line's queue": (
        [{"user": {"id": OLGA, "history": "self"}}],
        "распространяется не на всех, а сотрудника в очереди этой линии нет",
        "doesn't reach everybody, and they are not in the Open Channel's queue",
    ),
    "the requester's view of history is closed": (
        [{"user": {"id": OLGA, "history": "none"}}, {"line": {"id": 1, "queue": [OLGA, IVAN]}}],
        "закрыто, поэтому недоступна даже очередь линии",
        "is closed, so that even the Open Channel's queue is out of reach",
    ),
    "access is denied and nobody knows whose": (
        [error(403, "ACCESS_DENIED", "Отказано")],
        "у вас или у [USER=12]Иван[/USER] не хватает прав",
        "Either you or [USER=12]Иван[/USER] lacks rights",
    ),
    "the plan has no REST": (
        [error(403, "ACCESS_DENIED", "REST API is available only on commercial plans")],
        "На вашем тарифе Битрикс24 REST отключён",
        "REST is switched off on this Bitrix24 plan",
    ),
    "the dialog is not active": (
        [{"chat": {"id": CHAT, "status": 50}}],
        "диалог не активен",
        "the dialog is not active",
    ),
    "the dialog is finished": (
        [{"chat": {"id": CHAT, "status": 60}}],
        "⚠️ Диалог завершён",
        "⚠️ This dialog is finished",
    ),
    "the colleague is dismissed": (
        [{"user": {"id": IVAN, "active": False}}],
        "🚫 [USER=12]Иван[/USER]: сотрудник уволен или учётная запись отключена",
        "🚫 [USER=12]Иван[/USER] is dismissed or the account is off",
    ),
    "the colleague is called inactive and is not": (
        [error(400, "CRM_CHAT_USER_NOT_ACTIVE", "User not active")],
        "сотрудник вам недоступен в этой линии",
        "the account isn't available to you in this Open Channel",
    ),
    "not added, and nobody sees why": (
        [error(400, "WRONG_REQUEST", "You don't have access or user already member in chat")],
        "⚠️ Битрикс24 не добавил [USER=12]Иван[/USER]: нет доступа или уже в чате",
        "⚠️ Bitrix24 didn't add [USER=12]Иван[/USER]: no access or already a member",
    ),
    "the bot's own request is wrong": (
        [error(400, "ERROR_ARGUMENT", "Argument 'CRM_ENTITY' is null or empty")],
        "⚠️ Бот отправил неверный запрос. Ничего не изменилось.",
        "⚠️ The bot sent Bitrix24 a wrong request. Nothing changed.",
    ),
    "there is no messenger": (
        [error(400, "IM_NOT_INSTALLED", "Messenger is not installed.")],
        "не установлен модуль «Мессенджер»",
        "The Messenger module (im) is not installed",
    ),
    "the app lacks a permission": (
        [error(403, "insufficient_scope", "The request requires higher privileges")],
        "проверьте права приложения (imbot, imopenlines, im, crm, department, user, sonet_group)",
        "app's permissions (imbot, imopenlines, im, crm, department, user, sonet_group)",
    ),
    "the app is closed to the requester": (
        [{"user": {"id": OLGA, "app_access": False}}],
        "⛔ Администратор не открыл вам доступ к приложению",
        "⛔ The administrator hasn't given you access to this app",
    ),
    "a code that no page knows": (
        [error(400, "SOMETHING_NEW", "Луна в [b]Козероге[/b]")],
        "⚠️ Битрикс24 отказал: Луна в [\u2060b]Козероге[\u2060/b]",
        "⚠️ Bitrix24 refused: Луна в [\u2060b]Козероге[\u2060/b]",
    ),
    "a plan without REST, in other words": (
        [error(403, "ACCESS_DENIED", "Access denied! Available only on extended plans")],
        "На вашем тарифе Битрикс24 REST отключён",
        "REST is switched off on this Bitrix24 plan",
    ),
    "a code that no page knows, with a full stop": (
        [error(400, "SOMETHING_NEW", "Луна в Козероге.<br>")],
        "⚠️ Битрикс24 отказал: Луна в Козероге. Изменений",
        "⚠️ Bitrix24 refused: Луна в Козероге. As far",
    ),
    "many words": (
        [error(400, "SOMETHING_NEW", "ё" * 300)],
        f"⚠️ Битрикс24 отказал: {'ё' * 79}… Изменений",
        f"⚠️ Bitrix24 refused: {'ё' * 79}… As far",
    ),
    "no code": (
        [error(400, "", "Wrong moon.")],
        "⚠️ Битрикс24 отказал: Wrong moon. Изменений не зафиксировано. Покажите это "
        "администратору.\n[i]код 0001[/i]",
        "⚠️ Bitrix24 refused: Wrong moon. As far as the bot knows, nothing changed. Show this to "
        "your administrator.\n[i]ref 0001[/i]",
    ),
    "neither code nor words": (
        [error(400, "", " ")],
        "⚠️ Битрикс24 отказал и не объяснил почему. Изменений не зафиксировано. Покажите это "
        "администратору.\n[i]код 0001[/i]",
        "⚠️ Bitrix24 refused and didn't say why. As far as the bot knows, nothing changed. Show "
        "this to your administrator.\n[i]ref 0001[/i]",
    ),
    "an administrator's consent is awaited": (
        [error(401, "METHOD_CONFIRM_WAITING", "Waiting for confirmation")],
        "⏳ Битрикс24 спрашивает администратора портала",
        "⏳ Bitrix24 asks the portal administrator",
    ),
    "an administrator's consent is awaited for all": (
        [error(401, "METHOD_CONFIRM_WAITING", "Waiting for confirmation", method="batch")],
        "⏳ Битрикс24 спрашивает администратора портала",
        "⏳ Bitrix24 asks the portal administrator",
    ),
    "an administrator did not consent": (
        [error(403, "METHOD_CONFIRM_DENIED", "Method call denied")],
        "⛔ Согласия администратора портала на это действие бота нет.",
        "⛔ The portal administrator did not consent",
    ),
    "the portal is deleted": (
        [error(403, "PORTAL_DELETED", "Portal was deleted", method="batch")],
        "⛔ Битрикс24 сообщает, что портал удалён или закрыт.",
        "⛔ Bitrix24 says that this portal is deleted or closed.",
    ),
    "the portal is deleted, by another status": (
        [error(500, "PORTAL_DELETED", "Portal was deleted", method="batch")],
        "⛔ Битрикс24 сообщает, что портал удалён или закрыт.",
        "⛔ Bitrix24 says that this portal is deleted or closed.",
    ),
    "the app is gone": (
        [error(401, "APPLICATION_NOT_FOUND", "Application not found", method="batch")],
        "⚠️ Битрикс24 не находит приложение бота",
        "⚠️ Bitrix24 doesn't find the bot's app",
    ),
    "nobody may act for the requester": (
        [error(403, "ACCESS_DENIED", f"{CONTEXT}.", method="batch")],
        "⛔ Битрикс24 пока не даёт боту действовать от вашего имени",
        "⛔ Bitrix24 doesn't let the bot act for you yet",
    ),
    "nobody may act for the requester, says the call itself": (
        [error(403, "ACCESS_DENIED", CONTEXT)],
        "⛔ Битрикс24 пока не даёт боту действовать от вашего имени",
        "⛔ Bitrix24 doesn't let the bot act for you yet",
    ),
    "the portal lacks the method": (
        [error(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")],
        "⚠️ Битрикс24 на этом портале не умеет того, что нужно команде",
        "⚠️ Bitrix24 on this portal lacks what the command needs",
    ),
    "access is denied to all of it": (
        [error(403, "ACCESS_DENIED", "Access denied.", method="batch")],
        "⛔ Битрикс24 отказал в доступе: у вас нет права",
        "⛔ Bitrix24 refused access: you may not do this",
    ),
    "the portal cannot ask about the token, for good": (
        [error(401, "CONNECTION_ERROR", "Error connecting", method="batch", times=None)],
        "⚠️ Битрикс24 не ответил: неизвестно, выполнена ли команда",
        "⚠️ Bitrix24 didn't answer: it is unknown whether your command was carried out",
    ),
    "the portal breaks down for good": (
        [error(500, "INTERNAL_SERVER_ERROR", "Internal server error", method="batch", times=None)],
        "⚠️ Битрикс24 не ответил: неизвестно, выполнена ли команда",
        "⚠️ Bitrix24 didn't answer: it is unknown whether your command was carried out",
    ),
    "a bad gateway for good": (
        [{"method": "batch", "html": 503, "times": None}],
        "⚠️ Битрикс24 не ответил: неизвестно, выполнена ли команда",
        "⚠️ Bitrix24 didn't answer: it is unknown whether your command was carried out",
    ),
}


@ON_SQLITE
@pytest.mark.settings(retry_for=0.5)
@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("case", REFUSALS)
async def test_is_told_privately_with_what_to_do(
    stage: Stage, case: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether half a second has room for so many attempts that the portal is left alone is chance.
    monkeypatch.setattr(circuit, "FAILURES", 1000)
    faults, russian, english = REFUSALS[case]
    await stage.faults(events={"language": language})
    for fault in faults:
        await stage.faults(**fault)
    in_chat = len((await stage.chat())["messages"])

    reply = await stage.say(TYPED)

    assert (russian if language == "ru" else english) in reply
    assert reply in await stage.told_privately()
    assert len((await stage.chat())["messages"]) == in_chat + 1  # the command itself
    assert IVAN not in await stage.members()
    assert "✅" not in reply
    assert ".." not in reply
    assert "[i] ·" not in reply


@ON_SQLITE
@pytest.mark.parametrize("code", ["ERROR_ARGUMENT", "CRM_CHAT_EMPTY_USER"])
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "Пока уберите [USER=12][/USER] в списке участников чата"),
     ("en", "Take [USER=12][/USER] out in the chat's member list for now")],
)  # fmt: skip
async def test_a_wrong_request_to_remove_tells_how_to_remove(
    stage: Stage, code: str, language: str, words: str
) -> None:
    await stage.faults(events={"language": language})
    await stage.say("/invite id12")
    await stage.faults(**error(400, code, "Empty User ID", method=DELETE))

    assert words in await stage.say("/remove id12")
    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize(("language", "words"), [("ru", "подключать"), ("en", "nowhere to bring")])
async def test_zero_is_no_success(stage: Stage, language: str, words: str) -> None:
    await stage.faults(events={"language": language})
    # An item without a chat, and a portal that overlooks CHAT_ID.
    await stage.faults(chat={"id": CHAT, "entity_data_2": "DEAL|300"})
    await stage.faults(method=ADD, result=0)

    reply = await stage.say(TYPED)

    assert words in reply
    assert "✅" not in reply


@ON_SQLITE
async def test_a_full_bucket_only_takes_longer(stage: Stage) -> None:
    await stage.faults(**error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests", times=2))

    assert "теперь в этом чате" in await stage.say(TYPED)
    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.settings(rest_timeout=2.0)
@pytest.mark.parametrize(
    "fault",
    [
        {"delay": 5},
        {"drop": "before"},
        {"drop": "after"},
        {"truncate": True},
        {"html": 502},
        {"html": 200},
        {"redirect": "http://127.0.0.1:9/rest/batch"},
    ],
)
async def test_a_broken_answer_is_looked_into_and_repeated(
    stage: Stage, fault: dict[str, Any]
) -> None:
    await stage.faults(method="batch", **fault)

    reply = await stage.say(TYPED)

    assert "✅ [USER=12]Иван[/USER] теперь в этом чате." in reply
    joined = [one for one in await stage.get("memberships") if one["user_id"] == IVAN]
    assert len(joined) == 1


UNSETTLED = {
    "broken down": {"status": 500, "code": "INTERNAL_SERVER_ERROR"},
    "an unexpected answer": {"status": 500, "code": "ERROR_UNEXPECTED_ANSWER"},
    "no code": {"status": 500, "code": ""},
    "a gateway's JSON": {"status": 502, "code": "Bad Gateway"},
}


@ON_SQLITE
@pytest.mark.parametrize("case", UNSETTLED)
async def test_what_was_done_is_found_though_the_answer_is_an_error(
    stage: Stage, case: str
) -> None:
    await stage.faults(method="batch", failure={"description": "", **UNSETTLED[case]})

    reply = await stage.say(TYPED)

    assert "✅ [USER=12]Иван[/USER] теперь в этом чате." in reply
    assert len(await stage.calls(ADD)) == 1
    assert (await stage.say("/undo")).startswith("↩️ Отменено.")
    assert IVAN not in await stage.members()


@ON_SQLITE
async def test_one_step_that_broke_off_is_looked_into_alone(stage: Stage) -> None:
    broken = {"status": 500, "code": "INTERNAL_SERVER_ERROR", "description": ""}
    await stage.faults(method=ADD, error=broken)

    reply = await stage.say("/invite id12 id15")

    assert "✅ Теперь в чате: [USER=12][/USER], [USER=15][/USER]." in reply
    assert [one["params"]["USER_ID"] for one in await stage.calls(ADD)] == ["12", "15", "12"]


@ON_SQLITE
@pytest.mark.parametrize("method", [ADD, "batch", "profile"])
async def test_a_portal_that_cannot_check_the_token_is_asked_again(
    stage: Stage, method: str
) -> None:
    await stage.faults(events={"tokens": "no_user_id"})
    told = {"status": 401, "code": "CONNECTION_ERROR", "description": "Error connecting"}
    await stage.faults(method=method, error=told)

    assert "теперь в этом чате" in await stage.say(TYPED)
    assert IVAN in await stage.members()
