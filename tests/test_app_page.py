"""The app's page: who is let in, what he sees and may do, and what others cannot."""

import re
from typing import Any

import pytest
from app_page import address, opened, posted, words_of
from sqlalchemy import text
from stage import ADD, ADMIN, ANNA, BOSS, BOT, IVAN, OLGA, ON_SQLITE, Stage

TYPED = "/invite id12"


@ON_SQLITE
async def test_an_employee_sees_his_permission_and_the_commands(stage: Stage) -> None:
    status, page = await opened(stage, OLGA)

    assert (status, "администраторам" in page) == (200, False)
    assert "Бот может действовать от вашего имени. Ольга Смирнова" in words_of(page)
    assert "/invite @коллега" in words_of(page)
    assert "Настройки" not in page
    assert "<script" not in page


@ON_SQLITE
async def test_opening_the_page_is_enough_to_be_connected(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    assert (await stage.say(TYPED)).startswith("🔑")

    await opened(stage, OLGA)

    await stage.joined(IVAN)
    await stage.settled()
    assert [call["user_id"] for call in await stage.calls(ADD)] == [OLGA]


@ON_SQLITE
async def test_an_administrator_sees_more(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)

    for section in ("Главное", "Состояние", "Настройки", "Журнал"):
        assert section in page


@ON_SQLITE
async def test_the_page_speaks_the_visitors_language(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN, language="en")
    assert "The bot may act for you" in words_of(page)

    page = await posted(stage, page, view="settings")
    assert "Which commands are on" in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize("view", ["state", "settings", "save", "journal", "csv", "repair", "erase"])
async def test_nobody_else_gets_what_is_for_administrators(stage: Stage, view: str) -> None:
    await stage.say(TYPED)
    await stage.faults(user={"id": OLGA, "admin": True})
    _, page = await opened(stage, OLGA)
    await stage.faults(user={"id": OLGA, "admin": False})
    registered = len(await stage.calls("imbot.v2.Bot.update"))

    page = await posted(stage, page, view=view, errors_in_chat="1")

    assert "Ваше разрешение" in words_of(page)
    assert "Это доступно только администраторам портала, ничего не сделано." in words_of(page)
    assert stage.count("SELECT count(*) FROM portal_settings") == 0
    assert len(await stage.calls("imbot.v2.Bot.update")) == registered


@ON_SQLITE
async def test_who_is_an_administrator_no_longer_is_refused_at_once(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)
    await stage.faults(user={"id": ADMIN, "admin": False})

    page = await posted(stage, page, view="journal")

    assert "Ваше разрешение" in words_of(page)
    assert "Скачать" not in page


@ON_SQLITE
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AUTH_ID": "made-up"}, "Не удалось узнать вас"),
        ({"APPLICATION_TOKEN": "made-up"}, "Не удалось узнать вас"),
        ({"member_id": "0" * 32}, "Приложение не установлено"),
    ],
)
async def test_a_forged_visit_is_refused(stage: Stage, changed: dict[str, str], words: str) -> None:
    status, page = await opened(stage, ADMIN, **changed)

    assert (status, words in page) == (403, True)
    assert "session" not in page


@ON_SQLITE
async def test_an_older_portal_gives_its_page_no_application_token(stage: Stage) -> None:
    status, page = await opened(stage, ADMIN, APPLICATION_TOKEN="", SERVER_ENDPOINT="")

    assert (status, "session" in page) == (200, True)


@ON_SQLITE
async def test_a_token_of_another_app_does_not_open_the_page(stage: Stage) -> None:
    await stage.faults(method="app.info", result={"ID": 999, "CODE": "somebody.elses"}, times=None)

    status, page = await opened(stage, ADMIN)

    assert (status, "Не удалось узнать вас" in page) == (403, True)


@ON_SQLITE
async def test_a_visit_names_no_address_that_is_called(stage: Stage) -> None:
    status, page = await opened(
        stage, OLGA, SERVER_ENDPOINT="https://evil.example/rest/", DOMAIN="evil.example"
    )

    assert status == 200
    assert "evil.example" not in page


@ON_SQLITE
@pytest.mark.parametrize("session", ["", "made-up", "выдумана", None])
async def test_without_a_session_nothing_is_done(stage: Stage, session: str | None) -> None:
    fields = {"view": "save", "errors_in_chat": "1"}
    fields |= {} if session is None else {"session": session}
    async with stage.session.post(address(stage), data=fields) as response:
        assert response.status == 403

    assert stage.count("SELECT count(*) FROM portal_settings") == 0


@ON_SQLITE
async def test_what_the_bot_sealed_for_something_else_is_no_session(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    await stage.say(TYPED)
    [message] = [one for one in (await stage.get(f"dialogs/{OLGA}"))["messages"] if one["keyboard"]]
    ticket = message["keyboard"][0]["LINK"].partition("ticket=")[2]

    async with stage.session.post(address(stage), data={"session": ticket}) as response:
        assert response.status == 403


@ON_SQLITE
async def test_only_the_portal_may_frame_the_page(stage: Stage) -> None:
    page = await stage.post("open", {"user_id": ADMIN})

    async with stage.session.post(page["url"], data=page["fields"]) as response:
        policy = response.headers["Content-Security-Policy"]

    assert f"frame-ancestors {stage.portal.url}" in policy.split("; ")
    assert "script-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert "X-Frame-Options" not in response.headers


@ON_SQLITE
async def test_no_token_is_on_the_page(stage: Stage) -> None:
    page = await stage.post("open", {"user_id": ADMIN})
    secrets = [page["fields"][name] for name in ("AUTH_ID", "REFRESH_ID", "APPLICATION_TOKEN")]

    async with stage.session.post(page["url"], data=page["fields"]) as response:
        shown = await response.text()

    assert not [secret for secret in secrets if secret in shown]


async def test_settings_are_stored_and_shown(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)
    page = await posted(stage, page, view="settings")
    page = await posted(
        stage,
        page,
        view="save",
        language="en",
        add=f"Анна Орлова, {BOSS}",
        errors_in_chat="1",
        enterprise="1",
        by_chat="never",
        **{"role[0]": "duty", "role[1]": "head", "role[2]": "duty", "on[invite]": "1"},
    )

    assert "Сохранено" in words_of(page)
    stored = one_row(stage, "SELECT settings FROM portal_settings")
    assert '"default_language":"en"' in stored
    assert f'"duty":[{ANNA},{BOSS}]' in stored
    assert '"escalation":["duty","head"]' in stored
    assert "help" in stored
    assert '"errors_in_chat":true' in stored
    assert '"enterprise":true' in stored
    assert '"by_chat":"never"' in stored
    assert 'value="never" checked' in page
    assert "Анна Орлова" in page


@ON_SQLITE
async def test_the_state_names_what_is_wrong_and_repairs_it(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)
    page = await posted(stage, page, view="state")
    assert "не в порядке" not in page
    stage.portal.state.commands.clear()
    await stage.faults(scopes=["imbot", "im", "crm", "user"])

    page = await posted(stage, page, view="state")
    shown = words_of(page)
    assert "/invite" in shown
    assert "imopenlines, department, sonet_group Этих прав не хватает" in shown

    page = await posted(stage, page, view="repair")
    assert "зарегистрированы заново" in words_of(page)
    assert {one.name.lstrip("/") for one in stage.portal.state.commands.values()} >= {"invite"}


async def test_an_administrator_has_what_is_stored_of_a_person_erased(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.say("/invite id12")
    commands = "SELECT count(*) FROM inbox WHERE requester_id = 7"
    _, page = await opened(stage, ADMIN)

    # That nothing is stored of somebody is not said of whom nobody has understood.
    for unclear in ({"person": str(OLGA)}, {"person": "Ольга", "sure": "1"}, {"sure": "1"},
                    {"person": "№7", "sure": "1"}):  # fmt: skip
        page = await posted(stage, page, view="erase", **unclear)
        assert "Ничего не удалено: нужны номер человека цифрами" in words_of(page)
    page = await posted(stage, page, view="erase", person=str(BOT), sure="1")
    assert "Ничего не удалено" in words_of(page)
    assert stage.count(commands) == 1

    page = await posted(stage, page, view="erase", person=f" {OLGA} ", sure="1")

    assert re.search(r"Удалены \d записи\.", words_of(page))
    assert f"user {ADMIN} has had what is stored of user {OLGA} erased" in caplog.text
    assert stage.count(commands) == 0
    assert stage.count("SELECT count(*) FROM tokens WHERE user_id = 7") == 0
    # She is no stranger: what she types next is stored and done as ever.
    assert "теперь в этом чате" in await stage.say("/invite id15")


@ON_SQLITE
async def test_an_administrator_stands_in_for_one_whose_token_is_gone(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET installer_id = 33"))
    await stage.faults(user={"id": BOSS, "admin": True})

    await opened(stage, BOSS)

    async def is_followed() -> bool:
        return stage.count("SELECT installer_id FROM portals") == BOSS

    await stage.until(is_followed)


@ON_SQLITE
async def test_who_is_not_connected_gets_a_button(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)
    await stage.faults(tokens="revoked", user_id=ADMIN)

    page = await posted(stage, page, view="home")

    assert "Бот пока не может действовать от вашего имени" in words_of(page)
    assert f'href="{stage.settings.public_url}/bitrix24/connect?ticket=' in page


def one_row(stage: Stage, question: str) -> Any:
    with stage.engine.connect() as connection:
        return connection.execute(text(question)).scalar_one()
