"""Slash commands: what fires them, what the event says, how they are answered."""

from collections.abc import AsyncIterator

import pytest
from test_sandbox import Desk, bot_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite", "remove") as desk:
        yield desk


async def called(desk: Desk, count: int) -> list[tuple[str, str]]:
    events = [await desk.event("ONIMBOTV2COMMANDADD") for _ in range(count)]
    commands = [event["data"]["command"] for event in events]
    return [(command["command"], command["params"]) for command in commands]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("/invite", [("/invite", "")]),
        ("/invite ", [("/invite", "")]),
        ("  /invite x", [("/invite", "x")]),
        ("/invite   x  y", [("/invite", "  x  y")]),
        ("/invite [USER=12]Ann Lee[/USER]", [("/invite", "[USER=12]Ann Lee[/USER]")]),
        ("hello\n/invite x\n/remove y", [("/invite", "x"), ("/remove", "y")]),
        ("/invite a\n/invite b", [("/invite", "a"), ("/invite", "b")]),
        ("hello[BR]/invite x", [("/invite", "x")]),
        ("hello#br#/invite x", [("/invite", "x")]),
        ("//invite x", [("/invite", "x")]),
        ("------\n/invite x\n------", [("/invite", "x")]),
        ("[CODE]\n/invite x\n[/CODE]", [("/invite", "x")]),
    ],
)
async def test_lines_that_are_commands(
    desk: Desk, text: str, commands: list[tuple[str, str]]
) -> None:
    await desk.say(text)

    assert await called(desk, len(commands)) == commands
    assert len(await desk.sent()) == len(commands)


@pytest.mark.parametrize(
    "text",
    ["/Invite x", "/invite\tx", "/invite\u00a0x", "/invite\r\nx", "x /invite", ">>/invite x",
     "hello\n /invite x", "/unknown", "/", "invite", "///invite", "/invite\u00a0", "\u00a0/invite"],
)  # fmt: skip
async def test_lines_that_are_none(desk: Desk, text: str) -> None:
    await desk.say(text)

    assert await desk.sent() == []


async def test_every_line_that_is_a_command_is_told(desk: Desk) -> None:
    lines = [*(f"/invite {number}" for number in range(12)), "/invite 0"]

    await desk.say("\n".join(lines))

    assert await called(desk, 13) == [("/invite", line.removeprefix("/invite ")) for line in lines]


@pytest.mark.parametrize(("before", "answers"), [(9, 1), (10, 0)])
async def test_only_ten_different_commands_can_be_answered(
    desk: Desk, before: int, answers: int
) -> None:
    other = await desk.add_bot("other")
    command = await desk.add_command("late", bot=other)
    twice = ["/invite 0"] * 2

    number = await desk.say("\n".join([*twice, *(f"/invite {n}" for n in range(before)), "/late"]))

    asked = {"botId": other, "commandId": command, "messageId": number, "dialogId": "chat8773"}
    told = await desk.ask("imbot.v2.Command.answer", **asked, fields={"message": "готово"})
    assert told == {"result": True}
    assert len((await desk.look("chats/8773"))["messages"]) == 1 + answers


async def test_lines_can_arrive_in_reversed_order(desk: Desk) -> None:
    await desk.fault(events={"reversed": True})
    await desk.say("/invite 1\n/invite 2\n/remove 3")
    assert await called(desk, 3) == [("/remove", "3"), ("/invite", "2"), ("/invite", "1")]

    await desk.fault(events={"reversed": False})
    await desk.say("/invite 1\n/invite 2")
    assert await called(desk, 2) == [("/invite", "1"), ("/invite", "2")]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("[USER=12][/USER]", "[USER=12 REPLACE]Иван Петров[/USER]"),
        ("[user=12][/user]", "[USER=12 REPLACE]Иван Петров[/USER]"),
        ("[USER=12]И[/USER]", "[USER=12]И[/USER]"),
        ("[USER=999][/USER]", "[USER=999 REPLACE][/USER]"),
        ("[code][USER=12][/USER][/code]", "[code][USER=12][/USER][/code]"),
        ("[send=/x][USER=12][/USER][/send]", "[send=/x][USER=12][/USER][/send]"),
        ("[code][USER=12][/USER]", "[code][USER=12 REPLACE]Иван Петров[/USER]"),
    ],
)  # fmt: skip
async def test_short_mentions_are_spelled_out_in_the_text_alone(
    desk: Desk, typed: str, told: str
) -> None:
    await desk.say(f"/invite {typed}")

    data = (await desk.event())["data"]

    assert (data["command"]["params"], data["message"]["text"]) == (typed, f"/invite {told}")


async def test_the_event_is_what_the_portal_sends(desk: Desk) -> None:
    number = await desk.say("/invite [USER=12]Иван Петров[/USER]")

    event = await desk.event()

    data, auth = event["data"], event["auth"]
    assert event["event"] == "ONIMBOTV2COMMANDADD"
    assert data["command"].keys() == {"id", "command", "params", "context"}
    assert data["command"]["context"] == "textarea"
    assert data["message"]["id"] == str(number)
    assert (data["message"]["authorId"], data["message"]["isSystem"]) == ("7", "0")
    assert data["message"]["forward"] == ""
    assert "params" not in data["message"]
    chat = data["chat"]
    assert (chat["id"], chat["dialogId"], chat["entityType"]) == ("8773", "chat8773", "LINES")
    assert chat["entityId"].split("|")[3] == "599"
    assert chat["entityData1"].startswith("Y|DEAL|288|N|N|")
    assert chat["entityData2"] == "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288"
    assert chat["entityData3"] == "N"
    assert data["user"]["name"] == "Ольга Смирнова"
    assert (data["user"]["active"], data["user"]["connector"]) == ("1", "0")
    assert data["user"]["departments"] == ["2"]
    assert data["language"] == "ru"
    assert auth["user_id"] == "7"
    assert auth["refresh_token"]
    assert data["bot"]["auth"]["user_id"] == "456"
    assert (await desk.ask("profile", auth["access_token"]))["ID"] == "7"
    assert (await desk.ask("profile", data["bot"]["auth"]["access_token"]))["ID"] == "456"


async def test_the_form_is_php_s(desk: Desk) -> None:
    await desk.say("/invite a b")

    body, _event, headers = await desk.heard.get()

    assert headers["User-Agent"] == "Bitrix24 Webhook Engine"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "data%5Bcommand%5D%5Bparams%5D=a+b&" in body
    assert "data%5Buser%5D%5Bdepartments%5D%5B0%5D=2&" in body
    assert "data%5Bmessage%5D%5Bparams%5D" not in body


async def test_an_open_line_needs_a_bot_that_supports_it(desk: Desk) -> None:
    await desk.ask("imbot.v2.Bot.update", botId=456, fields={"isSupportOpenline": False})

    await desk.say("/invite x")
    assert await desk.sent() == []

    await desk.say("/invite x", chat=55)
    assert await called(desk, 1) == [("/invite", "x")]


async def test_commands_that_are_not_common_need_membership(desk: Desk) -> None:
    await desk.add_command("help", common=False)

    await desk.say("/help", chat=55)
    assert await desk.sent() == []

    await desk.whisper("/help")
    event = await desk.event("ONIMBOTV2COMMANDADD")
    assert event["data"]["chat"]["dialogId"] == "7"


async def test_external_people_fire_only_what_is_open_to_them(desk: Desk) -> None:
    await desk.say("/invite x", user=599)
    assert await desk.sent() == []

    await desk.add_command("open", extranetSupport=True)
    await desk.say("/open", user=599)
    event = await desk.event("ONIMBOTV2COMMANDADD")
    assert event["data"]["user"]["connector"] == "1"
    assert "access_token" not in event["auth"]


async def test_both_bots_hear_a_command_of_the_same_name(desk: Desk) -> None:
    await desk.add_bot("second")
    await desk.add_command("invite", bot=457)

    await desk.say("/invite x")

    bots = [(await desk.event())["data"]["bot"]["id"] for _ in range(2)]
    assert bots == ["456", "457"]


async def test_a_bot_hears_messages_that_mention_it_or_are_private(desk: Desk) -> None:
    desk.portal.state.chats[55].members.append(456)
    await desk.say("hello", chat=55)
    await desk.say("[USER=456]Бот[/USER] hello", chat=55)
    await desk.say("[USER=456]Бот[/USER]\n/invite x", chat=55)
    await desk.whisper("hello")
    await desk.whisper("again")

    assert await desk.sent() == [
        "ONIMBOTV2MESSAGEADD",
        "ONIMBOTV2COMMANDADD",
        "ONIMBOTV2JOINCHAT",
        "ONIMBOTV2MESSAGEADD",
        "ONIMBOTV2MESSAGEADD",
    ]
    join = await desk.event("ONIMBOTV2JOINCHAT")
    assert join["data"]["dialogId"] == "7"
    assert "refresh_token" not in join["auth"]


async def test_edits_and_deletions_run_nothing_again(desk: Desk) -> None:
    number = await desk.whisper("/invite x")

    assert (await desk.control("edits", message_id=number, user_id=7, text="/invite y"))[0] == 200
    assert (await desk.control("edits", message_id=number, user_id=15, text="z"))[0] == 403
    assert (await desk.control("deletions", message_id=number, user_id=7))[0] == 200

    assert (await desk.sent())[1:] == [
        "ONIMBOTV2COMMANDADD", "ONIMBOTV2MESSAGEUPDATE", "ONIMBOTV2MESSAGEDELETE",
    ]  # fmt: skip
    assert (await desk.event("ONIMBOTV2MESSAGEUPDATE"))["data"]["message"]["text"] == "/invite y"
    deleted = await desk.event("ONIMBOTV2MESSAGEDELETE")
    assert deleted["data"]["messageId"] == str(number)


async def test_the_chat_of_an_item_names_it_in_events(desk: Desk) -> None:
    for entity in ("DEAL|288", "LEAD|1300"):
        await desk.fault(chat={"id": 1439, "entity_id": entity})
        await desk.say("/invite x", chat=1439)

        chat = (await desk.event())["data"]["chat"]

        assert (chat["entityType"], chat["entityId"]) == ("CRM", entity)
        assert chat["type"] == "crm"
    assert (await desk.control("faults", chat={"id": 8773, "entity_id": "x"}))[0] == 400


async def answer(desk: Desk, number: int, **fields: object) -> object:
    asked = {"message": "готово", "system": True, **fields}
    return await desk.ask(
        "imbot.v2.Command.answer", botId=456, commandId=61, messageId=number,
        dialogId="chat1", fields=asked,
    )  # fmt: skip


async def test_an_answer_goes_to_the_chat_of_the_message(desk: Desk) -> None:
    number = await desk.say("/invite x")

    assert await answer(desk, number) == {"result": True}

    last = (await desk.look("chats/8773"))["messages"][-1]
    assert last["text"] == "[USER=456]Бот[/USER]\n готово"
    assert (last["author_id"], last["system"], last["to_customer"]) == (0, True, False)


async def test_an_answer_after_ten_minutes_is_true_and_nothing(desk: Desk) -> None:
    number = await desk.say("/invite x")
    await desk.fault(clock=599)
    await answer(desk, number)
    assert len((await desk.look("chats/8773"))["messages"]) == 2

    await desk.fault(clock=2)
    assert await answer(desk, number) == {"result": True}
    assert len((await desk.look("chats/8773"))["messages"]) == 2


async def test_answers_that_cannot_be(desk: Desk) -> None:
    number = await desk.say("/invite x")
    ask = {"botId": 456, "commandId": 61, "messageId": number, "dialogId": "chat8773"}
    method, fields = "imbot.v2.Command.answer", {"message": "x"}

    assert (await desk.refusal(method, **ask))[1] == "COMMAND_ANSWER_FAILED"
    assert (await desk.refusal(method, **{**ask, "messageId": 5}, fields=fields))[1] == (
        "COMMAND_ANSWER_FAILED"
    )
    assert (await desk.refusal(method, **{**ask, "commandId": 5}, fields=fields))[1] == (
        "COMMAND_NOT_FOUND"
    )
    assert (await desk.refusal(method, **{**ask, "dialogId": None}, fields=fields))[1] == "100"


async def test_any_token_of_the_app_may_answer(desk: Desk) -> None:
    number = await desk.say("/invite x")
    token = (await desk.event())["auth"]["access_token"]

    status, _ = await desk.rest(
        "imbot.v2.Command.answer", token, botId=456, commandId=61, messageId=number,
        dialogId="chat8773", fields={"message": "готово"},
    )  # fmt: skip

    assert status == 200
    assert (await desk.look("calls"))[-1]["auth"] == "user"


KEYBOARD = [
    {"TEXT": "Иван", "COMMAND": "invite", "COMMAND_PARAMS": "12", "BLOCK": "Y"},
    {"TYPE": "NEWLINE"},
    {"TEXT": "Сделка", "LINK": "/crm/deal/details/288/"},
    {"TEXT": "Чужая", "COMMAND": "nobody"},
]


async def test_a_press_fires_the_button_s_command(desk: Desk) -> None:
    number = await desk.say("/invite x")
    await answer(desk, number, keyboard={"BOT_ID": 456, "BUTTONS": KEYBOARD})
    await desk.event()
    shown = (await desk.look("chats/8773"))["messages"][-1]
    assert [b.get("TEXT") for b in shown["keyboard"]] == ["Иван", None, "Сделка", "Чужая"]

    pressed = {"message_id": shown["id"], "button": 0, "user_id": 7}
    assert await desk.control("presses", **pressed) == (201, {"fired": True, "link": None})

    data = (await desk.event("ONIMBOTV2COMMANDADD"))["data"]
    assert data["command"] == {
        "id": "61", "command": "/invite", "params": "12", "context": "keyboard",
    }  # fmt: skip
    assert data["message"]["id"] == str(shown["id"])
    assert (data["message"]["authorId"], data["user"]["id"]) == ("0", "7")
    assert (await desk.control("presses", **pressed))[0] == 409
    assert (await desk.control("presses", **{**pressed, "button": 1}))[1]["link"]
    assert (await desk.control("presses", **{**pressed, "button": 2}))[1]["fired"] is False
    assert (await desk.control("presses", **{**pressed, "button": 3}))[0] == 404
    assert (await desk.control("presses", **{**pressed, "user_id": 15}))[0] == 403
    assert (await desk.control("presses", **{**pressed, "user_id": 599}))[0] == 403
    assert len((await desk.look("chats/8773"))["messages"]) == 2


@pytest.mark.parametrize("without", ["dialog_id", "chat", None])
async def test_a_press_may_come_without_its_chat(desk: Desk, without: str | None) -> None:
    number = await desk.say("/invite x")
    await answer(desk, number, keyboard={"BOT_ID": 456, "BUTTONS": KEYBOARD})
    shown = (await desk.look("chats/8773"))["messages"][-1]["id"]
    await desk.fault(events={"without_chat": without})
    await desk.say("/invite y")
    await desk.control("presses", message_id=shown, button=0, user_id=7)

    _, typed, pressed = [(await desk.event())["data"] for _ in range(3)]

    assert typed["chat"]["dialogId"] == "chat8773"
    assert pressed["message"]["chatId"] == "8773"
    if without == "chat":
        assert "chat" not in pressed
    else:
        assert pressed["chat"]["id"] == "8773"
        assert ("dialogId" in pressed["chat"]) is (without is None)


@pytest.mark.parametrize(
    "keyboard",
    [5, "{", [5], [{"COMMAND": "x"}], {"BUTTONS": "x"}, {"BOT_ID": "x", "BUTTONS": []},
     [{"TEXT": "x", "LINK": "javascript:alert(1)"}], [{"TEXT": "x" * 40_000}]],
)  # fmt: skip
async def test_wrong_keyboards_are_refused(desk: Desk, keyboard: object) -> None:
    number = await desk.say("/invite x")

    refused = await desk.refusal(
        "imbot.v2.Command.answer", botId=456, commandId=61, messageId=number,
        dialogId="chat8773", fields={"message": "x", "keyboard": keyboard},
    )  # fmt: skip

    assert refused[1] in {"KEYBOARD_ERROR", "KEYBOARD_OVERSIZE"}
