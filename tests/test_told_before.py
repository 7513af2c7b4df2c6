"""What is said before it happens, which chat is meant, and what is kept of a message."""

import pytest
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    GREETINGS,
    GROUP_CHAT,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    PAVEL,
    Stage,
)

import handlers

SEEN = {
    "ru": "Клиент видит всё, что вы пишете в его чате, и команду тоже: сначала включите скрытый",
    "en": "The customer sees what you type in their chat, this command too: switch hidden mode on",
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
async def test_nobody_is_greeted_where_the_bot_joins_a_chat(stage: Stage) -> None:
    stage.portal.state.users[OLGA].admin = True
    await stage.say("/who")

    said = str([one["text"] for one in (await stage.chat(GROUP_CHAT))["messages"]])
    assert not any(greeting in said for greeting in GREETINGS)


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
