"""An employee posts commands in a colleague's name: nothing is done by that colleague's rights."""

import pytest
from attacking import TYPED, Watch, as_bots, forged, garbage, own, post, rows, vault
from stage import (
    ADMIN,
    ANNA,
    ANSWER,
    BOSS,
    BOT,
    CUSTOMER,
    DINA,
    IVAN,
    OLGA,
    ON_SQLITE,
    SEND,
    Stage,
)

TOKENS = {
    "none": lambda stage, victim: {},
    "annas": lambda stage, victim: own(stage),
    "garbage": lambda stage, victim: garbage(victim),
    "nobody's": lambda stage, victim: {"auth[access_token]": "x" * 70},
    "annas, nobody's": lambda stage, victim: own(stage) | {"auth[user_id]": ""},
}
BOTS = {
    "none": lambda stage: {},
    "garbage": lambda stage: as_bots(garbage(BOT)),
    "annas": lambda stage: as_bots(own(stage)),
}


@ON_SQLITE
@pytest.mark.parametrize("tokens", TOKENS)
async def test_anna_posts_a_command_in_the_boss_name(known: Stage, tokens: str) -> None:
    watch = await Watch.over(known)

    for bots in BOTS.values():
        brought = {**TOKENS[tokens](known, BOSS), **bots(known)}
        await post(known, {**forged(known, "/group 15 id15", user=BOSS), **brought})

        await watch.nothing_done(BOSS)
        told = await known.told_privately(BOSS)
        assert told
        assert told[-1].startswith("🔑 От вашего имени пришла команда /group.")
    assert [call["method"] for call in await watch.calls()].count(ANSWER) == 0


COMMANDS = [
    "/invite id12", "/invite @Иван", "/remove id7", "/escalate", "/group 15 id15", "/undo", "/who",
    "/check id12", "/why", "/language en", "/invite id12 --dry-run",
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("victim", [ADMIN, BOSS, OLGA])
async def test_anna_posts_whatever_command_in_whoevers_name(known: Stage, victim: int) -> None:
    watch = await Watch.over(known)

    for words in COMMANDS:
        await post(known, forged(known, words, user=victim, auth__user_id=str(victim)))
        await post(known, {**forged(known, words, user=victim), **garbage(victim)})

        await watch.nothing_done(victim)
    assert rows(known, "SELECT user_id FROM preferences WHERE language = 'en'") == []


@ON_SQLITE
@pytest.mark.parametrize("words", ["/group 15 id15", "/invite id12 -- срочно", "/invite @Роман"])
async def test_anna_calls_her_own_token_the_boss(known: Stage, words: str) -> None:
    watch, before = await Watch.over(known), vault(known)

    await post(known, {**forged(known, words, user=BOSS), **own(known, said=BOSS)})

    assert {call["user_id"] for call in await watch.calls()} <= {ANNA}
    assert vault(known) == before
    # Nobody is told anything: not the boss, not the chat, not who was brought in.
    assert not [call for call in await watch.calls() if call["method"] in (SEND, ANSWER)]
    assert {row[0] for row in rows(known, "SELECT requester_id FROM journal")} <= {ANNA}


SPENT = [
    {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 1},
    {"status": 500, "code": "INTERNAL_SERVER_ERROR"},
]


@ON_SQLITE
@pytest.mark.parametrize("error", SPENT)
async def test_anna_calls_her_own_token_the_boss_while_profile_is_spent(
    known: Stage, error: dict[str, object]
) -> None:
    """Whoever asks often enough makes the portal refuse that one method for minutes."""
    before = vault(known)
    await known.faults(method="profile", error=error, times=2)

    event = forged(known, "/invite id12 -- срочно", user=BOSS)
    await post(known, {**event, **own(known, said=BOSS)})

    assert vault(known) == before
    assert await known.told_privately(IVAN) == []
    assert await known.told_privately(BOSS) == []
    assert rows(known, "SELECT 1 FROM journal WHERE requester_id = :boss", boss=BOSS) == []


@ON_SQLITE
async def test_the_log_alarms_of_a_strangers_token(
    known: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await post(known, {**forged(known, TYPED, user=BOSS), **own(known, said=BOSS)})

    assert f"of user {BOSS} brought the token of user {ANNA}" in caplog.text
    assert any(one.levelname == "ERROR" for one in caplog.records)


INTERNAL = [
    ("delete_command", "{}"),
    ("hide", "{}"),
    ("start_session", "{}"),
    ("create_lead", "{}"),
    ("expire", '{"id":1,"until":1}'),
    ("remind", '{"id":1,"until":1}'),
    ("extend", '{"id":1,"until":1}'),
    ("advance", '{"id":1,"due":1}'),
    ("take", '{"id":1}'),
    ("pass_on", '{"id":1}'),
    ("stop", '{"id":1}'),
    ("on_it", '{"caller":{"id":3,"name":"x"}}'),
    ("ask_access", '{"person":{"id":12,"name":"денег"},"item":{"type":"deal","id":288},'
                   '"whom":{"id":3,"name":"x"}}'),
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("context", ["timer", "TIMER", "internal", "", "textarea", "keyboard"])
async def test_anna_posts_one_of_the_bots_own_acts(known: Stage, context: str) -> None:
    watch = await Watch.over(known)
    about = {"data__command__context": context}

    for act, params in INTERNAL:
        words = f"/{act} {params}"
        await post(known, forged(known, words, user=OLGA, **about))
        # With everything that proves her to be herself.
        await post(known, {**forged(known, words, user=ANNA, **about), **own(known)})

    await watch.nothing_done(OLGA)
    assert not [one for one in await known.told_privately(BOSS) if "денег" in one]


@ON_SQLITE
async def test_external_people_command_nothing(known: Stage) -> None:
    before = known.stored()

    for flag in ("extranet", "connector", "bot"):
        event = forged(known, TYPED, user=DINA, **{f"data__user__{flag}": "1"})
        await post(known, {**event, **own(known, DINA), **known.bots_token()})

        assert known.stored() == before, flag


@ON_SQLITE
@pytest.mark.parametrize("person", [DINA, CUSTOMER], ids=["extranet", "customer"])
async def test_external_people_command_nothing_by_an_event_of_their_own(
    known: Stage, person: int
) -> None:
    """They post it themselves, with their own token, and leave out what they are."""
    before = await known.members()

    for words in (TYPED, "/who", "/help", f"/remove id{OLGA}"):
        await post(known, {**forged(known, words, user=person), **own(known, person)})

    assert await known.members() == before
    assert not await known.told_privately(person)
    assert person not in [row[0] for row in vault(known)]
    # What their token is used for tells what they are; from then on nothing is.
    asked = [one for one in await known.calls() if one["user_id"] == person and not one["batch"]]
    assert len(asked) <= 1
