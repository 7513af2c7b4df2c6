"""What is said before it happens, which chat is meant, and what is kept of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    GREETINGS,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    PAVEL,
    Stage,
)

import handlers
from bot.bitrix24.events import CommandEvent
from bot.commands.quotes import is_own_word, only_commands

SEEN = {
    "ru": "Клиент видит всё, что вы пишете в его чате, и команды тоже: сначала включите скрытый",
    "en": "The customer sees what you type in their chat, commands too: switch hidden mode on",
}


@ON_SQLITE
@pytest.mark.parametrize("language", SEEN)
async def test_the_customer_sees_what_is_typed_is_said_before(stage: Stage, language: str) -> None:
    await stage.faults(events={"language": language})
    helped = [f"/help {name}" for name in handlers.SHIPPED]

    for typed in ("/help", "/invite help", *helped):
        await stage.whisper(typed)
        await stage.settled()

        assert SEEN[language] in (await stage.told_privately())[-1]


@pytest.mark.parametrize("tokens", ["normal", "none"])
async def test_whoever_opens_the_private_talk_is_greeted_once(stage: Stage, tokens: str) -> None:
    await stage.faults(events={"tokens": tokens})
    await stage.whisper("/help")
    await stage.whisper("/help")
    await stage.settled()

    said = [one["text"] for one in (await stage.get(f"dialogs/{OLGA}"))["messages"]]
    [greeting] = [one for one in said if one.startswith(GREETINGS)]
    assert SEEN["ru"] in greeting
    assert "[b]/help[/b]" in greeting


@ON_SQLITE
@pytest.mark.parametrize(
    "typed",
    [
        "/undo", "/why", "/who", f"/invite id{ANNA} id{OLGA}", f"/remove id{IVAN}",
        f"/invite id{PAVEL}", "/invite deal 301 id12", f"/remove id{OLGA}",
        "/invite [USER=599]К[/USER]",
    ],
)  # fmt: skip
async def test_a_private_reply_names_its_chat(stage: Stage, typed: str) -> None:
    await stage.say("/invite @15", hidden=True)
    if typed == "/undo":
        await stage.say("/undo", hidden=True)

    await stage.say(typed, hidden=True)

    told = (await stage.told_privately())[-1]
    assert LINK in told
    assert "этом чате" not in told
    assert "этого чата" not in told


@ON_SQLITE
async def test_another_chat_that_is_meant_is_named_and_not_this_one(stage: Stage) -> None:
    await stage.say("/invite @15")
    for typed, words in (
        ("/invite deal 288 id15", "уже в чате [CHAT=8773]сделка № 288[/CHAT]"),
        ("/remove deal 288 id12", "не в чате [CHAT=8773]сделка № 288[/CHAT]"),
    ):
        await stage.whisper(typed)
        await stage.settled()

        assert words in (await stage.told_privately())[-1]


MESSAGE = (
    "Пароль клиента: hunter2\n/invite id12 -- нужен юрист\nещё тайна\n"
    "------\nИван\n/remove id15\n------\n>>/invite id41\n"
)


async def test_of_a_message_only_commands_are_kept(stage: Stage) -> None:
    await stage.say(MESSAGE)

    with stage.engine.connect() as connection:
        kept = "\n".join(connection.scalars(text("SELECT event FROM inbox")))
    assert "/invite id12 -- нужен юрист" in kept
    for secret in ("hunter2", "тайна", "Иван\\n"):
        assert secret not in kept
    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(IVAN)]


@ON_SQLITE
@pytest.mark.parametrize(
    ("said", "words", "is_kept"),
    [
        ("пригласи Ивана", "Может быть, [b]/invite", True),
        ("мой пароль hunter2", "Бот понимает только команды.", False),
    ],
)
async def test_of_words_to_the_bot_only_what_may_be_a_command_is_kept(
    stage: Stage, said: str, words: str, is_kept: bool
) -> None:
    await stage.whisper(said)
    await stage.settled()

    assert words in (await stage.told_privately())[-1]
    with stage.engine.connect() as connection:
        kept = "\n".join(connection.scalars(text("SELECT event FROM inbox")))
    assert (said in kept) is is_kept


PIECES = st.sampled_from(
    ["/invite id12", "/remove id15", "/other", "привет", "", " ", "------", "-" * 54,
     ">>/invite id12", ">> x", "[code]", "[/code]", "[code]/invite id12", "/invite id12[/code]",
     "```", "[quote]",
     "[/quote]", "x [code] y", "/invite [code]x[/code]", " /invite id12"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9), st.sampled_from(["/invite id12", "/remove id15", "/other"]))
def test_what_is_kept_says_the_same_of_the_command(lines: list[str], typed: str) -> None:
    name, _, params = typed.partition(" ")
    told = {
        "bot": {"id": 456},
        "command": {"id": 1, "command": name, "params": params},
        "message": {"id": 5, "text": "\n".join(lines)},
        "chat": {"dialogId": "chat8773"},
        "user": {"id": 7},
    }
    event = CommandEvent.model_validate(told)

    kept = only_commands(event, lambda line: False)

    assert is_own_word(kept) is is_own_word(event)
    assert only_commands(kept, lambda line: False) == kept
    assert not {"привет", ">> x", "x [code] y"} & set(kept.message.text.split("\n"))
