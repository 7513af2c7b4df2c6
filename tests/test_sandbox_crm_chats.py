"""imopenlines.crm.chat.*: the order of the checks, the silent refusals, the traces."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from test_sandbox import Desk, bot_desk

ADD = "imopenlines.crm.chat.user.add"
DELETE = "imopenlines.crm.chat.user.delete"
DEAL = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": 12, "CHAT_ID": 8773}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def members(desk: Desk, chat: int = 8773) -> list[int]:
    found: list[int] = (await desk.look(f"chats/{chat}"))["members"]
    return found


async def refused(desk: Desk, method: str, **changes: Any) -> tuple[int, str, str]:
    asked = {key: value for key, value in {**DEAL, **changes}.items() if value is not None}
    return await desk.refusal(method, await desk.token(7), **asked)


async def test_adds_as_the_caller_and_leaves_traces(desk: Desk) -> None:
    assert await desk.ask(ADD, await desk.token(7), **DEAL) == 8773

    assert await members(desk) == [7, 599, 12]
    last = (await desk.look("chats/8773"))["messages"][-1]
    assert last["text"] == (
        "[USER=7 REPLACE]Ольга Смирнова[/USER] пригласила [USER=12 REPLACE]Иван Петров[/USER] в чат"
    )
    assert (last["system"], last["to_customer"]) == (True, False)
    joins = await desk.look("memberships")
    assert [(j["chat_id"], j["user_id"], j["by"], j["joined"]) for j in joins] == [
        (8773, 12, 7, True)
    ]


async def test_strings_are_as_good_as_numbers(desk: Desk) -> None:
    asked = {"crm_entity_type": "DEAL", "CRM_ENTITY": "288", "USER_ID": "12", "CHAT_ID": "8773"}

    assert await desk.ask(ADD, await desk.token(7), **asked) == 8773


async def test_the_checks_of_add_in_their_order(desk: Desk) -> None:
    """Everything is wrong at first; then the reasons go one by one."""
    await desk.fault(user={"id": 7, "crm": False, "join": False})
    await desk.fault(user={"id": 12, "active": False, "crm": False})
    await desk.fault(chat={"id": 8773, "status": 60})
    wrong = {"CRM_ENTITY_TYPE": None, "CRM_ENTITY": None, "USER_ID": None}

    assert await refused(desk, ADD, **wrong) == (
        400, "ERROR_ARGUMENT", "Argument 'CRM_ENTITY_TYPE' is null or empty",
    )  # fmt: skip
    del wrong["CRM_ENTITY_TYPE"]
    assert (await refused(desk, ADD, **wrong))[2] == "Argument 'CRM_ENTITY' is null or empty"
    wrong["CRM_ENTITY"] = "abc"
    assert (await refused(desk, ADD, **wrong))[2] == (
        "The value of an argument 'CRM_ENTITY' has an invalid type"
    )
    del wrong["CRM_ENTITY"]
    status, code, text = await refused(desk, ADD, **wrong)
    assert (status, code) == (403, "ACCESS_DENIED")
    assert "join user to chat" in text
    await desk.fault(user={"id": 7, "crm": True})
    assert (await refused(desk, ADD, **wrong))[:2] == (400, "CHAT_NOT_IN_CRM")
    await desk.fault(chat={"id": 8773, "status": 40})
    assert (await refused(desk, ADD, **wrong))[1:] == (
        "ERROR_ARGUMENT", "Argument 'Empty USER_ID' is null or empty",
    )  # fmt: skip
    assert (await refused(desk, ADD))[:2] == (400, "CRM_CHAT_USER_NOT_ACTIVE")
    await desk.fault(user={"id": 12, "active": True})
    status, code, text = await refused(desk, ADD)
    assert (status, code) == (403, "ACCESS_DENIED")
    assert "this CRM entity" in text
    await desk.fault(user={"id": 12, "crm": True})
    await desk.fault(user={"id": 7, "history": "none"})
    assert "view chat history" in (await refused(desk, ADD))[2]
    assert await members(desk) == [7, 599]
    await desk.fault(user={"id": 7, "history": "any"})
    assert await desk.ask(ADD, await desk.token(7), **DEAL) == 8773


IN_QUEUE, OF_THEIR_DEPARTMENT, OUTSIDE, EDITOR = 15, 21, 12, 1


@pytest.mark.parametrize(
    ("level", "passing"),
    [
        ("any", {IN_QUEUE, OF_THEIR_DEPARTMENT, OUTSIDE, EDITOR}),
        ("department", {IN_QUEUE, OF_THEIR_DEPARTMENT, EDITOR}),
        ("self", {IN_QUEUE, EDITOR}),
        ("none", set()),
    ],
)
async def test_the_level_is_the_caller_s_and_the_ids_the_target_s(
    desk: Desk, level: str, passing: set[int]
) -> None:
    await desk.fault(user={"id": 7, "history": level})
    for number in (IN_QUEUE, OF_THEIR_DEPARTMENT, OUTSIDE, EDITOR):
        await desk.fault(user={"id": number, "history": "none" if number in passing else "any"})
        status, body = await desk.rest(ADD, await desk.token(7), **{**DEAL, "USER_ID": number})
        assert (status == 200) == (number in passing), (number, body)


async def test_administrators_bring_in_whom_they_like(desk: Desk) -> None:
    await desk.fault(user={"id": 1, "history": "none"})

    assert await desk.ask(ADD, await desk.token(1), **DEAL) == 8773


async def test_the_queue_of_a_line_and_who_changed_it_can_be_set(desk: Desk) -> None:
    await desk.fault(user={"id": 7, "history": "self"})
    assert "view chat history" in (await refused(desk, ADD))[2]

    await desk.fault(line={"id": 1, "queue": [7, 12], "modified_by": 21})

    assert await desk.ask(ADD, await desk.token(7), **DEAL) == 8773
    assert await desk.ask(ADD, await desk.token(7), **{**DEAL, "USER_ID": 21}) == 8773
    assert "view chat history" in (await refused(desk, ADD, USER_ID=15))[2]
    for wrong in ({"id": 9}, {"id": 1, "queue": [999]}, {"id": 1, "queue": "7"}):
        assert (await desk.control("faults", line=wrong))[0] in {400, 404}


@pytest.mark.parametrize(("first", "second"), [(12, 15), (15, 12)])
async def test_a_batch_has_one_verdict_for_all(desk: Desk, first: int, second: int) -> None:
    """Whoever is asked for first decides for the others of the same request."""
    await desk.fault(user={"id": 7, "history": "self"})
    asked = {key: value for key, value in DEAL.items() if key != "USER_ID"}
    cmd = [f"{ADD}?{urlencode({**asked, 'USER_ID': number})}" for number in (first, second)]

    answer = await desk.ask("batch", await desk.token(7), cmd=cmd)

    together = [15, 12] if first == 15 else []
    assert await members(desk) == [7, 599, *together]
    assert len(answer["result_error"]) == 2 - len(together)
    await desk.rest(ADD, await desk.token(7), **{**DEAL, "USER_ID": 15})
    assert 15 in await members(desk)


async def test_the_checks_of_delete_in_their_order(desk: Desk) -> None:
    await desk.fault(user={"id": 7, "crm": False, "join": False})
    await desk.fault(user={"id": 12, "active": False})
    await desk.fault(chat={"id": 8773, "status": 60})
    nothing = {"CRM_ENTITY_TYPE": None, "CRM_ENTITY": None, "USER_ID": None}

    assert (await refused(desk, DELETE, **nothing))[1] == "CRM_CHAT_EMPTY_USER"
    del nothing["USER_ID"]
    assert (await refused(desk, DELETE, **nothing))[1] == "CRM_CHAT_EMPTY_CRM_DATA"
    assert (await refused(desk, DELETE, CRM_ENTITY="x"))[1] == "ERROR_ARGUMENT"
    assert (await refused(desk, DELETE))[:2] == (403, "ACCESS_DENIED")
    await desk.fault(user={"id": 7, "crm": True})
    assert (await refused(desk, DELETE))[1] == "CHAT_NOT_IN_CRM"
    await desk.fault(chat={"id": 8773, "status": 40})
    assert (await refused(desk, DELETE))[1] == "CRM_CHAT_USER_NOT_ACTIVE"
    await desk.fault(user={"id": 12, "active": True, "crm": False})
    await desk.fault(user={"id": 7, "history": "none"})
    assert (await refused(desk, DELETE))[:2] == (400, "WRONG_REQUEST")


async def test_deletes_whoever_was_in(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.ask(ADD, token, **DEAL)
    await desk.fault(user={"id": 12, "crm": False})

    assert await desk.ask(DELETE, token, **DEAL) == 8773

    assert await members(desk) == [7, 599]
    assert [j["joined"] for j in await desk.look("memberships")] == [True, False]


@pytest.mark.parametrize("status", [0, 5, 50, 60, 65, 75])
async def test_dialogues_that_take_nobody(desk: Desk, status: int) -> None:
    await desk.fault(chat={"id": 8773, "status": status})

    assert (await refused(desk, ADD))[1] == "CHAT_NOT_IN_CRM"


@pytest.mark.parametrize("status", [10, 20, 25, 40])
async def test_dialogues_that_do(desk: Desk, status: int) -> None:
    await desk.fault(chat={"id": 8773, "status": status})

    assert await desk.ask(ADD, await desk.token(7), **DEAL) == 8773


@pytest.mark.parametrize("chat", [1, 55, 1439, 8774, 8800, 9001])
async def test_chats_that_are_not_the_item_s_active_ones(desk: Desk, chat: int) -> None:
    assert (await refused(desk, ADD, CHAT_ID=chat))[:2] == (400, "CHAT_NOT_IN_CRM")


@pytest.mark.parametrize(("kind", "item"), [("invoice", 5), ("deal", 999), ("lead", 288)])
async def test_items_that_nobody_can_read(desk: Desk, kind: str, item: int) -> None:
    answer = await refused(desk, ADD, CRM_ENTITY_TYPE=kind, CRM_ENTITY=item)

    assert answer[:2] == (403, "ACCESS_DENIED")


async def test_without_a_chat_the_last_one_is_taken(desk: Desk) -> None:
    asked = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": 21}

    assert await desk.ask(ADD, await desk.token(7), **asked) == 8773

    await desk.fault(chat={"id": 8773, "status": 60})
    assert (await refused(desk, ADD, CHAT_ID=None))[1] == "CHAT_NOT_IN_CRM"


async def test_zero_when_there_is_no_chat_whoever_is_meant(desk: Desk) -> None:
    token = await desk.token(7)
    for method in (ADD, DELETE):
        for user in (12, 33, 999):
            asked = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 300, "USER_ID": user}
            assert await desk.ask(method, token, **asked) == 0
    assert await desk.ask(ADD, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=300) == 0


async def test_success_is_no_proof_of_membership(desk: Desk) -> None:
    token = await desk.token(7)

    assert await desk.ask(ADD, token, **{**DEAL, "USER_ID": 18}) == 8773
    assert await desk.ask(ADD, token, **{**DEAL, "USER_ID": 7}) == 8773

    assert await members(desk) == [7, 599]
    assert await desk.look("memberships") == []


async def test_older_portals_refuse_members(desk: Desk) -> None:
    await desk.fault(older=True)

    assert (await refused(desk, ADD, USER_ID=7))[:2] == (400, "WRONG_REQUEST")
    assert (await refused(desk, ADD, USER_ID=18))[:2] == (400, "WRONG_REQUEST")


async def test_the_chats_of_an_item(desk: Desk) -> None:
    token = await desk.token(7)
    asked = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288}
    method = "imopenlines.crm.chat.get"

    assert await desk.ask(method, token, **asked) == [
        {"CHAT_ID": "8773", "CONNECTOR_ID": "telegrambot", "CONNECTOR_TITLE": "Telegram"}
    ]
    every = await desk.ask(method, token, **asked, ACTIVE_ONLY="N")
    assert [chat["CHAT_ID"] for chat in every] == ["8773", "8800"]
    assert await desk.ask(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=999) == []
    assert (await desk.refusal(method, token))[1] == "ERROR_ARGUMENT"
    await desk.fault(user={"id": 7, "crm": False})
    for item in (288, 999):
        denied = await desk.refusal(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=item)
        assert denied[:2] == (403, "ACCESS_DENIED")


async def test_chats_of_an_item_that_are_not_as_usual(desk: Desk) -> None:
    async def listed(**more: str) -> list[Any]:
        method, token = "imopenlines.crm.chat.get", await desk.token(7)
        rows = await desk.ask(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=288, **more)
        return [row["CHAT_ID"] for row in rows]

    await desk.fault(chat={"id": 8773, "status": 50})
    assert (await listed(), await listed(ACTIVE_ONLY="N")) == ([], ["8773", "8800"])
    await desk.fault(chat={"id": 8773, "status": 40, "connector": False})
    assert (await listed(), await listed(ACTIVE_ONLY="N")) == ([], ["8800"])
    await desk.fault(chat={"id": 8800, "orphaned": True})
    assert await listed(ACTIVE_ONLY="N") == [None]


async def test_the_last_chat_of_an_item(desk: Desk) -> None:
    token = await desk.token(7)
    method = "imopenlines.crm.chat.getLastId"

    assert await desk.ask(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=288) == 8773
    assert await desk.ask(method, token, CRM_ENTITY_TYPE="contact", CRM_ENTITY=92) == 8774
    refusals = [
        await desk.refusal(method, token),
        await desk.refusal(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY="x"),
        await desk.refusal(method, token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=300),
    ]
    assert [code for _, code, _ in refusals] == [
        "CRM_CHAT_EMPTY_CRM_DATA", "ERROR_ARGUMENT", "CRM_CHAT_EMPTY_CRM_DATA",
    ]  # fmt: skip
