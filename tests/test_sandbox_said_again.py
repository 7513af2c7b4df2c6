"""Messages forwarded and quoted: what is said, and which commands it fires in whose name."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk

RULE = "-" * 54


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        desk.portal.state.chats[8773].members.append(15)
        yield desk


async def forwarded(desk: Desk, number: int, user: int = 7, chat: int = 55, **more: Any) -> int:
    asked = {"chat_id": chat, "user_id": user, "forward": number, **more}
    status, body = await desk.control("messages", **asked)
    assert status == 201, body
    return int(body["message_id"])


async def test_a_forwarded_command_fires_in_the_forwarder_s_name(desk: Desk) -> None:
    number = await desk.say("/invite [USER=12][/USER]", user=599)
    assert await desk.sent() == []

    again = await forwarded(desk, number)

    event = await desk.event("ONIMBOTV2COMMANDADD")
    message = event["data"]["message"]
    assert event["data"]["command"]["params"] == "[USER=12][/USER]"
    assert (event["data"]["user"]["id"], event["auth"]["user_id"]) == ("7", "7")
    assert (message["id"], message["authorId"]) == (str(again), "7")
    assert message["text"] == "/invite [USER=12 REPLACE]Иван Петров[/USER]"
    assert message["forward"] == {
        "id": f"chat8773/{number}", "userId": "599", "chatTitle": "", "chatType": "lines",
    }  # fmt: skip


async def test_what_is_forwarded_again_says_where_it_comes_from(desk: Desk) -> None:
    number = await desk.whisper("/invite x", user=15)
    await desk.event("ONIMBOTV2COMMANDADD")
    once = await forwarded(desk, number, user=15)
    twice = await forwarded(desk, once, chat=8773, hidden=True)

    told = await desk.message(twice)

    assert told["forward"]["id"] == f"15:456/{number}"
    assert told["forward"]["userId"] == 15
    assert (told["author_id"], told["to_customer"]) == (7, False)
    assert (await desk.message(once, chat=55))["forward"] == told["forward"]


async def test_a_forwarded_message_goes_to_the_customer_without_its_buttons(desk: Desk) -> None:
    desk.portal.state.chats[55].members.append(456)
    sent = await desk.ask(
        "imbot.v2.Chat.Message.send", botId=456, dialogId="chat55",
        fields={"message": "Выбирайте", "keyboard": [{"TEXT": "Да", "COMMAND": "invite"}]},
    )  # fmt: skip

    again = await desk.message(await forwarded(desk, sent["id"], chat=8773))

    assert (again["text"], again["to_customer"], again["keyboard"]) == ("Выбирайте", True, None)


async def test_what_is_forwarded_to_the_bot_is_heard_by_it(desk: Desk) -> None:
    number = await desk.say("Добрый день", user=599)

    await desk.control("messages", dialog="bot", user_id=7, forward=number)

    message = (await desk.event("ONIMBOTV2MESSAGEADD"))["data"]["message"]
    assert (message["text"], message["forward"]["userId"]) == ("Добрый день", "599")


async def test_a_quotation_stands_before_the_text(desk: Desk) -> None:
    number = await desk.say("/invite [USER=12][/USER]\nпожалуйста", user=599)

    again = await desk.say("Что это?", quote=number)

    text = (await desk.message(again))["text"]
    rule, head, *quoted, end, own = text.split("\n")
    assert (rule, end, own) == (RULE, RULE, "Что это?")
    assert re.fullmatch(rf"Клиент \[сегодня, \d\d:\d\d\] #chat8773/{number}", head)
    assert quoted == ["/invite [USER=12][/USER]", "пожалуйста"]
    data = (await desk.event("ONIMBOTV2COMMANDADD"))["data"]
    assert (data["command"]["params"], data["user"]["id"]) == ("[USER=12][/USER]", "7")
    assert data["message"]["forward"] == ""
    assert "\n/invite [USER=12 REPLACE]Иван Петров[/USER]\n" in data["message"]["text"]


async def test_a_quotation_may_hold_another(desk: Desk) -> None:
    first = await desk.say("раз")
    second = await desk.say("два", quote=first)
    third = await desk.say("три", quote=second)

    assert (await desk.message(third))["text"].split("\n").count(RULE) == 4


async def test_the_portal_s_language_and_lines_of_the_system_in_quotations(desk: Desk) -> None:
    await desk.fault(events={"language": "en"})
    number = await desk.whisper("hello")
    line = desk.portal.state.chats[8773]
    joined = await desk.ask(
        "imopenlines.crm.chat.user.add", await desk.token(7),
        CRM_ENTITY_TYPE="deal", CRM_ENTITY=288, USER_ID=12, CHAT_ID=8773,
    )  # fmt: skip
    assert joined == 8773

    status, _ = await desk.control("messages", dialog="bot", user_id=7, text="?", quote=number)
    system = await desk.say("?", quote=line.messages[-1].id)

    assert status == 201
    private = (await desk.look("dialogs/7"))["messages"][-1]["text"]
    assert re.match(rf"{RULE}\nОльга Смирнова \[today, \d\d:\d\d\] #456:7/{number}\n", private)
    assert (await desk.message(system))["text"].startswith(f"{RULE}\nQuote [today, ")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"text": "x", "forward": 1}, 400),
        ({"text": "x", "quote": 1}, 404),
        ({"forward": 1}, 404),
        ({"forward": "x"}, 400),
        ({"forward": 1, "quote": 1}, 400),
        ({"quote": 1}, 400),
    ],
)
async def test_what_cannot_be_said_again(desk: Desk, asked: dict[str, Any], status: int) -> None:
    assert (await desk.control("messages", chat_id=55, user_id=7, **asked))[0] == status


async def test_only_who_sees_a_message_says_it_again(desk: Desk) -> None:
    number = await desk.say("тайна")

    for how in ({"forward": number}, {"quote": number, "text": "x"}):
        assert (await desk.control("messages", chat_id=55, user_id=12, **how))[0] == 403
