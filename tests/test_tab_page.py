"""The tab in the cards of CRM records: what it shows, and to whom."""

import re

import app_page
import pytest
from app_page import words_of
from stage import (
    ADMIN,
    ANNA,
    BOSS,
    CHAT,
    CUSTOMER,
    OLGA,
    ON_SQLITE,
    Stage,
)
from tab_page import opened, pressed, sent

from sandbox.model import User


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
