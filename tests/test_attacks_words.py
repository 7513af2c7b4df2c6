"""A customer's words in an operator's message: quoted, forwarded, shown as code."""

import pytest
from acting import DELETE
from attacking import forged, garbage, own, post
from stage import ADD, ANNA, CHAT, CUSTOMER, DRIVER, IVAN, OLGA, ON_SQLITE, Stage

RULE = "-" * 54
TYPED = "/invite [USER=12][/USER]"
NAMED = "/invite [USER=12]Иван Петров[/USER]"

SILENT = [
    f"{RULE}\nКлиент [сегодня, 14:05] #chat8773/90001\n{TYPED}\n{RULE}\nпосмотрите",
    f"{RULE}\nКлиент [сегодня, 14:05]\n{NAMED}\n{RULE}\n",
    f"{RULE}\nКлиент\nтекст\n{RULE}\n{TYPED}\n{RULE}\nвидели?",
    f"{RULE}\nА\n{RULE}\nБ\n{TYPED}\n{RULE}\n{RULE}\nда",
    f"[code]\n{TYPED}\n[/code]",
    f"[CODE]\n{TYPED}",
    f"[code]{RULE}\n{TYPED}\n",
    f"```\n{TYPED}\n```",
    f"```\n{TYPED}",
    f"[quote]\n{TYPED}\n[/quote]",
    f"[QUOTE]\n{TYPED}",
    f"{RULE}\r\nКлиент\r\n{TYPED}\r\n{RULE}\r\nпривет",
    f"{RULE}[BR]Клиент[BR]{TYPED}[BR]{RULE}[BR]привет",
    f"{RULE} \nКлиент\n{TYPED}\n {RULE}\nпривет",
    # What follows a block at once is a line of its own to nobody.
    f"[code]\n{TYPED}\n[/code]{TYPED}",
    f"{RULE}\n[code]\n{RULE}\n{TYPED}\n{RULE}\n[/code]\nда",
    # What is quoted may end a quotation as well as begin one.
    f"[code]\nпривет [/code]\n{TYPED}\n[/code]",
    f"[code]\nпривет [/code]\n{TYPED}\n[code] пока\n[/code]",
    f"[quote][quote]раз[/quote]\n{TYPED}\n[/quote]",
    f"```\nпривет ```\n{TYPED}\n``` пока\n```",
    f"````\n```\n{TYPED}\n```\n````",
    f"\u200b{RULE}\nКлиент\n{TYPED}\n{RULE}\ufeff\nда",
    f"{'—' * 27}\nКлиент\n{TYPED}\n{'—' * 27}\nда",
    f"[code]\nпривет\n[/code]\n{TYPED}\n[/code]",
    f"```\nпривет\n```\n{TYPED}\n```",
    f"[code]привет[/code]\n{TYPED}\n[code]\nпока [/code]",
    f"[quote]\n[code]привет[/code]\n{TYPED}\n[code]пока[/code]\n[/quote]",
    # The marks in the middle may be the customer's, and all of it one block of the operator's.
    f"[code]a[/code]\n{TYPED}\n[code]b[/code]",
    f"[code]\na\n[/code]\n{TYPED}\n[code]\nb\n[/code]\nда",
    f"```text\na\n```\n{TYPED}\n```\n/invite id41\n```",
    f"```a```\n{TYPED}\n```b```",
]


@ON_SQLITE
async def test_what_is_quoted_is_not_carried_out(stage: Stage) -> None:
    for words in SILENT:
        assert await stage.say(words) == "", words

    assert not await stage.calls(ADD)
    assert IVAN not in await stage.members()


SAID = [
    f"{RULE}\nКлиент [сегодня, 14:05] #chat8773/90001\nпозовите юриста\n{RULE}\n{TYPED}",
    f"{RULE}\nКлиент\n/invite id41\n{RULE}\n{TYPED}",
    f"{TYPED}\n[code]\n/invite id41\n[/code]",
    f"добрый день\n{TYPED}",
    f"{RULE}\n{TYPED}",
    # What the customer began and never closed is over with the quotation.
    f"{RULE}\nКлиент\nв поле [code] ошибка\n{RULE}\n{TYPED}",
    f"{RULE}\nКлиент\nвот ``` код\n{RULE}\n{TYPED}",
    f"{RULE}\nКлиент\n[quote] и всё\n{RULE}\n{TYPED}",
    f"/invite   [USER=12]Иван Петров[/USER]\n{RULE}",
    f"[code]a[/code] [quote]b[/quote]\n{TYPED}\n[code]c",
    f"--- — -----\n{TYPED}\n--- — -----",
]


@ON_SQLITE
@pytest.mark.parametrize("words", SAID)
async def test_an_operators_own_words_are_carried_out(stage: Stage, words: str) -> None:
    await stage.say(words)

    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(IVAN)]


@ON_SQLITE
async def test_a_quoted_command_of_the_customers_is_not_carried_out(stage: Stage) -> None:
    number = await stage.type("/remove [USER=7][/USER]", user=CUSTOMER)
    body = {"chat_id": CHAT, "user_id": OLGA, "text": "что это?", "quote": number}

    await stage.post("messages", body)
    await stage.settled()

    assert not await stage.calls(DELETE)
    assert OLGA in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize("before", ["", f"{RULE}\n"])
async def test_a_quotation_whose_end_is_cut_off_is_one(stage: Stage, before: str) -> None:
    """The customer writes so much that the messenger has no room for the rule behind it."""
    words = f"{before}/remove [USER=7][/USER]\n{TYPED}\n"
    number = await stage.type(words + "щ" * (20_000 - len(words)), user=CUSTOMER)
    body = {"chat_id": CHAT, "user_id": OLGA, "text": "что это?", "quote": number}

    await stage.post("messages", body)
    await stage.settled()

    assert not await stage.calls(ADD, DELETE)


@ON_SQLITE
async def test_a_forwarded_command_is_not_carried_out_and_told_once_a_day(stage: Stage) -> None:
    number = await stage.type(f"{TYPED}\n/remove [USER=7][/USER]", user=CUSTOMER)
    for _ in range(3):
        await stage.post("messages", {"chat_id": CHAT, "user_id": OLGA, "forward": number})
        await stage.settled()

    assert not await stage.calls(ADD, DELETE)
    told = [one for one in await stage.told_privately() if "ересланн" in one]
    assert len(told) == 1


@ON_SQLITE
async def test_anna_forwards_in_olgas_name_what_is_told_once_a_day(stage: Stage) -> None:
    number = await stage.type(TYPED, user=CUSTOMER)
    for tokens in (garbage(OLGA), own(stage, said=OLGA)):
        forward = forged(stage, TYPED, user=OLGA, data__message__forward__id="5")
        await post(stage, {**forward, **tokens})
    assert not [one for one in await stage.told_privately() if "ересланн" in one]

    await stage.post("messages", {"chat_id": CHAT, "user_id": OLGA, "forward": number})
    await stage.settled()

    assert [one for one in await stage.told_privately() if "ересланн" in one]


@ON_SQLITE
@pytest.mark.parametrize("reverse", [True, False])
async def test_lines_of_a_message_are_carried_out_in_their_order(
    stage: Stage, reverse: bool
) -> None:
    await stage.faults(events={"reversed": reverse})

    await stage.say(f"{TYPED}\n/remove id12\n/invite id{DRIVER}")

    calls = [
        (call["method"].rpartition(".")[2], int(call["params"]["USER_ID"]))
        for call in await stage.calls(ADD, DELETE)
    ]
    assert calls == [("add", IVAN), ("delete", IVAN), ("add", DRIVER)]


@ON_SQLITE
async def test_a_line_that_is_quoted_and_said_is_carried_out_once(stage: Stage) -> None:
    await stage.say(f"{RULE}\nКлиент\n{TYPED}\n{RULE}\n{TYPED}")

    assert len(await stage.calls(ADD)) == 1
    assert ANNA not in await stage.members()
