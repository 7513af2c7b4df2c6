"""Who is meant, as operators name people."""

from typing import Any

import pytest
from acting import press
from stage import (
    ADD,
    ANNA,
    BOSS,
    CUSTOMER,
    DINA,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    PAVEL,
    RESPONSIBLE,
    Stage,
)


@ON_SQLITE
@pytest.mark.parametrize(
    ("whom", "person"),
    [
        ("@Анна", ANNA),
        ("@орлова анна", ANNA),
        ("«Анна Орлова»", ANNA),
        ('"анна орл"', ANNA),
        ("orlova@example.test", ANNA),
        ("@responsible", RESPONSIBLE),
        ("@ответственный", RESPONSIBLE),
        ("@observers", BOSS),
        ("@head", BOSS),
        ("@line", ANNA),
        ("deal 288 @Анна", ANNA),
        ("в контакте 91 @Анна", ANNA),
    ],
)
async def test_finds_people_by_name_address_and_role(stage: Stage, whom: str, person: int) -> None:
    reply = await stage.say(f"/invite {whom}")

    assert f"[USER={person}]" in reply
    assert person in await stage.members()
    assert {call["user_id"] for call in await stage.calls(ADD)} == {OLGA}


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "права приложения (user_basic)"), ("en", "app's permissions (user_basic)")],
)
async def test_nobody_is_found_by_an_address_that_the_app_may_not_see(
    stage: Stage, language: str, words: str
) -> None:
    """The portal passes the condition over and gives everybody, an administrator first."""
    await stage.faults(events={"language": language})
    scopes = stage.portal.state.app.scopes
    await stage.faults(scopes=[*(one for one in scopes if "user" not in one), "user_brief"])
    before = await stage.members()

    reply = await stage.say("/invite orlova@example.test")

    assert words in reply
    assert await stage.members() == before
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_a_name_of_several_is_asked_about_beside_others_who_came(stage: Stage) -> None:
    reply = await stage.say("/invite @15 @Иван Петров")

    assert "[USER=15][/USER] теперь в этом чате" in reply
    assert "Кто нужен? Для них пока ничего не изменилось." in reply
    await stage.faults(events={"language": "en"})
    assert "Who? Nothing has changed for them yet." in await stage.say("/invite @Иван Петров")


@ON_SQLITE
async def test_an_address_may_be_that_of_several_accounts(stage: Stage) -> None:
    users = stage.portal.state.users
    users[PAVEL].email = users[ANNA].email
    assert "✅" in await stage.say("/invite orlova@example.test")
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(ANNA)]

    users[IVAN].email = users[ANNA].email

    reply = await stage.say("/invite orlova@example.test")
    assert reply.startswith("По «orlova@example.test» найдено несколько человек. Кто нужен?")
    assert len(await stage.calls(ADD)) == 1
    assert "Иван Петров" in await press(stage, "Иван Петров – Юрист, Право")
    assert IVAN in await stage.members()


@ON_SQLITE
async def test_what_is_no_name_means_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal may find somebody by a sign that stands for anything."""
    anna = stage.portal.state.users[ANNA]
    monkeypatch.setattr("sandbox.rest.users._people", lambda _: [anna])
    for found in ("fits", "matches"):
        monkeypatch.setattr(f"sandbox.rest.users.{found}", lambda *_: True)

    for whom in ('"."', "«..»", "'. .'", '"%"', '"*"', "%@example.test", "o_lova@example.test"):
        assert "✅" not in await stage.say(f"/invite {whom}")
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_the_operator_and_oneself_are_in_already(stage: Stage) -> None:
    for whom in ("@owner", "me", "я"):
        assert f"уже в чате {LINK} — делать ничего не нужно" in await stage.say(f"/invite {whom}")


@ON_SQLITE
@pytest.mark.parametrize(
    ("whom", "words"),
    [
        ("@Павел Лебедев", "сотрудник уволен или учётная запись отключена"),
        ("lebedev@example.test", "сотрудник уволен или учётная запись отключена"),
        ("@Анна Орловаа", "Коллеги «Анна Орловаа» нет. Может быть, Анна Орлова?"),
        ("@Анне", "Коллеги «Анне» нет. Может быть, Анна Орлова?"),
        ("@анну", "Коллеги «анну» нет. Может быть, Анна Орлова?"),
        ("@Орлову", "Может быть, Анна Орлова?"),
        ("@Орловой Анне", "Может быть, Анна Орлова?"),
        ("@Орлова Анна Петровна", "Может быть, Анна Орлова"),
        ("@Иваном Петровым", "Может быть, Иван Петров?"),
        ("@fyyf", "Коллеги «fyyf» нет. Может быть, Анна Орлова?"),
        ("@Jhkjdf Fyyf", "Может быть, Анна Орлова?"),
        ("@Bdfy Gtnhjd", "Может быть, Иван Петров?"),
        ("nobody@example.test", "Коллеги «nobody@example.test» нет."),
        ("@responsibl", "Может быть, @responsible?"),
        ("[USER=599]Клиент[/USER]", "— клиент чата [CHAT=8773]"),
        ("[USER=600]Мария[/USER]", "— клиент, а не сотрудник"),
        ("[USER=456]Бот[/USER]", "— это бот, а не сотрудник"),
        ("[USER=18]Дина[/USER]", "— внешний пользователь (экстранет)"),
        ("@Дина", "— внешний пользователь (экстранет)"),
        ("@все", "«@все» здесь нельзя"),
    ],
)
async def test_names_those_who_cannot_be_brought_in(stage: Stage, whom: str, words: str) -> None:
    before = await stage.members()

    reply = await stage.say(f"/invite {whom}")

    assert words in reply
    assert "✅" not in reply
    assert reply in await stage.told_privately()
    assert await stage.members() == before


@ON_SQLITE
async def test_one_bad_name_does_not_stop_the_others(stage: Stage) -> None:
    reply = await stage.say("/invite @Никто Такой, @Анна, @Иван Петров, [USER=18]Дина[/USER]")

    assert "✅ [USER=15]Анна Орлова[/USER] теперь в этом чате." in reply
    assert "⚠️ Не получилось: [USER=18]Дина[/USER] — внешний пользователь." in reply
    assert "Коллеги «Никто Такой» нет." in reply
    assert "По «Иван Петров» найдено несколько человек" in reply
    members = await stage.members()
    assert ANNA in members
    assert DINA not in members
    assert IVAN not in members


@ON_SQLITE
async def test_a_link_to_another_portal_is_refused(stage: Stage) -> None:
    reply = await stage.say("/invite https://evil.example/crm/deal/details/288/ @12")

    assert reply.startswith("Эта ссылка ведёт на другой портал.")
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_a_link_to_this_portal_is_an_item(stage: Stage) -> None:
    reply = await stage.say(f"/invite {stage.portal.url}/crm/deal/details/288/ @12")

    assert "теперь в этом чате" in reply


@ON_SQLITE
async def test_what_is_no_command_is_answered_privately(stage: Stage) -> None:
    for typed, meant in (
        ("/invit @12", "/invite @12"),
        ("/Штмше @12", "/invite @12"),
        ("/пригласить @12", "/invite @12"),
        ("/ghbukfcbnm @12", "/invite @12"),
        (".штмшеу @12", "/invite @12"),
        ("invite @12", "/invite @12"),
        ("Помощь!", "/help"),
        ("/хелп", ""),
        ("привет", ""),
    ):
        before = await stage.told_privately()
        await stage.whisper(typed)
        await stage.settled()

        [told] = (await stage.told_privately())[len(before) :]
        words = f"Может быть, [b]{meant}[/b]?" if meant else "Список команд: [b]/help[/b]"
        assert words in told, typed
        assert not await stage.calls(ADD), typed


@ON_SQLITE
async def test_a_customer_of_the_chat_cannot_pick(stage: Stage) -> None:
    await stage.say("/invite @Иван Петров")
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    payload: Any = next(one["keyboard"] for one in messages if one["keyboard"])

    assert len({button["COMMAND_PARAMS"] for button in payload}) == 2
    assert all(len(button["COMMAND_PARAMS"]) < 400 for button in payload)


@ON_SQLITE
@pytest.mark.parametrize("dry", ["", " --dry"])
async def test_only_the_staff_is_invited_into_a_group(stage: Stage, dry: str) -> None:
    """The portal would invite them, or not say why it has not."""
    for who, words in {
        "id18": "внешний пользователь", "id600": "клиент, а не сотрудник",
        "id33": "сотрудник уволен", "[USER=18]Дина[/USER] id600": "клиент, а не сотрудник",
    }.items():  # fmt: skip
        assert words in await stage.say(f"/group 15 {who}{dry}")
    assert not await stage.calls("sonet_group.user.invite")

    reply = await stage.say("/group 15 id33 id12")

    assert "отправлено: [USER=12]" in reply
    assert "[USER=33][/USER] — сотрудник уволен" in reply
    [call] = await stage.calls("sonet_group.user.invite")
    assert call["params"]["USER_ID"] == ["12"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "⛔ У вас нет доступа к элементу: сделка № 288"),
     ("en", "⛔ You don't have access to deal 288")],
)  # fmt: skip
async def test_a_role_of_a_record_that_the_requester_may_not_read_says_so(
    stage: Stage, language: str, words: str
) -> None:
    await stage.faults(events={"language": language})
    await stage.faults(user={"id": OLGA, "crm": False})

    for typed in ("/invite @responsible", "/invite @observers", "/remove @ответственный"):
        assert (await stage.say(typed)).startswith(words)


@ON_SQLITE
@pytest.mark.parametrize(
    "typed", ["/remove in deal 288 id599 id12", "/remove id599 id12 --chat 8773"]
)
async def test_a_customer_is_not_taken_out_of_a_chat_from_elsewhere(
    stage: Stage, typed: str
) -> None:
    """The portal would take anybody out of it."""
    await stage.say("/invite id12")

    await stage.whisper(typed)
    await stage.settled()

    assert CUSTOMER in await stage.members()
    assert IVAN not in await stage.members()
    told = "\n".join(await stage.told_privately())
    assert "[USER=599][/USER] — клиент, а не сотрудник" in told
    assert "[USER=12][/USER] больше не в чате" in told


@ON_SQLITE
async def test_a_customer_is_not_taken_out_whom_the_event_does_not_tell(stage: Stage) -> None:
    await stage.faults(events={"without": ["entityId"]})

    assert "— клиент, а не сотрудник" in await stage.say("/remove id599")
    assert CUSTOMER in await stage.members()


@ON_SQLITE
async def test_a_search_that_is_too_much_for_the_portal_now_is_made_again(stage: Stage) -> None:
    busy = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": ""}
    await stage.faults(method="user.search", error=busy)

    assert "[USER=15]Анна Орлова[/USER] теперь в этом чате" in await stage.say("/invite @Орлова")
