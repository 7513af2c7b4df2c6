"""Whose token a command runs with."""

import pytest
from stage import ADD, ANNA, IVAN, OLGA, SEND, Stage

TYPED = "/invite id12"
ASKS = "🔑 Бот действует от вашего имени"


@pytest.mark.parametrize("tokens", ["none", "foreign"])
async def test_without_the_requesters_own_token_nothing_is_changed(
    stage: Stage, tokens: str
) -> None:
    await stage.faults(events={"tokens": tokens, "foreign_user_id": ANNA})

    reply = await stage.say(TYPED)

    assert reply.startswith(ASKS)
    assert reply in await stage.told_privately()
    assert not await stage.calls(ADD)
    assert IVAN not in await stage.members()


async def test_a_token_seen_before_is_used_when_an_event_brings_none(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})

    assert "теперь в этом чате" in await stage.say("/invite id15")
    assert {call["user_id"] for call in await stage.calls(ADD)} == {OLGA}


async def test_a_foreign_token_never_becomes_the_requesters(stage: Stage) -> None:
    await stage.faults(events={"tokens": "foreign", "foreign_user_id": ANNA})
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})

    assert (await stage.say("/invite id15")).startswith(ASKS)
    assert not await stage.calls(ADD)


async def test_a_token_without_an_owner_is_proven_by_profile(stage: Stage) -> None:
    await stage.faults(events={"tokens": "no_user_id"})

    assert "теперь в этом чате" in await stage.say(TYPED)
    [asked] = await stage.calls("profile")
    assert asked["user_id"] == OLGA
    await stage.say("/invite id15")
    assert len(await stage.calls("profile")) == 1


async def test_a_token_without_an_owner_that_is_anothers_is_not_used(stage: Stage) -> None:
    await stage.faults(
        events={"tokens": "foreign", "foreign_user_id": ANNA, "without": ["user_id"]}
    )

    reply = await stage.say(TYPED)

    assert reply.startswith(ASKS)
    assert not await stage.calls(ADD)


async def test_an_expired_token_is_renewed_and_the_operator_notices_nothing(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    before = len(await stage.get("refreshes"))

    assert await stage.say("/invite id15") == "✅ [USER=15][/USER] теперь в этом чате."
    assert len(await stage.get("refreshes")) == before + 1


async def test_a_token_that_cannot_be_renewed_is_forgotten(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="revoked", user_id=OLGA)

    assert (await stage.say("/invite id15")).startswith(ASKS)
    refused = len(await stage.get("refreshes"))
    assert (await stage.say("/invite id21")).startswith(ASKS)
    assert len(await stage.get("refreshes")) == refused
    assert len(await stage.calls(ADD)) <= 2


async def test_an_event_without_a_refresh_token_does_not_cost_the_one_we_have(
    stage: Stage,
) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "no_refresh"})
    await stage.say("/invite id15")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)

    assert "теперь в этом чате" in await stage.say("/invite id21")


async def test_the_bot_speaks_with_its_own_token_or_the_apps(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    await stage.say(TYPED)

    [sent] = await stage.calls(SEND)
    assert sent["auth"] in ("bot", "app")


async def test_no_token_is_stored_readable(stage: Stage, tmp_path) -> None:
    await stage.faults(events={"tokens": "no_user_id"})
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "normal"})
    await stage.say("/invite id15")

    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    issued = list(stage.portal.state.tokens._by_access) + list(
        stage.portal.state.tokens._by_refresh
    )
    assert len(issued) > 4
    for secret in [*issued, stage.portal.state.settings.application_token]:
        assert secret.encode() not in files
