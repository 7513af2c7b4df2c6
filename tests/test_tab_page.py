"""The tab in the cards of CRM records: who is in the customer's chats, brought in and out."""

import re

import app_page
import pytest
from app_page import session_of, words_of
from stage import (
    ADD,
    ADMIN,
    ANNA,
    ANSWER,
    BOSS,
    CHAT,
    CUSTOMER,
    IVAN,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    RESPONSIBLE,
    SEND,
    Stage,
    settings_for,
)
from tab_page import number_of, offered, opened, pressed, record_of, sent

from bot.web.application import serving
from bot.web.listener import listening
from sandbox.model import User

DELETE = "imopenlines.crm.chat.user.delete"


@ON_SQLITE
async def test_it_shows_who_is_in_the_chat_and_in_the_queue(stage: Stage) -> None:
    status, page = await opened(stage)

    told = words_of(page)
    assert status == 200
    assert "Сделка № 288, Поставка оборудования." in told
    assert "Клиент - Поддержка Telegram В чате Ольга Смирнова оператор, это вы" in told
    assert "В очереди линии Ольга Смирнова уже в чате Анна Орлова Позвать" in told
    assert f"IM_DIALOG=chat{CHAT}" in page
    assert "<script" not in page
    # Neither the customer, nor the bot, nor a finished dialog is anybody to act on.
    assert f'value="{CUSTOMER}"' not in page
    assert "chat8800" not in page


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "отсутствует до 1 декабря 2026"), ("en", "absent until 1 December 2026")],
)
async def test_it_tells_who_is_absent(stage: Stage, language: str, words: str) -> None:
    await stage.faults(user={"id": ANNA, "absent": "2026-12-01T00:00:00+03:00"})

    _, page = await opened(stage, language=language)

    assert f"Анна Орлова {words}" in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "Контакт № 91, Клиент."), ("en", "Contact No. 91, Клиент. The bot acts for you")],
)
async def test_it_is_in_every_kind_of_card(stage: Stage, language: str, words: str) -> None:
    _, page = await opened(stage, place="CRM_CONTACT_DETAIL_TAB", item=91, language=language)

    assert words in words_of(page)
    assert f"chat{CHAT}" in page


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
@pytest.mark.parametrize(
    ("language", "more", "silent"),
    [
        ("ru", "Показаны первые 10. Уточните запрос", "Битрикс24 не ответил на поиск."),
        ("en", "These are the first 10. Narrow the search", "Bitrix24 did not answer the search."),
    ],
)
async def test_a_search_tells_what_it_does_not_show(
    stage: Stage, language: str, more: str, silent: str
) -> None:
    for number in range(101, 112):
        stage.portal.state.users[number] = User(number, "Гость", str(number), departments=[5])
    _, page = await opened(stage, language=language)

    page = await pressed(stage, page, find="Гость")
    assert (page.count('name="invite" value="1'), more in words_of(page)) == (11, True)
    page = await pressed(stage, page, find="Гость 105")
    assert more not in words_of(page)

    error = {"status": 500, "code": "INTERNAL_SERVER_ERROR", "description": ""}
    await stage.faults(method="user.search", times=None, error=error)
    page = await pressed(stage, page, find="Гость")
    assert silent in words_of(page)
    assert "«Гость»" not in page
    assert '"Гость"' not in words_of(page)


@ON_SQLITE
async def test_nobody_is_found_who_has_left(stage: Stage) -> None:
    _, page = await opened(stage)

    page = await pressed(stage, page, find="Павел Лебедев")

    assert "Нет сотрудника по запросу «Павел Лебедев»" in words_of(page)


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


RESPONSIBLE_TOOK = {
    "ru": "Эскалация принята: [USER=21]",
    "en": "[USER=21]Роман Соколов[/USER] took",
}


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
async def test_a_command_that_is_off_has_no_button(stage: Stage) -> None:
    _, settings = await app_page.opened(stage, ADMIN)
    settings = await app_page.posted(stage, settings, view="settings")
    await app_page.posted(stage, settings, view="save", **{"on[invite]": "1"})
    _, page = await opened(stage)

    assert 'name="remove"' not in page
    assert 'name="invite"' in page

    page = await pressed(stage, page, remove=str(OLGA))
    assert OLGA in await stage.members()
    assert "Администратор отключил команду /remove" in words_of(page)


@ON_SQLITE
async def test_without_a_permission_it_asks_for_one(stage: Stage) -> None:
    _, page = await opened(stage)
    await stage.faults(tokens="revoked", user_id=OLGA)

    page = await pressed(stage, page, invite=str(ANNA))

    assert "Бот пока не может действовать от вашего имени" in words_of(page)
    assert "/bitrix24/connect?ticket=" in page
    assert ANNA not in await stage.members()


@ON_SQLITE
async def test_a_record_without_a_chat(stage: Stage) -> None:
    status, page = await opened(stage, item=300)

    assert status == 200
    assert "нет активного чата" in words_of(page)


@ON_SQLITE
async def test_a_card_that_is_not_saved(stage: Stage) -> None:
    for item in ("0", "", "x", "-1", "1e3", "9" * 30):
        status, page = await opened(stage, item=item)

        assert (status, "Карточка не сохранена" in page) == (400, True), item


@ON_SQLITE
@pytest.mark.parametrize(
    "options", ["", "[]", "{", '"x"', "[" * 900, "[" * 5000, '{"ID": {"a": 1}}']
)
async def test_options_in_any_shape(stage: Stage, options: str) -> None:
    status, page = await opened(stage, PLACEMENT_OPTIONS=options)

    assert (status, "Карточка не сохранена" in page) == (400, True)


@ON_SQLITE
async def test_whom_the_portal_shows_no_record_sees_none(stage: Stage) -> None:
    await stage.faults(user={"id": BOSS, "crm": False})

    status, page = await opened(stage, BOSS)

    assert (status, "Карточка вам недоступна" in page) == (403, True)
    assert "Поставка" not in page


@ON_SQLITE
async def test_only_the_portal_may_frame_it(stage: Stage) -> None:
    opening = {"user_id": OLGA, "placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}
    page = await stage.post("open", opening)
    assert page["url"].startswith(f"{stage.settings.public_url}/bitrix24/tab?")

    async with stage.session.post(page["url"], data=page["fields"]) as response:
        policy = response.headers["Content-Security-Policy"]

    assert f"frame-ancestors {stage.portal.url}" in policy
    assert "script-src 'none'" in policy


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


@ON_SQLITE
async def test_a_portal_that_does_not_answer(stage: Stage) -> None:
    _, page = await opened(stage)
    await stage.faults(method="batch", error={"status": 503, "code": "QUERY_LIMIT_EXCEEDED",
                                              "description": "x"}, times=None)  # fmt: skip

    status, told = await sent(stage, page, invite=str(ANNA))

    assert (status, "Сейчас не получилось" in told) == (503, True)
    assert stage.stored() == 0


@ON_SQLITE
async def test_two_chats_of_one_record_are_told_apart(stage: Stage) -> None:
    stage.portal.state.chats[8774].bindings["DEAL"] = 288
    _, page = await opened(stage)
    assert len(re.findall(r'aria-labelledby="chat-', page)) == 2

    await pressed(stage, page, invite=str(ANNA), chat="8774")

    assert ANNA in await stage.members(8774)
    assert ANNA not in await stage.members(CHAT)


@ON_SQLITE
@pytest.mark.parametrize(("language", "called"), [("ru", "№ 15"), ("en", "No. 15")])
async def test_who_has_no_name_has_a_number(stage: Stage, language: str, called: str) -> None:
    stage.portal.state.users[ANNA].name = stage.portal.state.users[ANNA].last_name = ""

    _, page = await opened(stage, language=language)

    assert f'<option value="15">{called}</option>' in page
    # Whom a search finds as well is offered once, and namesakes are told apart.
    found = await pressed(stage, page, find="15")
    assert found.count('<option value="15">') == 1
    namesakes = await pressed(stage, page, find="Иван Петров")
    options = re.findall(r'<option value="\d+">(Иван Петров[^<]*)</option>', namesakes)
    assert len(options) == len(set(options)) > 1
    assert re.search(rf'aria-label="[^"]+: {called}"', page)
    assert f'<span class="who">{called}' in page
