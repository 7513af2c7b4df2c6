"""What is said to an escalation in one and the same moment: none of it is held up or doubled."""

from collections.abc import Awaitable, Callable

import pytest
from acting import press, press_at, said
from escalating import (
    PASS_ON,
    TAKE,
    card,
    ended,
    passed_on,
    time_passes,
    undo_is_held,
)
from stage import BOSS, CHAT, OLGA, ON_SQLITE, RESPONSIBLE, UNHURRIED, Stage

import bot.app

pytestmark = [ON_SQLITE, UNHURRIED]

LOOK = "im.dialog.messages.get"
SOON = 10.0


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bot look for what is due less often than the portal takes to answer."""
    monkeypatch.setattr(bot.app, "TICK", 3.0)


async def while_it_looks(stage: Stage, what: Callable[[], Awaitable[object]]) -> None:
    """Let something happen while the escalation, which is due, waits for the portal's answer."""
    await stage.faults(method=LOOK, delay=1.5)
    with stage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE escalations SET due_at = 0")

    async def is_under_way() -> bool:
        return bool(stage.count("SELECT count(*) FROM escalations WHERE due_at > 0"))

    await stage.until(is_under_way)
    await what()


async def pressed(stage: Stage, *presses: tuple[int, int]) -> None:
    """Let people press buttons of their cards, one right after the other."""
    numbers = [await card(stage, person) for person, _button in presses]
    for number, (person, button) in zip(numbers, presses, strict=True):
        await stage.post("presses", {"message_id": number, "button": button, "user_id": person})


@pytest.mark.usefixtures("seldom")
async def test_who_takes_it_while_it_is_looked_at_is_told_of_at_once(stage: Stage) -> None:
    await stage.say("/escalate")
    with stage.engine.begin() as connection:
        chain = (
            "UPDATE escalations SET chain = replace(chain, '\"looked\":false', '\"looked\":true')"
        )
        connection.exec_driver_sql(chain)

    await while_it_looks(stage, lambda: pressed(stage, (RESPONSIBLE, TAKE)))

    await ended(stage, "taken", patience=SOON)


@pytest.mark.usefixtures("seldom")
@pytest.mark.settings(retry_for=1.0, portal_bucket=10**6)
async def test_who_takes_it_while_the_next_cannot_be_called_is_told_of_at_once(
    stage: Stage,
) -> None:
    await stage.say("/escalate")
    full = {"status": 503, "code": "OVERLOAD_LIMIT", "description": "x"}
    await stage.faults(method="crm.item.get", error=full, times=None)
    await time_passes(stage, 301)

    await while_it_looks(stage, lambda: pressed(stage, (RESPONSIBLE, TAKE)))

    await ended(stage, "taken", patience=SOON)


@pytest.mark.parametrize("last", [TAKE, PASS_ON])
async def test_what_an_earlier_one_answers_does_not_hold_up_the_last_one_s_answer(
    stage: Stage, last: int
) -> None:
    await passed_on(stage)

    await pressed(stage, (BOSS, last), (RESPONSIBLE, PASS_ON))

    await ended(stage, "taken" if last == TAKE else "nobody", patience=SOON)


async def test_who_stops_it_while_the_last_ones_time_runs_out_hears_of_one_end(
    stage: Stage,
) -> None:
    await passed_on(stage)
    await time_passes(stage, 301)

    await while_it_looks(stage, lambda: press(stage, "Остановить"))

    await ended(stage, "stopped")
    told = await stage.told_privately()
    assert told[-1].startswith("🛑 Эскалация остановлена")
    assert not any("Никто не взял" in one for one in told)


async def test_who_stops_it_while_its_dialog_is_closed_hears_of_one_end(stage: Stage) -> None:
    await passed_on(stage)
    await stage.faults(chat={"id": CHAT, "status": 60})

    await while_it_looks(stage, lambda: press(stage, "Остановить"))

    await ended(stage, "stopped")
    told = [one for one in await stage.told_privately() if one.startswith(("🛑", "ℹ️"))]
    assert len(told) == 1
    await said(stage, "вызов отменён", BOSS)
    assert OLGA in await stage.members()


async def test_who_has_taken_what_was_undone_meanwhile_is_needed_by_nothing(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    await undo_is_held(stage)
    await press_at(stage, number, TAKE, RESPONSIBLE)
    await ended(stage, "undone")

    assert "Больше не в этом чате: [USER=21]" in await stage.say("/undo")
    assert RESPONSIBLE not in await stage.members()
