"""What is pressed on the tab in CRM cards is done as its visitor, and no customer sees it."""

import pytest
from app_page import session_of, words_of
from stage import (
    ADD,
    ANNA,
    ANSWER,
    CHAT,
    IVAN,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    RESPONSIBLE,
    SEND,
    Stage,
    settings_for,
)
from tab_page import number_of, offered, opened, pressed, record_of

from bot.web.application import serving
from bot.web.listener import listening

DELETE = "imopenlines.crm.chat.user.delete"
RESPONSIBLE_TOOK = {
    "ru": "Эскалация принята: [USER=21]",
    "en": "[USER=21]Роман Соколов[/USER] took",
}


@ON_SQLITE
async def test_an_invitation_by_a_press_is_the_visitor_s_own(stage: Stage) -> None:
    _, page = await opened(stage)
    before = len((await stage.chat())["messages"])

    page = await pressed(stage, page, invite=str(ANNA))

    assert "Ответ бота ✅ Анна Орлова теперь в чате сделка № 288." in words_of(page)
    assert "В чате Ольга Смирнова оператор, это вы Убрать Анна Орлова Убрать" in words_of(page)
    assert [call["user_id"] for call in await stage.calls(ADD)] == [OLGA]
    assert ANNA in await stage.members()
    # The answer is told privately as well; in the chat there is the portal's own line alone.
    assert [one for one in await stage.told_privately() if one.startswith("✅ [USER=15]")]
    said = (await stage.chat())["messages"][before:]
    assert not [one for one in said if one["to_customer"] or "Switchboard" in one["text"]]
    assert stage.count("SELECT count(*) FROM journal WHERE command = 'invite'") == 1


@ON_SQLITE
async def test_nothing_of_it_reaches_the_customer(stage: Stage) -> None:
    _, page = await opened(stage)
    for fields in ({"invite": str(ANNA)}, {"remove": str(ANNA)}, {"escalate": "1", "reason": "x"},
                   {"invite": "33"}, {"remove": str(OLGA)}):  # fmt: skip
        page = await pressed(stage, page, **fields)

    chat = await stage.chat()
    assert not [one for one in chat["messages"] if one["to_customer"]]
    assert not await stage.calls(ANSWER)
    said_in = {call["params"]["dialogId"] for call in await stage.calls(SEND)}
    assert not [one for one in said_in if one.startswith("chat")]


@ON_SQLITE
async def test_a_removal_and_its_undoing_on_the_page(stage: Stage) -> None:
    _, page = await opened(stage)
    page = await pressed(stage, page, invite=str(ANNA))

    page = await pressed(stage, page, remove=str(ANNA))

    assert "Анна Орлова больше не в чате сделка № 288." in words_of(page)
    assert [call["user_id"] for call in await stage.calls(DELETE)] == [OLGA]
    assert ANNA not in await stage.members()

    page = await pressed(stage, page, press=offered(page, "Отменить"))

    assert ANNA in await stage.members()
    assert "Отменено" in words_of(page)


@ON_SQLITE
async def test_the_operator_is_removed_after_a_question(stage: Stage) -> None:
    _, page = await opened(stage, ANNA)

    page = await pressed(stage, page, remove=str(OLGA))

    assert OLGA in await stage.members()
    assert "Ольга Смирнова" in words_of(page)

    await pressed(stage, page, press=offered(page, "Всё равно убрать"))

    assert [call["user_id"] for call in await stage.calls(DELETE)] == [ANNA]


@ON_SQLITE
async def test_a_colleague_is_found_and_invited(stage: Stage) -> None:
    _, page = await opened(stage)

    page = await pressed(stage, page, find="Иван Петров")

    assert "Иван Петров Юрист Позвать Иван Петров Водитель Позвать" in words_of(page)

    page = await pressed(stage, page, invite=str(IVAN))
    assert IVAN in await stage.members()
    assert "Иван Петров теперь в чате" in words_of(page)

    page = await pressed(stage, page, find="Никто Никакой")
    assert "Нет сотрудника по запросу «Никто Никакой»" in words_of(page)


@ON_SQLITE
async def test_an_escalation_by_the_portal_s_order(stage: Stage) -> None:
    _, page = await opened(stage)

    page = await pressed(stage, page, escalate="1", reason="Нужно решение по цене")

    assert "Эскалация, сделка № 288" in words_of(page)
    assert 21 in await stage.members()
    [brief] = [one for one in await stage.told_privately(21) if "Нужно решение" in one]
    assert "Поставка оборудования" in brief
    assert "[USER=7]Ольга Смирнова[/USER]" in brief


@ON_SQLITE
async def test_an_escalation_to_somebody_named(stage: Stage) -> None:
    _, page = await opened(stage)

    page = await pressed(stage, page, escalate="1", who=str(ANNA))

    assert ANNA in await stage.members()
    assert 21 not in await stage.members()


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_a_running_escalation_is_shown_and_taken(stage: Stage, language: str) -> None:
    waits, on_it, taken = {
        "ru": ("Ответа ждём до", "Роман Соколов ответственный, ждём ответа",
               "Вопрос взят. Роман Соколов ответственный, берёт"),
        "en": ("Waiting for an answer until", "Роман Соколов responsible, called",
               "Somebody has taken it. Роман Соколов responsible, took it"),
    }[language]  # fmt: skip
    _, page = await opened(stage, language=language)
    assert waits not in words_of(page)
    page = await pressed(stage, page, escalate="1")
    assert waits in words_of(page)
    assert on_it in words_of(page)
    assert 'name="stop"' in page
    assert 'name="take"' not in page

    _, his = await opened(stage, RESPONSIBLE, language=language)
    assert 'name="stop"' not in his
    await pressed(stage, his, take=number_of(his, "take"))

    async def is_told() -> bool:
        said = (await stage.chat())["messages"]
        return any(RESPONSIBLE_TOOK[language] in one["text"] for one in said)

    await stage.until(is_told)
    _, page = await opened(stage, language=language)
    assert taken in words_of(page)
    assert 'name="stop"' not in page
    assert not [one for one in (await stage.chat())["messages"] if one["to_customer"]]


@ON_SQLITE
async def test_a_running_escalation_is_passed_on_and_stopped(stage: Stage) -> None:
    _, page = await opened(stage)
    await pressed(stage, page, escalate="1")
    _, his = await opened(stage, RESPONSIBLE)
    his = await pressed(stage, his, pass_on=number_of(his, "pass_on"))
    assert "Роман Соколов ответственный, не может" in words_of(his)

    async def is_passed_on() -> bool:
        nonlocal page
        _, page = await opened(stage)
        return "Борис Волков руководитель, ждём ответа" in words_of(page)

    await stage.until(is_passed_on)
    page = await pressed(stage, page, stop=number_of(page, "stop"))
    assert "Эскалация остановлена" in words_of(page)
    assert "Последняя эскалация Остановлена." in words_of(page)
    assert not [one for one in (await stage.chat())["messages"] if one["to_customer"]]


@ON_SQLITE
async def test_a_refusal_is_told_with_the_way_out(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "history": "self"})
    _, page = await opened(stage)

    page = await pressed(stage, page, invite=str(IVAN))

    assert IVAN not in await stage.members()
    assert "Иван Петров" in words_of(page)

    page = await pressed(stage, page, press=offered(page, "Добавить через чат"))

    assert IVAN in await stage.members()
    assert [call["user_id"] for call in await stage.calls("im.chat.user.add")] == [OLGA]


@ON_SQLITE
async def test_a_slow_answer_comes_privately(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.story.page_acts.PATIENCE", 0.2)
    await stage.faults(method=ADD, delay=1)
    _, page = await opened(stage)

    page = await pressed(stage, page, invite=str(ANNA))

    assert "Ответ бота Бот ещё выполняет это." in words_of(page)
    await stage.settled()
    assert [one for one in await stage.told_privately() if one.startswith("✅ [USER=15]")]
    assert len(await stage.calls(ADD)) == 1


@ON_POSTGRESQL
async def test_a_process_that_serves_pages_alone_has_others_do_it(stage: Stage) -> None:
    url = stage.settings.database_url.get_secret_value()
    pages = settings_for(stage.portal, url, public_url=stage.settings.public_url)
    async with (
        serving(pages, working=False) as application,
        listening(application, pages.port, "127.0.0.1"),
    ):
        _, page = await opened(stage)
        known = {"session": session_of(page), "record": record_of(page), "chat": str(CHAT)}
        address = f"http://127.0.0.1:{pages.port}/bitrix24/tab"
        for told in ("Анна Орлова теперь в чате", "второй раз ничего не сделано"):
            fields = {**known, "invite": str(ANNA)}
            async with stage.session.post(address, data=fields) as response:
                assert told in words_of(await response.text())

    assert len(await stage.calls(ADD)) == 1


@ON_SQLITE
async def test_where_too_much_waits_nothing_more_is_taken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.story.page_acts.PATIENCE", 0.1)
    monkeypatch.setattr("bot.inbox.backlog.REQUESTER_LIMIT", 1)
    await stage.faults(method=ADD, delay=2)
    _, page = await opened(stage)
    page = await pressed(stage, page, invite=str(ANNA))

    page = await pressed(stage, page, invite=str(IVAN))

    assert "эта не принята" in words_of(page)
    await stage.settled()
    assert IVAN not in await stage.members()
