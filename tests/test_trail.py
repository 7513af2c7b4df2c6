"""The comment that an escalation leaves in the CRM timeline, if the portal wants one."""

import re
from typing import Any

import pytest
from acting import press_at
from app_page import opened, posted, rows_of
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    decide,
    deciding,
    ended,
    in_chat,
    passed_on,
    speaking,
    stop_button,
    takes,
    time_passes,
)
from stage import ADMIN, BOSS, OLGA, ON_SQLITE, RESPONSIBLE, Stage
from test_shapes import IMPATIENT

import bot.commands.trail
from bot.commands.trail import COMMENT

# These bots have just installed: their share of the portal's pace would be spent.
pytestmark = pytest.mark.settings(portal_bucket=10_000)

LIST = "crm.timeline.comment.list"
FAILS: dict[str, Any] = {"error": {"status": 500, "code": "", "description": "Fatal error"}}
TAKEN = {
    "ru": "Эскалация в чате с клиентом. Кто просил: Ольга Смирнова. "
    "Кого позвали: Роман Соколов, Борис Волков.\n"
    "Причина: клиент [\u2060b]злится[\u2060/b] &\u2060#91;USER=12]x[\u2060/USER]\n"
    "Принята через 6 минут N: Борис Волков.",
    "en": "Escalation in the customer's chat. Asked by: Ольга Смирнова. "
    "Called: Роман Соколов, Борис Волков.\n"
    "Reason: клиент [\u2060b]злится[\u2060/b] &\u2060#91;USER=12]x[\u2060/USER]\n"
    "Taken after 6 min N: Борис Волков.",
}
NOBODY = {"ru": "Никто не взял вопрос за 5 минут N.", "en": "Nobody took it within 5 min N."}
STOPPED = {"ru": "Остановлена через N.", "en": "Stopped after N."}
REFUSED = {
    "ru": "🛠 Эскалация не оставила комментария в карточке (сделка № 288 «Поставка "
    "оборудования»): у сотрудника [USER=7]Ольга Смирнова[/USER] нет права изменять её.",
    "en": "🛠 An escalation left no comment in the card of deal 288 "
    '"Поставка оборудования": [USER=7]Ольга Смирнова[/USER] may not change it.',
}


async def comments(stage: Stage) -> list[dict[str, Any]]:
    return await stage.get("comments")


async def words(stage: Stage) -> str:
    """The one comment that there is; how many seconds it was besides the minutes varies."""
    [left] = await comments(stage)
    return re.sub(r"\d+ (?:секунд\w*|s\b)", "N", left["text"])


async def taken(stage: Stage) -> None:
    """Let the responsible take what was escalated last."""
    await takes(stage, RESPONSIBLE)

    async def is_over() -> bool:
        return not stage.count("SELECT count(*) FROM escalations WHERE ended_at IS NULL")

    await stage.until(is_over)
    await stage.settled()


@LANGUAGES_AND_DATABASES
async def test_the_comment_tells_who_was_called_by_whom_what_for_and_who_took_it(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    await speaking(stage, language, trail=True)
    await passed_on(stage, "/escalate -- клиент [b]злится[/b] &#91;USER=12]x[/USER]")
    await time_passes(stage, 90)

    await takes(stage, BOSS)
    await ended(stage, "taken")

    [left] = await comments(stage)
    assert (left["by"], left["entity_type"], left["entity_id"]) == (OLGA, "DEAL", 288)
    assert await words(stage) == TAKEN[language]
    [call] = await stage.calls(COMMENT)
    assert (call["auth"], call["user_id"]) == ("user", OLGA)
    # Who is mentioned in a comment is notified: those called have had a card already.
    assert not await stage.get("notifications")
    messages = (await stage.chat())["messages"]
    assert not [one for one in messages if one["to_customer"] and one["author_id"] != OLGA]


@LANGUAGES
@ON_SQLITE
async def test_the_comment_tells_that_nobody_took_it(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    await speaking(stage, language, trail=True, escalation=("responsible",))
    await stage.say("/escalate")
    await time_passes(stage, 310)
    await ended(stage, "nobody")

    assert (await words(stage)).endswith("Роман Соколов.\n" + NOBODY[language])


@LANGUAGES
@ON_SQLITE
async def test_the_comment_tells_that_it_was_stopped(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    await speaking(stage, language, trail=True)
    await stage.say("/escalate")
    await time_passes(stage, 30)
    await press_at(stage, *await stop_button(stage), OLGA)
    await ended(stage, "stopped")

    assert (await words(stage)).endswith("Роман Соколов.\n" + STOPPED[language])


@ON_SQLITE
async def test_what_was_undone_leaves_no_trail(empty_stage: Stage) -> None:
    await deciding(empty_stage, trail=True)
    await empty_stage.say("/escalate")

    await empty_stage.say("/undo")

    await ended(empty_stage, "undone")
    assert not await comments(empty_stage)


@ON_SQLITE
async def test_undo_after_the_end_leaves_no_second_one(empty_stage: Stage) -> None:
    await deciding(empty_stage, trail=True)
    await empty_stage.say("/escalate")
    await taken(empty_stage)

    await empty_stage.say("/undo")

    assert len(await comments(empty_stage)) == 1


@ON_SQLITE
async def test_it_is_off_unless_an_administrator_wants_it(stage: Stage) -> None:
    await stage.say("/escalate")
    await taken(stage)

    assert not await stage.calls(COMMENT, LIST)


async def test_it_is_left_once_where_its_answer_is_lost(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    await stage.say("/escalate")
    await stage.faults(method=COMMENT, drop="after")

    await taken(stage)

    assert len(await stage.calls(COMMENT)) == 1
    assert len(await stage.calls(LIST)) == 2
    assert len(await comments(stage)) == 1
    assert (await in_chat(stage))[-1].startswith("✅ Эскалация принята")


async def test_it_is_left_where_the_request_was_lost(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    # One like it, of another time, is not this one.
    await stage.say("/escalate")
    await taken(stage)
    [before] = stage.portal.state.journal.comments
    before["at"] = float(str(before["at"])) - 3600
    await stage.say("/remove id21 --yes")
    await stage.say("/escalate")
    await stage.faults(method=COMMENT, drop="before")

    await taken(stage)

    assert len(await comments(stage)) == 2


@ON_SQLITE
@LANGUAGES
async def test_a_missing_right_is_told_once_and_nothing_else_fails(
    empty_stage: Stage, language: str
) -> None:
    stage = empty_stage
    await speaking(stage, language, trail=True)
    await stage.faults(user={"id": OLGA, "crm_change": False})
    for _ in range(2):
        await stage.say("/escalate")
        await taken(stage)
        assert (await in_chat(stage))[-1].startswith("✅")
        await stage.say("/remove id21 --yes")

    assert len(await stage.calls(COMMENT)) == 2
    told = await stage.told_privately(ADMIN)
    assert [one for one in told if one.startswith(REFUSED[language])] == told
    assert len(told) == 1
    assert not [one for one in await stage.told_privately() if "🛠" in one]
    assert f"{COMMENT} · ACCESS_DENIED" in await stage.say("/why")


@ON_SQLITE
@pytest.mark.parametrize(
    ("code", "is_told"), [("insufficient_scope", True), ("OWNER_NOT_FOUND", False), ("", False)]
)
async def test_of_other_refusals_only_a_missing_right_is_told(
    empty_stage: Stage, code: str, is_told: bool
) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    error = {"status": 400, "code": code, "description": "?"}
    await stage.faults(method=COMMENT, error=error, times=None)
    await stage.say("/escalate")

    await taken(stage)

    assert (await in_chat(stage))[-1].startswith("✅ Эскалация принята")
    told = await stage.told_privately(ADMIN)
    assert ["не хватает права crm" in one for one in told] == ([True] if is_told else [])


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize(
    ("method", "shapes"),
    [(COMMENT, [{"result": None}, {"result": "abc"}, {"result": {}}, {"html": 502}, FAILS]),
     (LIST, [{"result": True}, {"result": [{"ID": [], "COMMENT": 5, "CREATED": {}}]}, FAILS])],
)  # fmt: skip
async def test_the_timeline_answered_in_any_shape_harms_nothing(
    empty_stage: Stage, method: str, shapes: list[dict[str, Any]]
) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    for shape in shapes:
        await stage.faults(method=method, times=None, **shape)
        await stage.say("/escalate")
        await taken(stage)
        await stage.faults(clear=True)
        assert (await in_chat(stage))[-1].startswith("✅ Эскалация принята"), shape
        await stage.say("/remove id21 --yes")


@ON_SQLITE
async def test_an_escalation_does_not_wait_long_for_its_trail(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = empty_stage
    monkeypatch.setattr(bot.commands.trail, "PATIENCE", 0.3)
    await deciding(stage, trail=True)
    error = {"status": 429, "code": "OPERATION_TIME_LIMIT", "description": "?"}
    await stage.faults(method=COMMENT, error=error, times=None)
    await stage.say("/escalate")

    await taken(stage)

    assert (await in_chat(stage))[-1].startswith("✅ Эскалация принята")
    assert not await comments(stage)


@ON_SQLITE
async def test_all_of_an_escalation_is_in_the_journal_under_its_command(
    empty_stage: Stage,
) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    await passed_on(stage)
    await takes(stage, BOSS)
    await ended(stage, "taken")
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", command="escalate")

    told = [row.split(" chat8773 ")[0].partition(" Ольга ")[2] for row in rows_of(page)]
    assert told == [
        "Смирнова 7 /escalate —",
        "Смирнова 7 /escalate Борис Волков 3",
        "Смирнова 7 /escalate Роман Соколов 21",
    ]


@ON_SQLITE
async def test_the_journal_holds_where_and_not_what(empty_stage: Stage) -> None:
    stage = empty_stage
    await decide(stage, trail=True)
    assert await stage.install() == 200
    await stage.say("/escalate -- секрет")
    await taken(stage)

    params = "SELECT params FROM journal WHERE method = 'crm.timeline.comment.add'"
    with stage.engine.connect() as connection:
        [row] = connection.exec_driver_sql(params).all()
    assert row[0] == '{"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288}'
