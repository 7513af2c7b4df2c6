"""An escalation on its way: how a scene of it is set, driven and looked at."""

import pytest
from acting import press_at
from sqlalchemy import text
from stage import ADD, ANNA, BOSS, CHAT, OLGA, PATIENCE, RESPONSIBLE, Stage

from bot.portals.settings import PortalSettings, PortalSettingsStore
from bot.store.database import Database

LANGUAGES = pytest.mark.parametrize("language", ["ru", "en"])
# No word hangs on the database: what is stored is tried on the other one in one language.
LANGUAGES_AND_DATABASES = pytest.mark.parametrize(
    ("language", "database_url"),
    [("ru", "sqlite"), ("en", "sqlite"), ("ru", "postgresql")],
    indirect=["database_url"],
)
TAKE, PASS_ON = 0, 1

WORDS = {
    "ru": {
        "late": "⏭ [USER=21]Роман Соколов[/USER]: нет ответа за 5 минут. В чат [CHAT=8773]сделка "
        "№ 288 «Поставка оборудования»[/CHAT] бот позвал: [USER=3]Борис Волков[/USER] "
        "(руководитель).",
        "cannot": "⏭ [USER=21]Роман Соколов[/USER]: «Не могу». В чат [CHAT=8773]",
        "asked": "👋 [USER=7]Ольга Смирнова[/USER] зовёт вас в чат с клиентом",
        "line": "✅ Эскалация принята: [USER=21]Роман Соколов[/USER], через 1 минуту 40 секунд.",
        "taken": "✅ Эскалация принята (чат [CHAT=8773]сделка № 288 «Поставка оборудования»"
        "[/CHAT]): [USER=21]Роман Соколов[/USER], через 1 минуту 40 секунд.",
        "thanks": "👍 Ответ получит [USER=7]Ольга Смирнова[/USER].",
        "not needed": "вопрос взят, отвечает [USER=3]Борис Волков[/USER]. Ваша помощь больше не "
        "нужна.",
        "off": "вызов отменён. Ваша помощь больше не нужна",
        "nobody": "⚠️ Никто не взял вопрос за 10 минут",
        "called": ": чат [CHAT=8773]сделка № 288 «Поставка оборудования»[/CHAT]. Кого позвали: "
        "[USER=21]Роман Соколов[/USER], [USER=3]Борис Волков[/USER].",
        "unasked": "Кого ещё не спрашивали: [USER=15]Анна Орлова[/USER]. Позвать: "
        "[b]/escalate сделка 288 @Анна Орлова[/b]",
        "stopped": "🛑 Эскалация остановлена",
        "connect": "🔑 Ваша эскалация ждёт",
        "closed": "ℹ️ Диалог завершён, поэтому больше никого бот не зовёт",
        "chain": "звать по одному, пока кто-нибудь не возьмёт, и ждать ответа каждого 2 минуты: "
        "[USER=12]Иван Петров[/USER], [USER=15]Анна Орлова[/USER]. Пока ничего не изменилось.",
        "wait": "«5d» не подходит. Можно от минуты до трёх часов",
    },
    "en": {
        "late": "⏭ [USER=21]Роман Соколов[/USER] hasn't taken it in 5 min. Called to the chat of "
        '[CHAT=8773]deal 288 "Поставка оборудования"[/CHAT]: [USER=3]Борис Волков[/USER] (head).',
        "cannot": "⏭ [USER=21]Роман Соколов[/USER] can't. Called to the chat of [CHAT=8773]",
        "asked": "👋 [USER=7]Ольга Смирнова[/USER] asks you to join a chat with a customer",
        "line": "✅ [USER=21]Роман Соколов[/USER] took it after 1 min 40 s.",
        "taken": "✅ [USER=21]Роман Соколов[/USER] took it after 1 min 40 s: the chat of "
        '[CHAT=8773]deal 288 "Поставка оборудования"[/CHAT].',
        "thanks": "👍 [USER=7]Ольга Смирнова[/USER] will be told.",
        "not needed": "[USER=3]Борис Волков[/USER] has taken it. You are not needed any more.",
        "off": "the call is off. You are not needed any more",
        "nobody": "⚠️ Nobody has taken it in 10 min",
        "called": ': the chat of [CHAT=8773]deal 288 "Поставка оборудования"[/CHAT]. Called: '
        "[USER=21]Роман Соколов[/USER], [USER=3]Борис Волков[/USER].",
        "unasked": "Not asked yet: [USER=15]Анна Орлова[/USER]. Call them: "
        "[b]/escalate deal 288 @Анна Орлова[/b]",
        "stopped": "🛑 Escalation stopped",
        "connect": "🔑 Your escalation is waiting",
        "closed": "ℹ️ The dialog has ended, so nobody else is called",
        "chain": "calling one after the other until somebody takes it, 2 min each: "
        "[USER=12]Иван Петров[/USER], [USER=15]Анна Орлова[/USER]. Nothing changed.",
        "wait": '"5d" does not fit. From a minute to three hours',
    },
}


async def decide(stage: Stage, **decisions: object) -> None:
    """Let the administrator decide, before the bot has asked."""
    database = Database(stage.engine)
    store = PortalSettingsStore(database)
    decided = PortalSettings(**decisions)
    await store.change(stage.portal.state.settings.member_id, lambda _before: decided)


async def deciding(stage: Stage, **decisions: object) -> None:
    """Install the bot where the administrator has decided something."""
    await decide(stage, **decisions)
    assert await stage.install() == 200
    # What the installation asked for has drained long ago.
    bucket = stage.portal.state.bucket
    bucket.resize(bucket.size, bucket.rate)
    stage.seat_the_bot()


async def speaking(stage: Stage, language: str, **decisions: object) -> dict[str, str]:
    """Install the bot where everybody reads this language."""
    await deciding(stage, default_language=language, **decisions)
    await stage.faults(events={"language": language})
    return WORDS[language]


async def with_anna(stage: Stage) -> None:
    """Let Anna sit in the chat, who may bring in anybody."""
    stage.portal.state.chats[CHAT].members.append(ANNA)
    await stage.faults(user={"id": ANNA, "history": "any"})


async def invited_and_called(stage: Stage, language: str, *, is_taken: bool) -> None:
    """Let Olga invite Roman and Ivan for two hours, and Anna escalate, which calls Roman."""
    await speaking(stage, language)
    await with_anna(stage)
    await stage.say("/invite id21 id12 --for 2h")
    await stage.say("/escalate", user=ANNA)
    if is_taken:
        await takes(stage, RESPONSIBLE)
        await ended(stage, "taken")


async def time_passes(stage: Stage, seconds: float) -> None:
    """Let the bot's escalations grow older, and come to what is due then."""
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE escalations SET begun_at = begun_at - :s, until = until - :s, "
                "due_at = due_at - :s"
            ),
            {"s": seconds},
        )
    # What was asked of the portal before has drained meanwhile.
    bucket = stage.portal.state.bucket
    bucket.resize(bucket.size, bucket.rate)


def ends(stage: Stage) -> list[str | None]:
    """How each escalation has ended; ``None`` for one that goes on."""
    with stage.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT ended_as FROM escalations ORDER BY command_id"
        ).all()
    return [row[0] for row in rows]


async def ended(stage: Stage, *how: str | None, patience: float = PATIENCE) -> None:
    """Wait until each escalation has ended as it is to end; ``None`` for one that goes on."""

    async def is_ended() -> bool:
        return ends(stage) == [*how] and not stage.waiting()

    await stage.until(is_ended, patience)
    await stage.settled()


async def in_chat(stage: Stage, chat: int = CHAT) -> list[str]:
    """The bot's lines in the customer's chat; each of them is internal."""
    messages = (await stage.chat(chat))["messages"]
    own = [one for one in messages if "Switchboard" in one["text"] or one["author_id"] == 456]
    assert all(one["system"] and not one["to_customer"] for one in own)
    return [one["text"].removeprefix("[USER=456]Switchboard[/USER]\n ") for one in own]


async def card(stage: Stage, user: int) -> int:
    """The newest message in somebody's talk with the bot that has the two buttons."""
    found: list[int] = []

    async def is_there() -> bool:
        messages = (await stage.get(f"dialogs/{user}"))["messages"]
        found[:] = [one["id"] for one in messages if len(one["keyboard"] or []) == 2]
        return bool(found)

    await stage.until(is_there)
    return found[-1]


async def takes(stage: Stage, person: int) -> None:
    """Let somebody who was called press that they take it."""
    await press_at(stage, await card(stage, person), TAKE, person)


async def passes_on(stage: Stage, person: int) -> None:
    """Let somebody who was called press that they cannot."""
    await press_at(stage, await card(stage, person), PASS_ON, person)


async def stop_button(stage: Stage) -> tuple[int, int]:
    """The message in the chat that has the button to stop, and which one it is."""
    messages = (await stage.chat())["messages"]
    for one in reversed(messages):
        for number, button in enumerate(one["keyboard"] or []):
            if button["TEXT"] in ("Остановить", "Stop"):
                return one["id"], number
    raise AssertionError


async def called(stage: Stage) -> list[int]:
    """Whom the portal was asked to bring in, always with Olga's own token."""
    calls = await stage.calls(ADD)
    assert {(call["user_id"], call["auth"]) for call in calls} <= {(OLGA, "user")}
    return [int(call["params"]["USER_ID"]) for call in calls]


async def undo_is_held(stage: Stage) -> None:
    """Let Olga type /undo, and the portal take its time over whose token it is."""
    await stage.faults(method="profile", delay=1.5)
    await stage.type("/undo")

    async def is_held() -> bool:
        return not stage.portal.state.faults.any_of("delay")

    await stage.until(is_held)


async def next_one(stage: Stage, person: int) -> None:
    await stage.joined(person)
    await stage.settled()


async def passed_on(stage: Stage, words: str = "/escalate") -> None:
    """Escalate, and let the responsible miss their time: their head is called."""
    await stage.say(words)
    await time_passes(stage, 301)
    await next_one(stage, BOSS)
