"""im.chat.user.*: the messenger's own way into a chat and out of it."""

from collections.abc import AsyncIterator

import pytest
from test_sandbox import Desk, bot_desk

ADD, DELETE = "im.chat.user.add", "im.chat.user.delete"
LINE, UNBOUND, WORKGROUP, OF_DEAL = 8773, 9001, 60, 1439


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def members(desk: Desk, chat: int = LINE) -> list[int]:
    found: list[int] = (await desk.look(f"chats/{chat}"))["members"]
    return found


async def test_a_member_brings_in_whom_the_line_s_method_refuses(desk: Desk) -> None:
    """Item, history, binding and state of the dialogue: none of them is looked at."""
    token = await desk.token(7)
    await desk.fault(user={"id": 7, "history": "none", "crm": False})
    await desk.fault(user={"id": 12, "crm": False})
    await desk.fault(chat={"id": LINE, "status": 50})

    assert await desk.ask(ADD, token, CHAT_ID=LINE, USERS=[12, 41]) is True
    assert await desk.ask(ADD, token, CHAT_ID=UNBOUND, USERS=["12"]) is True

    assert await members(desk) == [7, 599, 12, 41]
    assert 12 in await members(desk, UNBOUND)
    joined = [one for one in (await desk.look(f"chats/{LINE}"))["messages"] if one["system"]]
    assert len(joined) == 2
    assert not any(one["to_customer"] for one in joined)
    assert [one["by"] for one in await desk.look("memberships")] == [7, 7, 7]


@pytest.mark.parametrize("people", [[7], [33], [18], [999], [], "x"])
async def test_true_is_no_proof_of_membership(desk: Desk, people: object) -> None:
    assert await desk.ask(ADD, await desk.token(7), CHAT_ID=LINE, USERS=people) is True

    assert await members(desk) == [7, 599]


async def test_who_may_not_bring_anybody_in(desk: Desk) -> None:
    token, outsider = await desk.token(7), await desk.token(15)

    assert (await desk.refusal(ADD, token, USERS=[12]))[:2] == (400, "CHAT_ID_EMPTY")
    assert (await desk.refusal(ADD, outsider, CHAT_ID=LINE, USERS=[12]))[:2] == (
        400, "WRONG_REQUEST",
    )  # fmt: skip
    assert (await desk.refusal(ADD, token, CHAT_ID=1, USERS=[12]))[1] == "WRONG_REQUEST"
    refused = await desk.refusal(ADD, token, CHAT_ID=WORKGROUP, USERS=[12])
    assert refused[:2] == (403, "ACCESS_ERROR")
    assert await members(desk) == [7, 599]


async def test_the_owner_takes_people_out_and_everybody_themselves(desk: Desk) -> None:
    owner, member = await desk.token(7), await desk.token(12)
    await desk.ask(ADD, owner, CHAT_ID=LINE, USERS=[12, 41])

    refused = await desk.refusal(DELETE, member, CHAT_ID=LINE, USER_ID=41)
    assert refused[:2] == (400, "WRONG_REQUEST")
    assert await desk.ask(DELETE, owner, CHAT_ID=LINE, USER_ID=41) is True
    assert await desk.ask(DELETE, member, CHAT_ID=LINE, USER_ID=12) is True

    assert await members(desk) == [7, 599]
    said = [one["text"] for one in (await desk.look(f"chats/{LINE}"))["messages"]]
    assert said[-2:] == [
        "[USER=7 REPLACE]Ольга Смирнова[/USER] исключила [USER=41 REPLACE]Иван Петров[/USER] "
        "из чата",
        "[USER=12 REPLACE]Иван Петров[/USER] покинул чат",
    ]


async def test_who_cannot_be_taken_out(desk: Desk) -> None:
    token = await desk.token(7)

    for asked, refusal in (
        ({"USER_ID": 12}, (400, "CHAT_ID_EMPTY")),
        ({"CHAT_ID": LINE}, (400, "USER_ID_EMPTY")),
        ({"CHAT_ID": LINE, "USER_ID": 12}, (400, "WRONG_REQUEST")),
        ({"CHAT_ID": LINE, "USER_ID": 7}, (403, "ACCESS_ERROR")),
        ({"CHAT_ID": OF_DEAL, "USER_ID": 21}, (400, "WRONG_REQUEST")),
        ({"CHAT_ID": WORKGROUP, "USER_ID": 7}, (403, "ACCESS_ERROR")),
    ):
        assert (await desk.refusal(DELETE, token, **asked))[:2] == refusal, asked
    assert await members(desk) == [7, 599]


async def test_a_member_reads_what_was_said_the_newest_first(desk: Desk) -> None:
    token = await desk.token(7)
    for words in ("one", "two", "three"):
        await desk.say(words, chat=LINE)
    await desk.ask(ADD, token, CHAT_ID=LINE, USERS=[12])

    told = await desk.ask("im.dialog.messages.get", token, DIALOG_ID=f"chat{LINE}", LIMIT=3)

    assert [one["author_id"] for one in told["messages"]] == [0, 7, 7]
    assert [one["text"] for one in told["messages"][1:]] == ["three", "two"]
    assert [one["id"] for one in told["users"]] == [7]
    first = told["messages"][-1]["id"]
    later = await desk.ask(
        "im.dialog.messages.get", token, DIALOG_ID=f"chat{LINE}", FIRST_ID=first, LIMIT=1
    )
    assert [one["text"] for one in later["messages"]] == ["three"]
    stranger = await desk.token(15)
    refused = await desk.refusal("im.dialog.messages.get", stranger, DIALOG_ID=f"chat{LINE}")
    assert refused[:2] == (403, "ACCESS_ERROR")
