"""An escalation that is passed on: the next one is called, until nobody is left."""

from acting import press, said
from escalating import (
    LANGUAGES,
    LANGUAGES_AND_DATABASES,
    called,
    deciding,
    ended,
    ends,
    in_chat,
    next_one,
    passed_on,
    passes_on,
    speaking,
    takes,
    time_passes,
)
from stage import ADMIN, ANNA, BOSS, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, UNHURRIED, Stage


@LANGUAGES_AND_DATABASES
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


@ON_SQLITE
@LANGUAGES
async def test_who_cannot_is_followed_at_once(empty_stage: Stage, language: str) -> None:
    stage = empty_stage
    words = await speaking(stage, language)
    await stage.say("/escalate")

    await passes_on(stage, RESPONSIBLE)
    await next_one(stage, BOSS)

    assert (await said(stage, "⏭")).startswith(words["cannot"])
    assert await called(stage) == [RESPONSIBLE, BOSS]


@UNHURRIED
@LANGUAGES_AND_DATABASES
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
    assert not await stage.told_privately(ADMIN)
    # It is not too late to say so.
    await takes(stage, BOSS)
    assert "[USER=3]Борис Волков[/USER]" in (await stage.told_privately())[-1]
    assert ends(stage) == ["nobody"]


@ON_SQLITE
async def test_all_who_cannot_end_it_once(stage: Stage) -> None:
    await stage.say("/escalate")
    await passes_on(stage, RESPONSIBLE)
    await next_one(stage, BOSS)
    await passes_on(stage, BOSS)

    await ended(stage, "nobody")
    assert await called(stage) == [RESPONSIBLE, BOSS]
    told = [one for one in await stage.told_privately() if "Никто не взял вопрос" in one]
    assert len(told) == 1


@ON_SQLITE
async def test_an_administrator_hears_of_it_where_the_portal_wants_that(
    empty_stage: Stage,
) -> None:
    stage = empty_stage
    await deciding(stage, at_end="administrator", escalation=("responsible",))
    await stage.say("/escalate -- клиент уходит")

    await time_passes(stage, 301)

    told = await said(stage, "⚠️ Никто не взял вопрос за 5 минут", ADMIN)
    assert "[USER=7]Ольга Смирнова[/USER]" in told
    assert "Причина: клиент уходит" in told


@ON_SQLITE
async def test_who_cannot_be_added_is_skipped_and_told_of(stage: Stage) -> None:
    await stage.faults(user={"id": RESPONSIBLE, "crm": False})

    reply = await stage.say("/escalate")

    assert "[USER=3]Борис Волков[/USER] (руководитель) теперь в этом чате" in reply
    assert "Не получилось: [USER=21]Роман Соколов[/USER]" in reply
    assert await called(stage) == [RESPONSIBLE, BOSS]
    await time_passes(stage, 301)
    assert "Пропущено: [USER=21]Роман Соколов[/USER] — не удалось добавить." in await said(
        stage, "⚠️ Никто не взял вопрос"
    )
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
async def test_why_the_next_could_not_be_called_is_told_with_the_end(stage: Stage) -> None:
    await stage.say("/escalate @12 @15 -- срочно --wait 2m")
    await stage.faults(user={"id": OLGA, "crm": False})
    await time_passes(stage, 301)

    told = await said(stage, "⚠️ Никто не взял вопрос")
    assert "У вас нет доступа к элементу: сделка № 288" in told
    await ended(stage, "nobody")

    # What the button begins anew is the same escalation.
    await stage.faults(user={"id": OLGA, "crm": True})
    assert "Уже в чате" in await press(stage, "Повторить")
    assert ends(stage) == ["nobody", None]
    await time_passes(stage, 301)
    await next_one(stage, ANNA)
    assert "срочно" in await said(stage, "зовёт вас", ANNA)


@ON_SQLITE
async def test_who_has_said_that_they_cannot_does_not_take_it_by_saying_why(stage: Stage) -> None:
    await stage.say("/escalate")
    await passes_on(stage, RESPONSIBLE)
    await stage.type("Не смогу: я в дороге", user=RESPONSIBLE)
    await next_one(stage, BOSS)
    await time_passes(stage, 301)

    await ended(stage, "nobody")
    assert await called(stage) == [RESPONSIBLE, BOSS]


@ON_SQLITE
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


@ON_SQLITE
async def test_the_journal_tells_by_which_command_somebody_was_called(stage: Stage) -> None:
    await passed_on(stage)

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
