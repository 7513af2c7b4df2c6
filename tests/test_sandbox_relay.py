"""What the customer of an open line gets to see, and a bot's own messages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def send(desk: Desk, dialog: str, **fields: Any) -> int:
    answer = await desk.ask("imbot.v2.Chat.Message.send", botId=456, dialogId=dialog, fields=fields)
    return int(answer["id"])


async def seat_the_bot(desk: Desk) -> None:
    """Make the bot a member of 8773, as an operator does."""
    added = await desk.ask(
        "imopenlines.crm.chat.user.add", await desk.token(7), CRM_ENTITY_TYPE="deal",
        CRM_ENTITY=288, USER_ID=456, CHAT_ID=8773,
    )  # fmt: skip
    assert added == 8773


async def test_typed_commands_reach_the_customer(desk: Desk) -> None:
    shown = await desk.message(await desk.say("/invite [USER=12]Иван[/USER]"))

    assert (shown["to_customer"], shown["author_id"]) == (True, 7)


async def test_hidden_ones_do_not_and_still_run(desk: Desk) -> None:
    shown = await desk.message(await desk.say("/invite x", hidden=True))

    assert not shown["to_customer"]
    assert await desk.sent() == ["ONIMBOTV2COMMANDADD"]


async def test_in_hidden_mode_nothing_does(desk: Desk) -> None:
    await desk.fault(chat={"id": 8773, "silent": True})

    assert not (await desk.message(await desk.say("hello")))["to_customer"]
    await desk.say("/invite x")
    assert (await desk.event())["data"]["chat"]["entityData3"] == "Y"


async def test_the_customer_s_own_words_are_not_sent_back(desk: Desk) -> None:
    assert not (await desk.message(await desk.say("hello", user=599)))["to_customer"]


async def test_other_chats_have_no_customer(desk: Desk) -> None:
    assert not (await desk.message(await desk.say("hello", chat=55), chat=55))["to_customer"]


async def test_nothing_goes_out_when_the_connector_is_off(desk: Desk) -> None:
    await desk.fault(chat={"id": 8773, "connector": False})

    assert not (await desk.message(await desk.say("hello")))["to_customer"]


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, True),
        ({"system": True}, False),
        ({"system": "Y"}, False),
        ({"skipConnector": True}, False),
        ({"silentConnector": True}, False),
        ({"system": False}, True),
    ],
)
async def test_what_a_member_bot_says(desk: Desk, fields: dict[str, Any], seen: bool) -> None:
    await seat_the_bot(desk)

    shown = await desk.message(await send(desk, "chat8773", message="готово", **fields))

    assert shown["to_customer"] is seen


@pytest.mark.parametrize("name", ["system", "skipConnector", "silentConnector"])
async def test_boxes_that_lag_behind_pass_json_booleans_over(desk: Desk, name: str) -> None:
    await seat_the_bot(desk)
    await desk.fault(revision=32)

    for value, seen in ((True, True), ("Y", False)):
        shown = await desk.message(await send(desk, "chat8773", message="готово", **{name: value}))
        assert shown["to_customer"] is seen


@pytest.mark.parametrize(("system", "seen"), [(False, True), (True, False)])
async def test_what_a_member_bot_answers(desk: Desk, system: bool, seen: bool) -> None:
    await seat_the_bot(desk)
    number = await desk.say("/invite x")

    await desk.ask(
        "imbot.v2.Command.answer", botId=456, commandId=61, messageId=number,
        dialogId="chat8773", fields={"message": "готово", "system": system},
    )  # fmt: skip

    assert (await desk.look("chats/8773"))["messages"][-1]["to_customer"] is seen


async def test_an_outsider_s_answer_is_the_system_s(desk: Desk) -> None:
    number = await desk.say("/invite x")

    await desk.ask(
        "imbot.v2.Command.answer", botId=456, commandId=61, messageId=number,
        dialogId="chat8773", fields={"message": "готово"},
    )  # fmt: skip

    last = (await desk.look("chats/8773"))["messages"][-1]
    assert (last["system"], last["to_customer"]) == (True, False)


async def test_a_bot_speaks_only_where_it_is_a_member(desk: Desk) -> None:
    asked = {"botId": 456, "dialogId": "chat8773"}
    for method in ("Chat.Message.send", "Chat.get", "Chat.User.list", "Chat.InputAction.notify"):
        refused = await desk.refusal(f"imbot.v2.{method}", **asked, fields={"message": "x"})
        assert refused[:2] == (403, "ACCESS_DENIED")

    await seat_the_bot(desk)
    join = await desk.event("ONIMBOTV2JOINCHAT")
    assert (join["data"]["dialogId"], join["data"]["user"]["id"]) == ("chat8773", "7")
    chat = (await desk.ask("imbot.v2.Chat.get", **asked))["chat"]
    assert (chat["entityType"], chat["entityData2"][-8:]) == ("LINES", "DEAL|288")
    members = await desk.ask("imbot.v2.Chat.User.list", **asked, limit=2)
    assert [member["id"] for member in members] == [7, 456]
    assert await desk.ask("imbot.v2.Chat.InputAction.notify", **asked) == {"result": True}
    assert await desk.look("typing") == [{"chat_id": 8773, "to_customer": True}]


async def test_a_line_that_begins_with_a_command_fires_it_again(desk: Desk) -> None:
    await seat_the_bot(desk)
    await send(desk, "chat8773", message="вы написали:\n/invite x")

    event = await desk.event("ONIMBOTV2COMMANDADD")

    assert event["data"]["user"]["bot"] == "1"
    assert event["auth"]["user_id"] == "1"


async def test_private_messages_are_seen_in_the_dialog(desk: Desk) -> None:
    assert await desk.look("dialogs/7") == {"id": None, "members": [7, 456], "messages": []}

    await send(desk, "7", message="привет", keyboard=[{"TEXT": "Да", "COMMAND": "invite"}])

    dialog = await desk.look("dialogs/7")
    assert sorted(dialog["members"]) == [7, 456]
    assert dialog["messages"][0]["text"] == "привет"
    assert (dialog["messages"][0]["author_id"], dialog["messages"][0]["system"]) == (456, False)
    assert (await desk.control(
        "presses", message_id=dialog["messages"][0]["id"], button=0, user_id=7
    ))[1]["fired"]  # fmt: skip
    assert await desk.sent() == ["ONIMBOTV2COMMANDADD"]


@pytest.mark.parametrize("dialog", ["33", "599", "999", "chat1", "chatx", "x"])
async def test_nobody_else_can_be_written_to(desk: Desk, dialog: str) -> None:
    refused = await desk.refusal(
        "imbot.v2.Chat.Message.send", botId=456, dialogId=dialog, fields={"message": "x"}
    )

    assert refused[:2] == (403, "ACCESS_DENIED")


async def test_own_messages_are_changed_and_system_ones_are_not(desk: Desk) -> None:
    await seat_the_bot(desk)
    own = await send(desk, "7", message="выберите", keyboard=[{"TEXT": "Да", "COMMAND": "x"}])
    system = await send(desk, "chat8773", message="готово", system=True)
    update = "imbot.v2.Chat.Message.update"

    await desk.ask(update, botId=456, messageId=own, fields={"message": "ok", "keyboard": "N"})

    shown = (await desk.look("dialogs/7"))["messages"][0]
    assert (shown["text"], shown["keyboard"]) == ("ok", None)
    asked = {"botId": 456, "messageId": system}
    assert (await desk.refusal(update, **asked, fields={"message": "x"}))[1] == "ACCESS_DENIED"
    assert (await desk.refusal("imbot.v2.Chat.Message.delete", **asked))[1] == "ACCESS_DENIED"

    delete = {"botId": 456, "messageId": own, "complete": True}
    assert await desk.ask("imbot.v2.Chat.Message.delete", **delete) == {"result": True}
    assert (await desk.look("dialogs/7"))["messages"] == []


async def test_long_messages_are_cut_and_empty_ones_refused(desk: Desk) -> None:
    await send(desk, "7", message="x" * 30_000)
    assert (await desk.look("dialogs/7"))["messages"][0]["text"] == "x" * 20_000 + " (...)"

    refused = await desk.refusal(
        "imbot.v2.Chat.Message.send", botId=456, dialogId="7", fields={"message": " "}
    )
    assert refused[1] == "EMPTY_MESSAGE"
    await send(desk, "7", attach=[{"MESSAGE": "x"}])
