"""Rows that another version has written, and this one cannot read: nobody else waits for them."""

import json

import pytest
from acting import press
from guests import time_passes
from sqlalchemy import insert, select, text, update
from stage import ANNA, BOSS, CHAT, ON_SQLITE, OTHER_CHAT, Stage
from terminal import ran

from bot.portals.settings import PortalSettings, read_stored
from bot.store.tables import escalations, inbox, journal, presses, stays

# Not JSON; of another type; a part is missing.
STRANGE = ["", "null", '{"chat_id": "x"}']


@ON_SQLITE
@pytest.mark.parametrize(
    ("column", "strange"), [("event", "{}"), *(("stay", one) for one in STRANGE)]
)
async def test_one_stay_that_cannot_be_read_keeps_no_guest(
    stage: Stage, caplog: pytest.LogCaptureFixture, column: str, strange: str
) -> None:
    await stage.say("/invite @15 --for 5m")
    await stage.say("/escalate id3", chat=OTHER_CHAT)
    _copy_stay(stage, **{column: strange})
    await _escalations_age(stage)

    await time_passes(stage, 301)

    await stage.until(lambda: _is_alone(stage))
    await stage.until(lambda: _has_advanced(stage))
    assert len([one for one in caplog.messages if "cannot be read" in one]) == 1
    caplog.clear()


@ON_SQLITE
@pytest.mark.parametrize("strange", STRANGE)
async def test_one_escalation_that_cannot_be_read_holds_up_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture, strange: str
) -> None:
    await stage.say("/escalate id3")
    row = _first(stage, escalations)
    values = {**row, "command_id": 99_999, "chain": strange, "due_at": 1.0}
    with stage.engine.begin() as connection:
        connection.execute(insert(escalations).values(values))
    await stage.until(lambda: _is_told(caplog))

    # Whatever asks for the escalations of the chat finds the other one.
    assert "↩️" in await stage.say("/undo")
    assert len([one for one in caplog.messages if "cannot be read" in one]) == 1
    caplog.clear()


@ON_SQLITE
@pytest.mark.parametrize(
    "strange", [{"event": "{}"}, {"event": "["}, {"replies": '[{"text": 1}]'}, {"replies": "{}"}]
)
async def test_a_command_that_cannot_be_read_is_left_out_and_its_chat_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, strange: dict[str, str]
) -> None:
    await stage.say("/help")
    row = _first(stage, inbox)
    again = {"id": 99_999, "identity": "another", "done_at": None, "outcome": None}
    with stage.engine.begin() as connection:
        connection.execute(insert(inbox).values({**row, **again, **strange}))

    assert "теперь в этом чате" in await stage.say(f"/invite id{ANNA}")
    await stage.until(lambda: _is_told(caplog))
    await stage.settled()

    seen = await ran(stage.settings, "replay", "--json")
    [case] = json.loads(seen.out)
    assert (case["state"], case["code"]) == ("unanswered", "Illegible"), case
    await ran(stage.settings, "replay", case["reference"], "--yes", "--wait", "5")
    assert "теперь в этом чате" in await stage.say(f"/invite id{BOSS}")
    caplog.clear()


@ON_SQLITE
async def test_a_button_that_cannot_be_read_has_expired(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.say(f"/invite id{ANNA}")
    with stage.engine.begin() as connection:
        connection.execute(update(presses).values(event='{"user": []}'))

    await press(stage, "Отменить", chat=CHAT)

    assert ANNA in await stage.members()
    caplog.clear()


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("", {}),
        ("{", {}),
        ("[]", {}),
        ("null", {}),
        ('{"duty": [1, 2], "by_chat": "sometimes"}', {"duty": (1, 2)}),
        ('{"duty": 5, "trail": true, "unheard_of": {"a": 1}}', {"trail": True}),
        ('{"hours": {"days": "all"}, "commands_off": ["who"]}', {"commands_off": ("who",)}),
    ],
)
def test_of_settings_those_hold_that_can_be_read(
    caplog: pytest.LogCaptureFixture, stored: str, read: dict[str, object]
) -> None:
    assert read_stored(stored) == PortalSettings(**read)  # type: ignore[arg-type]
    caplog.clear()


@ON_SQLITE
@pytest.mark.parametrize("strange", ["", "[", "[]", '{"CRM_ENTITY_TYPE": "x"}'])
async def test_an_entry_of_the_journal_that_cannot_be_read_is_shown_and_hides_no_other(
    stage: Stage, strange: str
) -> None:
    await stage.say(f"/invite id{ANNA}")
    row = _first(stage, journal)
    with stage.engine.begin() as connection:
        values = {"id": 99_999, "command_id": 0, "params": strange, "result": strange}
        connection.execute(insert(journal).values({**row, **values, "person_id": BOSS}))

    seen = await ran(stage.settings, "journal", "--json")

    assert [one["person"] for one in json.loads(seen.out)] == [BOSS, ANNA], seen
    assert "↩️" in await stage.say("/undo")
    assert ANNA not in await stage.members()


@ON_SQLITE
async def test_a_person_is_erased_from_what_cannot_be_read(stage: Stage) -> None:
    await stage.say(f"/invite id{ANNA} --for 5m")
    row = _first(stage, stays)
    for number, stay in ((98, f'{{"people": "{ANNA}"}}'), (99, '{"people": "1500"}')):
        _copy_stay(stage, number=number, stay=stay)

    member_id = row["member_id"]
    seen = await ran(
        stage.settings, "forget", "--portal", member_id, "--person", str(ANNA), "--yes", "--json"
    )

    assert seen.code == 0, seen
    with stage.engine.connect() as connection:
        assert connection.execute(select(stays.c.id)).scalars().all() == [99]


def _copy_stay(stage: Stage, number: int = 99, **strange: str) -> None:
    row = _first(stage, stays)
    values = {**row, "id": number, "command_id": 90_000 + number, **strange}
    with stage.engine.begin() as connection:
        connection.execute(insert(stays).values(values))


def _first(stage: Stage, table: object) -> dict[str, object]:
    with stage.engine.connect() as connection:
        row = connection.execute(select(table)).first()  # type: ignore[call-overload]
    assert row is not None
    return dict(row._mapping)


async def _escalations_age(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE escalations SET until = 1, due_at = 1"))


async def _has_advanced(stage: Stage) -> bool:
    return bool(stage.count("SELECT count(*) FROM inbox WHERE event LIKE '%advance%'"))


async def _is_alone(stage: Stage) -> bool:
    return ANNA not in await stage.members()


async def _is_told(caplog: pytest.LogCaptureFixture) -> bool:
    return any("cannot be read" in one for one in caplog.messages)
