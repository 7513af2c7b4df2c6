"""Open-line dialogues: read, started anew, hidden, given a lead; the lines themselves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk

from sandbox.model import Line

GET = "imopenlines.dialog.get"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def test_a_dialogue_by_any_of_its_names(desk: Desk) -> None:
    token = await desk.token(7)
    dialog = await desk.ask(GET, token, CHAT_ID=8773)
    session = dialog["entity_data_1"].split("|")[5]

    assert dialog["entity_data_2"] == "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288"
    assert (dialog["entity_type"], dialog["entity_data_3"]) == ("LINES", "N")
    assert (dialog["owner"], dialog["role"], dialog["dialog_id"]) == (7, "owner", "chat8773")
    for asked in ({"DIALOG_ID": "chat8773"}, {"SESSION_ID": session},
                  {"USER_CODE": dialog["entity_id"]}):  # fmt: skip
        assert (await desk.ask(GET, token, **asked))["id"] == 8773


@pytest.mark.parametrize("asked", [{}, {"CHAT_ID": 1}, {"CHAT_ID": 55}, {"DIALOG_ID": "chatx"}])
async def test_what_is_no_dialogue_is_refused(desk: Desk, asked: dict[str, Any]) -> None:
    assert (await desk.refusal(GET, await desk.token(7), **asked))[:2] == (400, "ACCESS_ERROR")


async def test_a_dialogue_is_open_by_the_role_the_item_or_the_recent_list(desk: Desk) -> None:
    """The history of the line has nothing to do with it."""
    token = await desk.token(15)
    await desk.fault(user={"id": 15, "history": "none"})
    assert (await desk.ask(GET, token, CHAT_ID=8773))["role"] == "none"
    await desk.fault(user={"id": 15, "join": False})
    assert (await desk.ask(GET, token, CHAT_ID=8773))["role"] == "none"
    assert await desk.ask("im.chat.user.list", token, CHAT_ID=8773) == [7, 599]

    await desk.fault(user={"id": 15, "crm": False})
    assert (await desk.refusal(GET, token, CHAT_ID=8773))[1] == "ACCESS_ERROR"
    assert await desk.ask("im.chat.user.list", token, CHAT_ID=8773) == []

    await desk.fault(chat={"id": 8773, "recent": [15]})
    assert (await desk.ask(GET, token, CHAT_ID=8773))["role"] == "none"


async def test_a_closed_dialogue_is_started_anew(desk: Desk) -> None:
    token = await desk.token(15)
    await desk.fault(user={"id": 15, "history": "any"})
    before = await desk.ask(GET, token, CHAT_ID=8800)
    assert before["entity_data_1"].split("|")[5] == "0"

    assert await desk.ask("imopenlines.session.start", token, CHAT_ID=8800) is True

    after = await desk.ask(GET, token, CHAT_ID=8800)
    assert after["entity_data_1"].split("|")[5] != "0"
    assert after["owner"] == 15
    assert await desk.ask(
        "imopenlines.crm.chat.user.add", token, CRM_ENTITY_TYPE="deal", CRM_ENTITY=288,
        USER_ID=12, CHAT_ID=8800,
    ) == 8800  # fmt: skip


async def test_the_hidden_mode_is_switched(desk: Desk) -> None:
    token, method = await desk.token(7), "imopenlines.session.mode.silent"

    assert await desk.ask(method, token, CHAT_ID=8773, ACTIVATE="Y") is True
    assert (await desk.ask(GET, token, CHAT_ID=8773))["entity_data_3"] == "Y"
    assert not (await desk.message(await desk.say("hello")))["to_customer"]
    assert await desk.ask(method, token, CHAT_ID=8773, ACTIVATE="N") is True
    assert (await desk.message(await desk.say("hello")))["to_customer"]
    notices = [m for m in (await desk.look("chats/8773"))["messages"] if m["system"]]
    assert len(notices) == 2


async def test_the_session_methods_name_the_parameter(desk: Desk) -> None:
    token, method = await desk.token(7), "imopenlines.session.mode.silent"
    await desk.fault(user={"id": 15, "join": False, "crm": False})

    assert (await desk.refusal(method, token))[:2] == (400, "CHAT_ID")
    assert (await desk.refusal(method, token, CHAT_ID=55))[:2] == (400, "CHAT_TYPE")
    denied = await desk.refusal(method, await desk.token(15), CHAT_ID=8773)
    assert denied[:2] == (400, "ACCESS_DENIED")


async def test_a_lead_binds_the_chat(desk: Desk) -> None:
    token, method = await desk.token(7), "imopenlines.crm.lead.create"
    other = await desk.token(15)
    assert (await desk.refusal(method, other, CHAT_ID=9001))[1] == "ERROR_USER_NOT_OPERATOR"

    assert await desk.ask(method, token, CHAT_ID=9001) is True
    assert await desk.ask(method, token, CHAT_ID=9001) is True

    dialog = await desk.ask(GET, token, CHAT_ID=9001)
    assert dialog["entity_data_2"] == "LEAD|1209|COMPANY|0|CONTACT|0|DEAL|0"
    assert await desk.ask(
        "imopenlines.crm.chat.user.add", token, CRM_ENTITY_TYPE="lead", CRM_ENTITY=1209,
        USER_ID=12, CHAT_ID=9001,
    ) == 9001  # fmt: skip
    found = await desk.ask(
        "crm.item.list", token, entityTypeId=1, filter={"=imol": f"imol|{dialog['entity_id']}"}
    )
    assert [item["id"] for item in found["items"]] == [1209]


async def test_the_binding_can_be_said_differently(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.fault(chat={"id": 8773, "entity_data_2": ""})
    dialog = await desk.ask(GET, token, CHAT_ID=8773)
    assert (dialog["entity_data_2"], dialog["entity_data_1"][:10]) == ("", "Y|DEAL|288")

    await desk.fault(chat={"id": 8773, "entity_data_2": "LEAD|0|COMPANY|0|CONTACT|0|DEAL|301"})
    await desk.say("/invite x")
    assert (await desk.event())["data"]["chat"]["entityData1"].startswith("Y|DEAL|301|")


async def test_fifty_lines_are_told_unless_more_are_asked_for(desk: Desk) -> None:
    lines, method = desk.portal.state.lines, "imopenlines.config.list.get"
    lines.update({number: Line(number, f"Линия {number}", []) for number in range(2, 302)})

    assert len(await desk.ask(method)) == 50
    assert len(await desk.ask(method, PARAMS={"limit": 500})) == 200
    last = await desk.ask(method, PARAMS={"limit": "200", "offset": "299"})
    assert [one["ID"] for one in last] == ["300", "301"]


async def test_the_lines_and_their_queues(desk: Desk) -> None:
    lines = await desk.ask("imopenlines.config.list.get", OPTIONS={"QUEUE": "Y"})
    assert [(line["ID"], line["LINE_NAME"], line["QUEUE"]) for line in lines] == [
        ("1", "Поддержка", ["7", "15"])
    ]
    assert "QUEUE" not in (await desk.ask("imopenlines.config.list.get"))[0]
    assert await desk.ask("imopenlines.config.list.get", PARAMS={"filter": {"ID": 2}}) == []
    assert (await desk.refusal("imopenlines.config.list.get", PARAMS="x"))[1] == "INVALID_FORMAT"

    assert (await desk.ask("imopenlines.config.get", CONFIG_ID=1))["QUEUE"] == ["7", "15"]
    assert "QUEUE" not in await desk.ask("imopenlines.config.get", CONFIG_ID=1, WITH_QUEUE="N")
    assert await desk.ask("imopenlines.config.get", CONFIG_ID=2) is False
    stranger = await desk.token(41)
    assert (await desk.ask("imopenlines.config.get", stranger, CONFIG_ID=1))["QUEUE"]
    for nothing in ({}, {"CONFIG_ID": 0}, {"CONFIG_ID": "x"}):
        refused = await desk.refusal("imopenlines.config.get", stranger, **nothing)
        assert refused[:2] == (400, "CONFIG_ID_EMPTY")
