"""An escalation on its way: taken, passed on, stopped, or taken by nobody."""

import json
import time
from typing import Any

import pytest
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    BOSS,
    CHAT,
    IVAN,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    RESPONSIBLE,
    Stage,
    bot_running,
    settings_for,
)
from terminal import ran
from test_connect import connected, offered
from test_escalate import decide
from test_undo import DELETE, said

LANGUAGES = pytest.mark.parametrize("language", ["ru", "en"])
ADMINISTRATOR = 1
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
        "nobody": "⚠️ Никто не ответил за 10 минут",
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


async def deciding(stage: Stage, **decisions: object) -> None:
    """Install the bot where the administrator has decided something."""
    await decide(stage, **decisions)
    assert await stage.install() == 200
    stage.seat_the_bot()


async def speaking(stage: Stage, language: str, **decisions: object) -> dict[str, str]:
    """Install the bot where everybody reads this language."""
    await deciding(stage, default_language=language, **decisions)
    await stage.faults(events={"language": language})
    return WORDS[language]


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


def ends(stage: Stage) -> list[str | None]:
    """How each escalation has ended; ``None`` for one that goes on."""
    with stage.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT ended_as FROM escalations ORDER BY command_id"
        ).all()
    return [row[0] for row in rows]


async def ended(stage: Stage, how: str) -> None:
    async def is_ended() -> bool:
        return ends(stage) == [how] and not stage.waiting()

    await stage.until(is_ended)
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


async def press(stage: Stage, message: int, button: int, user: int) -> None:
    body = {"message_id": message, "button": button, "user_id": user}
    await stage.post("presses", body)
    await stage.settled()


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


async def next_one(stage: Stage, person: int) -> None:
    async def is_called() -> bool:
        return person in await stage.members() and not stage.waiting()

    await stage.until(is_called)
    await stage.settled()


@LANGUAGES
async def test_who_does_not_take_it_in_time_is_followed_by_the_next(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate -- срочно")
    lines = await in_chat(stage)
    assert await called(stage) == [RESPONSIBLE]

    await time_passes(stage, 301)

    assert await said(stage, words["late"]) == words["late"]
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE, BOSS]
    assert BOSS in await stage.members()
    assert words["asked"] in await said(stage, "срочно", BOSS)
    # The chat hears nothing of it: only its requester does.
    assert await in_chat(stage) == lines
    assert ends(stage) == [None]


@LANGUAGES
async def test_who_presses_takes_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    await time_passes(stage, 99.5)

    await press(stage, number, TAKE, RESPONSIBLE)
    await ended(stage, "taken")

    assert (await stage.told_privately(RESPONSIBLE))[-1] == words["thanks"]
    assert (await in_chat(stage))[-1] == words["line"]
    assert (await stage.told_privately())[-1] == words["taken"]
    await time_passes(stage, 3600)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert (await in_chat(stage)).count(words["line"]) == 1


@LANGUAGES
async def test_who_cannot_is_followed_at_once(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")

    await press(stage, await card(stage, RESPONSIBLE), PASS_ON, RESPONSIBLE)
    await next_one(stage, BOSS)

    assert (await said(stage, "⏭")).startswith(words["cannot"])
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
@pytest.mark.parametrize("how", ["writes", "types a command", "is the operator"])
async def test_what_else_counts_as_taking(stage: Stage, how: str) -> None:
    await stage.say("/escalate")
    match how:
        case "writes":
            await time_passes(stage, 60)
            await stage.type("Здравствуйте, чем помочь?", user=RESPONSIBLE)
            # The bot does not hear of it: the next look finds it.
            await time_passes(stage, 241)
        case "types a command":
            await stage.type("/who", user=RESPONSIBLE)
        case "is the operator":
            stage.portal.state.chats[CHAT].owner = RESPONSIBLE
            await time_passes(stage, 301)

    await ended(stage, "taken")

    assert "[USER=21]Роман Соколов[/USER], через " in (await in_chat(stage))[-1]
    assert await called(stage) == [RESPONSIBLE]


@ON_SQLITE
async def test_who_wrote_before_has_not_taken_it(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.type("Добрый день", user=RESPONSIBLE)
    assert "«Поставка оборудования». Уже в чате [CHAT=8773]" in await stage.say("/escalate")

    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert ends(stage) == [None]


@LANGUAGES
async def test_the_first_may_take_it_when_the_next_was_called(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    await time_passes(stage, 301)
    await next_one(stage, BOSS)
    await press(stage, await card(stage, BOSS), TAKE, BOSS)
    await ended(stage, "taken")

    assert words["not needed"] in (await stage.told_privately(RESPONSIBLE))[-1]
    await press(stage, await card(stage, RESPONSIBLE), TAKE, RESPONSIBLE)

    assert "[USER=3]Борис Волков[/USER]" in (await stage.told_privately(RESPONSIBLE))[-1]
    assert ends(stage) == ["taken"]
    assert RESPONSIBLE in await stage.members()


@LANGUAGES
async def test_nobody_takes_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language, duty=(ANNA,), escalation=("responsible", "head"))
    await stage.say("/escalate")
    await time_passes(stage, 300)
    await next_one(stage, BOSS)

    await time_passes(stage, 300)

    told = await said(stage, words["nobody"])
    assert words["called"] in told
    assert words["unasked"] in told
    await ended(stage, "nobody")
    assert await called(stage) == [RESPONSIBLE, BOSS]
    assert not await stage.told_privately(ADMINISTRATOR)
    # It is not too late to say so.
    await press(stage, await card(stage, BOSS), TAKE, BOSS)
    assert "[USER=3]Борис Волков[/USER]" in (await stage.told_privately())[-1]
    assert ends(stage) == ["nobody"]


@ON_SQLITE
async def test_an_administrator_hears_of_it_where_the_portal_wants_that(
    empty_stage: Stage,
) -> None:
    stage = empty_stage
    await deciding(stage, at_end="administrator", escalation=("responsible",))
    await stage.say("/escalate -- клиент уходит")

    await time_passes(stage, 301)

    told = await said(stage, "⚠️ Эскалация без ответа за 5 минут", ADMINISTRATOR)
    assert "[USER=7]Ольга Смирнова[/USER]" in told
    assert "Причина: клиент уходит" in told


@LANGUAGES
async def test_its_requester_stops_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    number, button = await stop_button(stage)

    await press(stage, number, button, RESPONSIBLE)
    assert "[USER=7]" in (await stage.told_privately(RESPONSIBLE))[-1]
    assert ends(stage) == [None]
    await press(stage, number, button, OLGA)
    await ended(stage, "stopped")

    assert words["stopped"] in "\n".join(await stage.told_privately())
    assert words["off"] in (await stage.told_privately(RESPONSIBLE))[-1]
    await time_passes(stage, 3600)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert RESPONSIBLE in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize("not_needed", ["stay", "leave"])
async def test_who_has_stopped_it_is_told_of_undo_where_somebody_stays(
    empty_stage: Stage, not_needed: str
) -> None:
    stage = empty_stage
    await deciding(stage, not_needed=not_needed)
    await stage.say("/escalate")

    await press(stage, *await stop_button(stage), OLGA)

    told = await said(stage, "🛑 Эскалация остановлена")
    assert ("Убрать тех, кто уже в чате: [b]/undo[/b]" in told) == (not_needed == "stay")
    assert told.endswith((".", "[b]/undo[/b]"))


@LANGUAGES
async def test_undo_stops_it_and_takes_out_whoever_has_come(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    reply = await stage.say("/undo")

    assert "[USER=21]Роман Соколов[/USER], [USER=3]Борис Волков[/USER]" in reply
    assert ends(stage) == ["undone"]
    assert not {RESPONSIBLE, BOSS} & {*await stage.members()}
    for person in (RESPONSIBLE, BOSS):
        assert words["off"] in (await stage.told_privately(person))[-1]
    await time_passes(stage, 3600)
    assert not (await stage.say("/undo")).startswith("↩️")
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_undo_takes_back_the_last_command_and_not_an_escalation_before_it(
    stage: Stage,
) -> None:
    await stage.say("/escalate")
    await stage.say("/invite @15")
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    assert "Больше не в этом чате: [USER=15]Анна Орлова[/USER]." in await stage.say("/undo")

    assert ends(stage) == [None]
    assert {RESPONSIBLE, BOSS} <= {*await stage.members()}


@ON_SQLITE
async def test_undo_stops_it_where_nobody_had_to_come(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.say("/escalate")

    assert "🛑 Эскалация остановлена" in await stage.say("/undo")

    assert ends(stage) == ["undone"]
    assert RESPONSIBLE in await stage.members()


async def test_who_is_not_needed_leaves_where_the_portal_wants_that(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave", duty=(IVAN,))
    await stage.say("/escalate")
    await press(stage, await card(stage, RESPONSIBLE), PASS_ON, RESPONSIBLE)
    await next_one(stage, BOSS)
    assert RESPONSIBLE not in await stage.members()
    await time_passes(stage, 301)
    await next_one(stage, IVAN)

    await press(stage, await card(stage, IVAN), TAKE, IVAN)
    await ended(stage, "taken")

    members = await stage.members()
    assert IVAN in members
    assert BOSS not in members
    assert (await stage.told_privately(BOSS))[-1].endswith(
        "Ваша помощь больше не нужна, в чате вас уже нет."
    )
    assert {call["user_id"] for call in await stage.calls(DELETE)} == {OLGA}


@ON_SQLITE
@pytest.mark.parametrize("how", ["stopped", "taken", "nobody"])
async def test_undo_brings_nobody_back_whom_its_end_has_let_go(
    empty_stage: Stage, how: str
) -> None:
    stage = empty_stage
    order = ("responsible",) if how == "nobody" else ("responsible", "head")
    await deciding(stage, not_needed="leave", escalation=order)
    await stage.say("/escalate")
    if how == "taken":
        await time_passes(stage, 301)
        await next_one(stage, BOSS)
        await press(stage, await card(stage, BOSS), TAKE, BOSS)
    elif how == "nobody":
        await press(stage, await card(stage, RESPONSIBLE), PASS_ON, RESPONSIBLE)
    else:
        await press(stage, *await stop_button(stage), OLGA)
    await ended(stage, how)
    assert RESPONSIBLE not in await stage.members()

    reply = await stage.say("/undo")

    assert reply.startswith("↩️ Отменено. Больше не в этом чате: ")
    assert "[USER=21]Роман Соколов[/USER]" in reply
    assert not {RESPONSIBLE, BOSS} & {*await stage.members()}


@LANGUAGES
async def test_it_waits_for_its_requesters_permission(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    await stage.faults(tokens="revoked", user_id=OLGA)

    await time_passes(stage, 301)

    assert words["connect"] in await said(stage, "🔑")
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert ends(stage) == [None]
    status, _page = await connected(stage, await offered(stage))
    assert status == 200
    await next_one(stage, BOSS)
    assert (await called(stage))[-1] == BOSS


@LANGUAGES
async def test_a_dialog_that_is_closed_ends_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    await stage.faults(chat={"id": CHAT, "status": 60})
    await time_passes(stage, 301)

    assert words["closed"] in await said(stage, "ℹ️")
    await ended(stage, "stopped")
    assert await called(stage) == [RESPONSIBLE]


@ON_SQLITE
async def test_a_dialog_that_is_passed_on_goes_on(stage: Stage) -> None:
    await stage.say("/escalate")
    chat = stage.portal.state.chats[CHAT]
    chat.owner, chat.members = ANNA, [ANNA, 599, 456]

    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_who_cannot_be_added_is_skipped_and_told_of(stage: Stage) -> None:
    await stage.faults(user={"id": RESPONSIBLE, "crm": False})

    reply = await stage.say("/escalate")

    assert "[USER=3]Борис Волков[/USER] (руководитель) теперь в этом чате" in reply
    assert "Не получилось: [USER=21]Роман Соколов[/USER]" in reply
    assert await called(stage) == [RESPONSIBLE, BOSS]
    await time_passes(stage, 301)
    assert "Пропущено: [USER=21]Роман Соколов[/USER] — не удалось добавить." in await said(
        stage, "⚠️ Никто не ответил"
    )
    assert await called(stage) == [RESPONSIBLE, BOSS]


@LANGUAGES
async def test_named_people_are_called_in_their_order(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    option = {"ru": "--ждать 2 минуты", "en": "--wait 2m"}[language]

    assert words["chain"] in await stage.say(f"/escalate @12 @15 {option} --dry")
    assert not await called(stage)
    await stage.say(f"/escalate @12 @15 {option}")
    assert await called(stage) == [IVAN]
    await time_passes(stage, 121)
    await next_one(stage, ANNA)
    assert await called(stage) == [IVAN, ANNA]
    assert words["wait"] in await stage.say("/escalate --wait 5d")


FULL = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}


@ON_SQLITE
@pytest.mark.parametrize("fault", [{"html": 503}, {"error": FULL}])
async def test_a_portal_that_does_not_answer_holds_it_up(
    stage: Stage, fault: dict[str, Any]
) -> None:
    await stage.say("/escalate")
    await stage.faults(method="*", times=None, **fault)
    await time_passes(stage, 301)

    async def is_put_off() -> bool:
        late = "SELECT count(*) FROM escalations WHERE due_at > until AND due_at < until + 3600"
        return bool(stage.count(late)) and not stage.waiting()

    await stage.until(is_put_off, 20)
    await stage.faults(clear=True)
    await time_passes(stage, 61)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_from_another_chat_the_line_is_left_out(stage: Stage) -> None:
    await stage.whisper("/escalate deal 288")
    await stage.settled()
    before = await in_chat(stage)

    await press(stage, await card(stage, RESPONSIBLE), TAKE, RESPONSIBLE)
    await ended(stage, "taken")

    assert await in_chat(stage) == before
    assert "принята (чат [CHAT=8773]" in (await stage.told_privately())[-1]


@ON_SQLITE
async def test_after_ten_minutes_the_line_needs_the_bot_in_the_chat(stage: Stage) -> None:
    """Command.answer posts nothing any more: it goes as a message that stays inside."""
    with_bot = await _late(stage)
    assert "✅ Эскалация принята: " in with_bot[-1]


@ON_SQLITE
async def test_where_the_bot_is_not_in_the_chat_only_the_requester_hears(
    empty_stage: Stage,
) -> None:
    assert await empty_stage.install() == 200

    lines = await _late(empty_stage)

    assert not any("принята" in one for one in lines)
    assert [one for one in await empty_stage.told_privately() if "принята" in one] != []


async def _late(stage: Stage) -> list[str]:
    await stage.say("/escalate")
    with stage.engine.begin() as connection:
        told = json.loads(connection.exec_driver_sql("SELECT event FROM escalations").scalar_one())
        told["ts"] = time.time() - 700
        change = text("UPDATE escalations SET event = :event")
        connection.execute(change, {"event": json.dumps(told)})
    await press(stage, await card(stage, RESPONSIBLE), TAKE, RESPONSIBLE)
    await ended(stage, "taken")
    return await in_chat(stage)


@ON_SQLITE
async def test_who_is_erased_has_no_part_in_it_and_it_goes_on(stage: Stage) -> None:
    """Erased are Roman, who was called, and then Olga, who has asked: with her it is gone."""
    await stage.say("/escalate")
    member_id = stage.portal.state.settings.member_id
    forget = ("forget", "--portal", member_id, "--yes", "--person")

    assert (await ran(stage.settings, *forget, str(RESPONSIBLE))).code == 0
    await stage.faults(user={"id": RESPONSIBLE, "absent": "2027-12-01T00:00:00+03:00"})
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    assert (await said(stage, "⏭")).startswith("⏭ В чат [CHAT=8773]")
    assert (await ran(stage.settings, *forget, str(OLGA))).code == 0
    assert ends(stage) == []


@ON_SQLITE
async def test_it_ends_with_the_app(stage: Stage) -> None:
    await stage.say("/escalate")
    await stage.post("uninstall", {"clean": True})

    async def has_left() -> bool:
        return bool(stage.count("SELECT count(*) FROM portals WHERE left_at IS NOT NULL"))

    await stage.until(has_left)
    await time_passes(stage, 301)

    async def is_dropped() -> bool:
        return bool(stage.count("SELECT count(*) FROM inbox WHERE outcome = 'dropped'"))

    await stage.until(is_dropped)
    assert await called(stage) == [RESPONSIBLE]


@ON_POSTGRESQL
async def test_two_processes_call_the_next_one_once(stage: Stage) -> None:
    settings = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(settings):
        await stage.say("/escalate")
        await time_passes(stage, 301)
        await next_one(stage, BOSS)
        await time_passes(stage, 301)
        await ended(stage, "nobody")

    assert await called(stage) == [RESPONSIBLE, BOSS]
    assert len([one for one in await stage.told_privately() if one.startswith("⏭")]) == 1
    assert len([one for one in await stage.told_privately() if "Никто не ответил" in one]) == 1


@ON_SQLITE
async def test_the_journal_tells_by_which_command_somebody_was_called(stage: Stage) -> None:
    await stage.say("/escalate")
    await time_passes(stage, 301)
    await next_one(stage, BOSS)

    with stage.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT command, person_id FROM journal ORDER BY id")
        assert [tuple(row) for row in rows] == [("escalate", RESPONSIBLE), ("escalate", BOSS)]


@ON_SQLITE
async def test_however_much_is_said_the_chat_is_looked_at_seldom(stage: Stage) -> None:
    await stage.say("/escalate")

    for _ in range(5):
        await stage.say("/who")
        await stage.until(lambda: _is_looked_at(stage))

    assert len(await stage.calls("im.dialog.messages.get")) == 1
    await time_passes(stage, 11)
    await stage.until(lambda: _is_looked_at(stage, 2))
    await time_passes(stage, 290)
    await next_one(stage, BOSS)


async def _is_looked_at(stage: Stage, times: int = 1) -> bool:
    looks = await stage.calls("im.dialog.messages.get")
    return len(looks) >= times and not stage.waiting()
