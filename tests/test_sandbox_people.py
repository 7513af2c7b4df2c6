"""People, departments, and what people say with their own tokens."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def test_who_the_caller_is(desk: Desk) -> None:
    token = await desk.token(7)

    assert (await desk.ask("profile", token))["ADMIN"] is False
    assert await desk.ask("user.admin", token) is False
    assert await desk.ask("user.admin") is True
    current = await desk.ask("user.current", token)
    assert (current["ID"], current["UF_DEPARTMENT"]) == ("7", [2])
    assert "USER_TYPE" not in current
    assert (await desk.ask("server.time", token)).endswith("+03:00")


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"ID": 12}, ["12"]),
        ({"FILTER": {"ID": [12, "15"]}}, ["12", "15"]),
        ({"FILTER": {"LAST_NAME": "петров"}}, ["12", "41"]),
        ({"FILTER": {"%LAST_NAME": "етро", "!ID": 12}}, ["41"]),
        ({"FILTER": {"ACTIVE": False}}, ["33"]),
        ({"FILTER": {"ACTIVE": "N"}}, ["33"]),
        ({"FILTER": {"UF_DEPARTMENT": 2, ">ID": 7}}, ["15", "21"]),
        ({"FILTER": {"NAME_SEARCH": "смирн"}}, ["7"]),
        ({"FILTER": {"ID": 456}}, []),
        ({"FILTER": {"ID": 599}}, []),
        ({"FILTER": {"NO_SUCH": 1, "ID": [12]}}, ["12"]),
        ({"FILTER": {"EMAIL": "orlova@example.test"}}, ["15"]),
    ],
)
async def test_people_by_their_fields(desk: Desk, asked: dict[str, Any], ids: list[str]) -> None:
    assert [row["ID"] for row in await desk.ask("user.get", **asked)] == ids


async def test_who_may_not_see_addresses_finds_everybody_by_one(desk: Desk) -> None:
    await desk.fault(scopes=["imbot", "user_brief"])

    rows = await desk.ask("user.get", FILTER={"EMAIL": "orlova@example.test"})

    assert len(rows) > 5
    assert not any("EMAIL" in row for row in rows)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"FIND": "Анна Орлова"}, ["15"]),
        ({"FILTER": {"FIND": "Иван Петров"}}, ["12", "41"]),
        ({"FIND": "юрист"}, ["12"]),
        ({"FIND": "петров логистика"}, ["41"]),
        ({"FIND": "Лебедев"}, ["33"]),
        ({"FIND": "клиент"}, []),
        ({"FILTER": {"LAST_NAME": "Пет", "WORK_POSITION": "Вод"}}, ["41"]),
        ({"FILTER": {"UF_DEPARTMENT_NAME": "Право"}}, ["12"]),
    ],
)
async def test_people_by_what_is_typed(desk: Desk, asked: dict[str, Any], ids: list[str]) -> None:
    assert [row["ID"] for row in await desk.ask("user.search", **asked)] == ids


async def test_the_messenger_s_people_have_numbers(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.fault(user={"id": 12, "absent": "2026-12-01T00:00:00+03:00"})

    person = await desk.ask("im.user.get", token, ID="12")
    assert (person["id"], person["active"], person["connector"]) == (12, True, False)
    assert person["absent"] == "2026-12-01T00:00:00+03:00"
    assert (await desk.ask("im.user.get", token))["id"] == 7
    assert (await desk.ask("im.user.get", token, ID=599))["connector"] is True
    assert (await desk.ask("im.user.get", token, ID=456))["bot"] is True
    assert (await desk.ask("im.user.get", token, ID=33))["active"] is False
    assert (await desk.refusal("im.user.get", token, ID=999))[:2] == (400, "USER_NOT_EXISTS")
    assert (await desk.refusal("im.user.get", token, ID=0))[:2] == (400, "ID_EMPTY")


async def test_lists_of_people_are_maps_by_id(desk: Desk) -> None:
    method = "im.user.list.get"

    assert (await desk.ask(method, ID=[12, "15"])).keys() == {"12", "15"}
    assert (await desk.ask(method, ID="[12,15]")).keys() == {"12", "15"}
    assert await desk.ask(method, ID=[999]) == {"999": None}
    found = await desk.ask(method, ID=[12, 999], RESULT_TYPE="array")
    assert [person and person["id"] for person in found] == [12, None]
    for nobody in ("12", [], [0, "x"], "[]"):
        assert (await desk.refusal(method, ID=nobody))[:2] == (400, "INVALID_FORMAT")


async def test_searching_in_the_messenger(desk: Desk) -> None:
    method = "im.search.user.list"

    assert (await desk.ask(method, FIND="Иван Петров")).keys() == {"12", "41"}
    assert await desk.ask(method, FIND="Лебедев") == []
    assert (await desk.refusal(method, FIND="И"))[1] == "FIND_SHORT"
    _, body = await desk.rest(method, desk.app_token, FIND="ив", LIMIT=1)
    assert (body["total"], body["next"]) == (2, 1)


async def test_departments_and_their_heads(desk: Desk) -> None:
    token = await desk.token(7)

    row = (await desk.ask("department.get", token, ID=2))[0]
    assert (row["ID"], row["PARENT"], row["UF_HEAD"]) == ("2", "1", "3")
    assert "UF_HEAD" not in (await desk.ask("department.get", token, NAME="Право"))[0]
    assert (await desk.ask("im.department.get", token, ID=[2, 99])) == [
        {"id": 2, "name": "Отдел поддержки", "full_name": "Отдел поддержки / Компания",
         "manager_user_id": 3}
    ]  # fmt: skip
    managers = "im.department.managers.get"
    assert await desk.ask(managers, token, ID=[2, 5]) == {"2": [3]}
    assert await desk.ask(managers, token, ID="[2]") == {"2": [3]}
    assert (await desk.ask(managers, token, ID=[2], USER_DATA="Y"))["2"][0]["id"] == 3
    assert await desk.ask(managers, token, ID=[5]) == []
    assert (await desk.refusal(managers, token))[:2] == (400, "ID_EMPTY")
    assert (await desk.refusal("im.department.get", token, ID="x"))[1] == "INVALID_FORMAT"


async def test_bots_may_not_ask_for_departments(desk: Desk) -> None:
    await desk.say("/invite x")
    token = (await desk.event())["data"]["bot"]["auth"]["access_token"]

    assert (await desk.refusal("im.department.get", token, ID=[2]))[:2] == (403, "ACCESS_ERROR")
    assert (await desk.look("calls"))[-1]["auth"] == "bot"


async def test_chats_are_seen_by_members(desk: Desk) -> None:
    token, other = await desk.token(7), await desk.token(41)
    await desk.fault(user={"id": 41, "join": False, "crm": False})

    assert await desk.ask("im.chat.user.list", token, CHAT_ID=8773) == [7, 599]
    assert await desk.ask("im.chat.user.list", other, CHAT_ID=8773) == []
    assert (await desk.refusal("im.chat.user.list", token))[1] == "CHAT_ID_EMPTY"
    assert (await desk.ask("im.dialog.get", token, DIALOG_ID="sg15"))["id"] == 60
    crm = await desk.ask("im.dialog.get", token, DIALOG_ID="chat1439")
    assert (crm["entity_type"], crm["entity_id"]) == ("CRM", "DEAL|288")
    refused = await desk.refusal("im.dialog.get", other, DIALOG_ID="chat55")
    assert refused[:2] == (403, "ACCESS_ERROR")
    assert (await desk.refusal("im.dialog.get", token))[1] == "DIALOG_ID_EMPTY"
    users = await desk.ask("im.dialog.users.list", token, DIALOG_ID="chat8773", SKIP_EXTERNAL="Y")
    assert [user["id"] for user in users] == [7]
    await desk.whisper("hello")
    assert (await desk.ask("im.dialog.get", token, DIALOG_ID="456"))["type"] == "private"


async def test_a_person_writes_and_deletes_by_rest(desk: Desk) -> None:
    token = await desk.token(7)
    number = await desk.ask("im.message.add", token, DIALOG_ID="chat8773", MESSAGE="/invite x")

    assert (await desk.message(number))["to_customer"]
    assert (await desk.event())["data"]["message"]["id"] == str(number)
    assert await desk.ask("im.message.update", token, MESSAGE_ID=number, MESSAGE="y") is True
    refused = await desk.refusal("im.message.delete", token, MESSAGE_ID=number)
    assert refused[:2] == (403, "CANT_EDIT_MESSAGE")
    other = await desk.token(15)
    refused = await desk.refusal("im.message.update", other, MESSAGE_ID=number, MESSAGE="z")
    assert refused[:2] == (403, "CANT_EDIT_MESSAGE")
    assert (await desk.refusal("im.message.delete", token))[1] == "MESSAGE_ID_ERROR"
    assert (await desk.refusal("im.message.add", token, DIALOG_ID="chat8773"))[1] == "MESSAGE_EMPTY"
    refused = await desk.refusal("im.message.add", other, DIALOG_ID="chat8773", MESSAGE="x")
    assert refused[1] == "ACCESS_ERROR"


@pytest.mark.parametrize("chat", [55, 9001])
async def test_a_message_is_deleted_where_it_can_be_taken_back(desk: Desk, chat: int) -> None:
    """By Telegram it cannot; by the live chat it can, and where there is no customer."""
    token, other = await desk.token(7), await desk.token(15)
    number = await desk.say("hello", chat=chat)

    assert (await desk.refusal("im.message.delete", other, MESSAGE_ID=number))[0] == 403
    assert await desk.ask("im.message.delete", token, MESSAGE_ID=number) is True

    assert "hello" not in (await desk.message(number, chat=chat))["text"]


async def test_a_person_notifies_another(desk: Desk) -> None:
    token, method = await desk.token(7), "im.notify.personal.add"

    assert await desk.ask(method, token, USER_ID=21, MESSAGE="доступ?") > 0

    rows = await desk.look("notifications")
    assert [(row["from"], row["to"], row["text"]) for row in rows] == [(7, 21, "доступ?")]
    assert (await desk.refusal(method, token, MESSAGE="x"))[1] == "USER_ID_EMPTY"
    assert (await desk.refusal(method, token, USER_ID=21))[1] == "MESSAGE_EMPTY"
