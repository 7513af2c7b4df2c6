"""An escalation that is stopped: by its requester, by /undo, with its dialog, with the app."""

import asyncio

import pytest
from acting import DELETE, press_at, said
from connecting import connected, offered
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    TAKE,
    called,
    card,
    deciding,
    ended,
    ends,
    in_chat,
    next_one,
    passed_on,
    passes_on,
    speaking,
    stop_button,
    takes,
    time_passes,
    undo_is_held,
)
from installing import departed
from stage import BOSS, CHAT, OLGA, ON_SQLITE, RESPONSIBLE, UNHURRIED, Stage


@LANGUAGES_AND_DATABASES
async def test_its_requester_stops_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")
    number, button = await stop_button(stage)

    await press_at(stage, number, button, RESPONSIBLE)
    assert "[USER=7]" in (await stage.told_privately(RESPONSIBLE))[-1]
    assert ends(stage) == [None]
    await press_at(stage, number, button, OLGA)
    await ended(stage, "stopped")

    assert words["stopped"] in "\n".join(await stage.told_privately())
    assert words["off"] in (await stage.told_privately(RESPONSIBLE))[-1]
    await time_passes(stage, 3600)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    assert RESPONSIBLE in await stage.members()


@UNHURRIED
@LANGUAGES_AND_DATABASES
async def test_undo_stops_it_and_takes_out_whoever_has_come(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await passed_on(stage)

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


@ON_SQLITE
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
async def test_it_waits_while_the_app_is_away(stage: Stage) -> None:
    await stage.say("/escalate")
    await stage.post("uninstall", {"clean": True})
    await departed(stage)
    await time_passes(stage, 301)

    assert await stage.install() == 200

    async def is_told() -> bool:
        # By another bot: the one before has gone with the app.
        told = (await stage.get(f"dialogs/{OLGA}"))["messages"]
        return any(one["text"].startswith("🔑 Ваша эскалация ждёт") for one in told)

    await stage.until(is_told)
    assert await called(stage) == [RESPONSIBLE]


@ON_SQLITE
@pytest.mark.parametrize("not_needed", ["stay", "leave"])
async def test_who_has_stopped_it_is_told_of_undo_where_somebody_stays(
    empty_stage: Stage, not_needed: str
) -> None:
    stage = empty_stage
    await deciding(stage, not_needed=not_needed)
    await stage.say("/escalate")

    await press_at(stage, *await stop_button(stage), OLGA)

    told = await said(stage, "🛑 Эскалация остановлена")
    assert ("Убрать тех, кто уже в чате: [b]/undo[/b]" in told) == (not_needed == "stay")
    assert told.endswith((".", "[b]/undo[/b]"))


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
        await takes(stage, BOSS)
    elif how == "nobody":
        await passes_on(stage, RESPONSIBLE)
    else:
        await press_at(stage, *await stop_button(stage), OLGA)
    await ended(stage, how)
    assert RESPONSIBLE not in await stage.members()

    reply = await stage.say("/undo")

    assert reply.startswith("↩️ Отменено. Больше не в этом чате: ")
    assert "[USER=21]Роман Соколов[/USER]" in reply
    assert not {RESPONSIBLE, BOSS} & {*await stage.members()}


@ON_SQLITE
async def test_who_takes_it_while_it_is_undone_hears_that_they_are_not_needed(
    stage: Stage,
) -> None:
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    await undo_is_held(stage)
    # Meanwhile the answer is noted.
    await stage.post("presses", {"message_id": number, "button": TAKE, "user_id": RESPONSIBLE})
    await ended(stage, "undone")

    assert RESPONSIBLE not in await stage.members()
    assert (await stage.told_privately(RESPONSIBLE))[-1].endswith(
        "вызов отменён. Ваша помощь больше не нужна, в чате вас уже нет."
    )


@ON_SQLITE
@LANGUAGES
@pytest.mark.parametrize("is_given", [True, False])
async def test_an_undo_that_waits_for_a_permission_is_told_to_whoever_was_called(
    empty_stage: Stage, language: str, is_given: bool
) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await passed_on(stage)
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.faults(events={"tokens": "none", "language": language})

    assert (await stage.say("/undo")).startswith("🔑")

    assert ends(stage) == ["undone"]
    assert {RESPONSIBLE, BOSS} <= {*await stage.members()}
    for person in (RESPONSIBLE, BOSS):
        told = (await stage.told_privately(person))[-1]
        assert told.endswith(f"{words['off']}.")
    if is_given:
        assert (await connected(stage, await offered(stage)))[0] == 200
        await stage.settled()
        assert not {RESPONSIBLE, BOSS} & {*await stage.members()}
        assert (await stage.told_privately(BOSS))[-1].startswith(told.removesuffix("."))
        assert (await stage.told_privately(BOSS))[-1] != told


@ON_SQLITE
async def test_it_is_taken_stopped_and_undone_at_once(stage: Stage) -> None:
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    message, button = await stop_button(stage)
    await asyncio.gather(
        press_at(stage, number, TAKE, RESPONSIBLE),
        press_at(stage, message, button, OLGA),
        stage.type("/undo"),
        time_passes(stage, 301),
    )

    async def over() -> bool:
        return ends(stage) != [None] and not stage.waiting()

    await stage.until(over)
    await stage.settled()
    assert await called(stage) in ([RESPONSIBLE], [RESPONSIBLE, BOSS])
    assert len(ends(stage)) == 1
    await in_chat(stage)


@ON_SQLITE
async def test_where_nobody_can_be_taken_out_undo_says_that_it_is_stopped_and_can_be_repeated(
    stage: Stage,
) -> None:
    await stage.say("/escalate")
    refused = {"status": 400, "code": "CHAT_DELETE_USER_PERMISSION_DENIED", "description": "no"}
    await stage.faults(method=DELETE, error=refused)

    reply = await stage.say("/undo")

    assert "🛑 Эскалация остановлена" in reply
    assert "Вам нельзя убирать людей" in reply
    assert ends(stage) == ["undone"]
    assert "Больше не в этом чате: [USER=21]" in await stage.say("/undo")
    assert RESPONSIBLE not in await stage.members()
    assert (await stage.say("/undo")).startswith("Отменять нечего")
