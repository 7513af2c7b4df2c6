"""python -m bot forget: what is stored of a portal or a person is erased, and nothing else."""

import json
import re
import time
from typing import Any

import pytest
from sqlalchemy import insert, select
from stage import ANNA, BOT, IVAN, OLGA, ON_SQLITE, Stage
from terminal import Ran, ran

from bot.settings import Settings
from bot.store.database import engine_for
from bot.store.tables import inbox, marks, metadata, portal_settings, replays

# Of these there is nothing that tells a portal or a person: keys, states of a quarter of an hour,
# and sums of figures.
NOBODYS = {"job_migrations", "keys", "used_states", "figures"}
# Rows of a whole portal, in which nobody is named.
NO_PERSON = {"portals", "buckets", "pauses", "owners"}
ANOTHER = "f" * 32


async def used(stage: Stage) -> None:
    """Have Olga invite two colleagues for a while, Anna write to the bot, and both stand by."""
    await stage.say("/invite id12 --for 2h")
    await stage.say("/group 15 id12 id15")
    await stage.say("/escalate id3")
    await stage.whisper("/language en", user=ANNA)
    await stage.settled()
    with stage.engine.begin() as connection:
        row = connection.execute(select(inbox).where(inbox.c.requester_id == OLGA)).first()
        assert row is not None
        other = {**row._mapping, "id": None, "identity": "another", "member_id": ANOTHER}
        del other["id"]
        connection.execute(insert(inbox).values(other))
        settings = {"settings": json.dumps({"duty": [OLGA, ANNA]})}
        connection.execute(
            insert(portal_settings).values(member_id=row.member_id, **settings)
        )  # fmt: skip


async def test_a_portal_is_erased_from_every_table(stage: Stage) -> None:
    await used(stage)
    member_id = stage.portal.state.settings.member_id

    asked = await ran(stage.settings, "forget", "--portal", stage.portal.url, typed="n\n")
    there = rows_of(stage, member_id)
    gone = await ran(stage.settings, "forget", "--portal", stage.portal.url, typed="y\n")
    again = await ran(stage.settings, "forget", "--portal", member_id, "--yes")

    assert (asked.code, f"Erase all this of portal {member_id}, for good?" in asked.out) == (
        1,
        True,
    )
    assert there["portals"] == 1
    assert gone.code == 0, gone
    assert not rows_of(stage, member_id)
    assert count_of(gone, "entries of the journal") == there["journal"]
    assert "The app is still in the portal" in gone.out
    assert (again.code, "Nothing is stored of" in again.err) == (1, True)
    assert rows_of(stage, ANOTHER) == {"inbox": 1}


async def test_a_person_is_erased_and_the_others_stay(stage: Stage) -> None:
    await used(stage)
    member_id = stage.portal.state.settings.member_id
    names = (f'"requester_id": {OLGA}', f"[USER={OLGA}]", "Ольга")
    assert any(one in everything(stage, member_id) for one in names)
    arguments = ("forget", "--portal", member_id, "--person", str(OLGA), "--yes", "--json")

    seen = await ran(stage.settings, *arguments)

    assert seen.code == 0, seen
    erased = json.loads(seen.out)["erased"]
    assert {"inbox", "journal", "tokens", "stays", "portal_settings"} <= erased.keys()
    assert {"presses", "escalations"} <= erased.keys()
    left = everything(stage, member_id)
    assert not [one for one in names if one in left], left
    assert '"duty": [15]' in left.replace('\\"', '"').replace('duty":[', 'duty": [')
    assert f'"requester_id": {ANNA}' in left
    assert rows_of(stage, ANOTHER) == {"inbox": 1}


@ON_SQLITE
async def test_whom_others_have_named_is_erased_too(stage: Stage) -> None:
    await used(stage)
    member_id = stage.portal.state.settings.member_id

    seen = await ran(
        stage.settings, "forget", "--portal", member_id, "--person", str(IVAN), typed="y\n"
    )

    assert (seen.code, "If they use the bot again" in seen.out) == (0, True), seen
    left = everything(stage, member_id)
    assert f"[USER={IVAN}]" not in left
    assert f'"person_id": {IVAN}' not in left
    assert f"[{IVAN}, {ANNA}]" not in left
    assert "Иван" not in left


@ON_SQLITE
async def test_whoever_was_only_offered_is_erased_with_the_buttons(stage: Stage) -> None:
    await stage.say("/invite @Иван Петров")
    await stage.settled()
    member_id = stage.portal.state.settings.member_id
    with stage.engine.begin() as connection:
        values = {"member_id": member_id, "made_at": time.time()}
        names = [f"{member_id}/asked/{user}/5/2026-11-29" for user in (IVAN, ANNA)]
        connection.execute(insert(marks), [{"mark": one, **values} for one in names])
    assert "Иван Петров" in everything(stage, member_id)

    await ran(stage.settings, "forget", "--portal", member_id, "--person", str(IVAN), "--yes")

    left = everything(stage, member_id)
    assert "Иван Петров – Водитель" not in left
    assert (f"/asked/{IVAN}/" in left, f"/asked/{ANNA}/" in left) == (False, True)
    assert f'"id":{IVAN},' not in left, left


@ON_SQLITE
@pytest.mark.parametrize("person", [[], ["--person", "7"]])
async def test_a_wish_to_run_a_command_again_goes_with_the_command(
    settings: Settings, person: list[str]
) -> None:
    engine = engine_for(settings.database_url.get_secret_value())
    row = {"member_id": ANOTHER, "requester_id": 7, "lane": "lane", "message_id": 1, "line": 0,
           "event": "{}", "received_at": 1.0, "attempts": 0}  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(inbox).values(id=5, identity="command", **row))
        connection.execute(insert(replays), [{"command_id": n, "asked_at": 1.0} for n in (5, 6)])

    seen = await ran(settings, "forget", "--portal", ANOTHER, *person, "--yes", "--json")

    assert json.loads(seen.out)["erased"] == {"replays": 1, "inbox": 1}
    with engine.connect() as connection:
        assert connection.execute(select(replays.c.command_id)).scalars().all() == [6]
    engine.dispose()


@ON_SQLITE
async def test_what_cannot_be_meant_is_refused_and_the_installer_is_named(stage: Stage) -> None:
    member_id = stage.portal.state.settings.member_id
    of = ("forget", "--portal", member_id)

    bot = await ran(stage.settings, *of, "--person", str(BOT), "--yes")
    nobody = await ran(stage.settings, *of, "--person", "99999", "--yes")
    mute = await ran(stage.settings, *of, "--json")
    installer = await ran(stage.settings, *of, "--person", "1", "--yes")

    assert (bot.code, "is the bot itself" in bot.err) == (1, True)
    assert (nobody.code, "Nothing is stored of user 99999" in nobody.err) == (1, True)
    assert (mute.code, "say --yes as well" in mute.err) == (2, True)
    assert "still names them as the one who installed the bot" in installer.out


@ON_SQLITE
async def test_nothing_erased_is_left_in_the_file(stage: Stage) -> None:
    await stage.say("/group 15 id12 --reason Неповторимо")
    path = stage.settings.database_url.get_secret_value().removeprefix("sqlite:///")
    member_id = stage.portal.state.settings.member_id

    await ran(stage.settings, "forget", "--portal", member_id, "--person", str(OLGA), "--yes")

    stage.engine.dispose()
    for file in (path, f"{path}-wal"):
        with open(file, "rb") as stored:  # noqa: ASYNC230
            assert "Неповторимо".encode() not in stored.read(), file


def test_no_table_is_unknown_to_it() -> None:
    """Whoever adds a table says what is erased of it."""
    of_portals = {one.name for one in metadata.sorted_tables if "member_id" in one.columns}
    of_people = {"tokens", "unproven_tokens", "inbox", "journal", "presses", "stays",
                 "escalations", "preferences", "portal_settings", "marks"}  # fmt: skip

    assert {one.name for one in metadata.sorted_tables} == of_portals | NOBODYS | {"replays"}
    assert of_portals == of_people | NO_PERSON


def rows_of(stage: Stage, member_id: str) -> dict[str, int]:
    return {name: len(rows) for name, rows in _stored(stage, member_id).items()}


def everything(stage: Stage, member_id: str) -> str:
    """Give all that is stored of a portal, as text, but for the row of the portal itself."""
    stored = _stored(stage, member_id)
    del stored["portals"]
    return json.dumps(stored, default=str, ensure_ascii=False).replace("\\", "")


def _stored(stage: Stage, member_id: str) -> dict[str, list[Any]]:
    stored = {}
    with stage.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if "member_id" in table.columns:
                question = select(table).where(table.c.member_id == member_id)
                rows = [dict(row._mapping) for row in connection.execute(question)]
                if rows:
                    stored[table.name] = rows
    return stored


def count_of(seen: Ran, words: str) -> int:
    found = re.search(rf"^(\d+) +{words}$", seen.out.partition("Erased of")[2], re.MULTILINE)
    assert found, seen.out
    return int(found[1])
