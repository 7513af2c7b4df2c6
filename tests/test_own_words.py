"""Whose words are run: the author's own, line by line, and neither quoted nor forwarded ones."""

import pytest
from stage import ADD, ANNA, CHAT, DRIVER, IVAN, OLGA, ON_SQLITE, Stage
from test_events import post, sample

LINE = "/invite [USER=12]Иван Петров[/USER]"
REWRITTEN = "/invite [USER=12 REPLACE]Иван Петров[/USER]"
RULE = "-" * 54
THREE = "\n".join(f"/invite [USER={number}]Кто-то[/USER]" for number in (IVAN, ANNA, DRIVER))


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_lines_of_one_message_are_run_in_their_order(stage: Stage, is_reversed: bool) -> None:
    await stage.faults(events={"reversed": is_reversed})

    await stage.say(THREE)

    added = [int(call["params"]["USER_ID"]) for call in await stage.calls(ADD)]
    assert added == [IVAN, ANNA, DRIVER]


@ON_SQLITE
async def test_what_is_quoted_is_not_run(stage: Stage) -> None:
    for text in (
        f"{RULE}\nИван [сегодня, 14:05]\n{LINE}\n{RULE}\nсмотрите",
        f"{RULE}\nИван [сегодня, 14:05]\n{REWRITTEN}\n{RULE}",
        f"{RULE}\nодно\n{RULE}\n{LINE}\n{RULE}\nдругое\n{RULE}",
        f"{RULE}\nцитата\n------\n{LINE}\n{RULE}",
        f"[code]\n{LINE}\n[/code]",
        f"смотрите: [code]\n{LINE}",
        f"[CODE]{LINE}",
        f"```\n{LINE}\n```",
        f"```\n{LINE}",
        f"[QUOTE]\n{LINE}\n[/QUOTE]",
    ):
        await stage.type(text)
        await stage.settled()

        assert not await stage.calls(ADD), text
        assert not await stage.told_privately(), text


@ON_SQLITE
@pytest.mark.parametrize(
    "text",
    [
        f"{RULE}\nИван [сегодня, 14:05]\n{REWRITTEN}\n{RULE}\n{LINE}",
        f">>{LINE}\n{LINE}",
        f"[code]x[/code]\n{LINE}",
        f"{RULE}\n{LINE}",
    ],
)
async def test_what_is_said_beside_a_quotation_is_run(stage: Stage, text: str) -> None:
    await stage.type(text)
    await stage.settled()

    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(IVAN)]


@ON_SQLITE
async def test_a_quoted_message_of_the_customers_is_not_run(stage: Stage) -> None:
    theirs = await stage.type(LINE, user=599)
    await stage.post("messages", {"chat_id": CHAT, "user_id": OLGA, "text": "см.", "quote": theirs})
    await stage.settled()

    assert not await stage.calls(ADD)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", "Команды в пересланных сообщениях бот не выполняет"),
        ("en", "The bot does not run commands in forwarded messages"),
    ],
)
async def test_what_is_forwarded_is_not_run_and_told_once_a_day(
    stage: Stage, language: str, words: str
) -> None:
    await stage.faults(events={"language": language})
    theirs = await stage.type(LINE, user=599)
    for _ in range(2):
        forwarded = {"chat_id": CHAT, "user_id": OLGA, "forward": theirs}
        await stage.post("messages", forwarded)
        await stage.settled()

    assert not await stage.calls(ADD)
    [told] = await stage.told_privately()
    assert words in told


@ON_SQLITE
async def test_a_command_that_its_messages_author_has_not_given_does_nothing(stage: Stage) -> None:
    status, _ = await post(stage, sample(stage, **{"data[message][authorId]": str(ANNA)}))

    assert (status, stage.stored()) == (200, 0)
