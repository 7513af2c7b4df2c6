"""Genuine events, whatever token they bring: carried out, at the cost that was promised."""

import pytest
from acting import press
from attacking import TYPED, Watch, forged, own, post, vault
from stage import ADD, ANNA, ANSWER, BOT, CHAT, DRIVER, IVAN, OLGA, ON_SQLITE, SEND, Stage


@ON_SQLITE
async def test_commands_do_not_wait_for_profile_where_it_is_spent(known: Stage) -> None:
    spent = {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 600}
    await known.faults(method="profile", error=spent, times=None)

    assert "теперь в этом чате" in await known.say(TYPED)
    assert "теперь в этом чате" in await known.say(f"/invite id{DRIVER}")


@ON_SQLITE
async def test_a_mention_with_its_requesters_token_costs_two_requests(known: Stage) -> None:
    watch = await Watch.over(known)

    assert "теперь в этом чате" in await known.say("/invite [USER=12]Иван Петров[/USER]")

    assert await watch.requests() == ["batch", ANSWER]
    [batched] = [call for call in await watch.calls() if call["method"] == "batch"]
    assert batched["user_id"] == OLGA


@ON_SQLITE
async def test_the_bots_token_costs_one_request_once(known: Stage) -> None:
    bots = known.bots_token()
    watch = await Watch.over(known)
    await post(known, {**forged(known, TYPED, user=OLGA), **bots})
    assert await _asked(watch) == ["profile", "batch"]
    again = await Watch.over(known)

    await post(known, {**forged(known, f"/invite id{DRIVER}", user=OLGA), **bots})

    assert await _asked(again) == ["batch"]
    assert {call["user_id"] for call in await known.calls(ADD)} == {OLGA}
    assert {IVAN, DRIVER} <= set(await known.members())


@ON_SQLITE
@pytest.mark.parametrize("kind", ["none", "foreign", "no_refresh", "no_user_id", "forged"])
async def test_genuine_events_are_carried_out_whatever_token_they_bring(
    known: Stage, kind: str
) -> None:
    await known.faults(events={"tokens": kind, "foreign_user_id": ANNA})

    assert "теперь в этом чате" in await known.say(TYPED)
    assert "теперь в этом чате" in await known.say(f"/invite id{DRIVER}")

    assert {call["user_id"] for call in await known.calls(ADD)} <= {OLGA, None}


@ON_SQLITE
async def test_a_genuine_event_with_a_strangers_token_under_its_name(known: Stage) -> None:
    """The portal itself mislabels: nothing is kept of it, and the next command is as ever."""
    before = vault(known)
    await known.faults(events={"tokens": "mislabelled", "foreign_user_id": ANNA})
    await known.type(TYPED)
    await known.settled()
    assert vault(known) == before

    await known.faults(events={"tokens": "none"})
    await known.say(f"/invite id{DRIVER}")

    assert DRIVER in await known.members()


@ON_SQLITE
async def test_a_first_token_that_cannot_be_renewed_serves_all_of_its_command(
    stage: Stage,
) -> None:
    await stage.faults(events={"tokens": "no_refresh", "bot_auth": "none"})

    assert "теперь в этом чате" in await stage.say("/invite @Роман")


@ON_SQLITE
async def test_a_genuine_bots_token_is_not_false_for_an_hour_after_a_hiccup(known: Stage) -> None:
    bots = known.bots_token()
    fault = {"status": 500, "code": "INTERNAL_SERVER_ERROR"}
    await known.faults(method="profile", error=fault, times=1)
    await post(known, {**forged(known, TYPED, user=OLGA), **bots})

    await post(known, {**forged(known, f"/invite id{DRIVER}", user=OLGA), **bots})

    assert DRIVER in await known.members()


@ON_SQLITE
async def test_the_bots_token_of_another_bot_proves_nothing(known: Stage) -> None:
    watch = await Watch.over(known)
    event = {**forged(known, TYPED, user=OLGA), **known.bots_token()}

    await post(known, {**event, "data[bot][id]": "457"})

    await watch.nothing_done(OLGA)


@ON_SQLITE
async def test_a_bots_token_that_has_expired_is_renewed_to_prove(known: Stage) -> None:
    bots = known.bots_token()
    await known.faults(tokens="expired", user_id=BOT)

    await post(known, {**forged(known, TYPED, user=OLGA), **bots})

    assert IVAN in await known.members()


@ON_SQLITE
async def test_a_requesters_token_that_has_expired_is_renewed_to_act(stage: Stage) -> None:
    tokens = own(stage, OLGA)
    await stage.faults(tokens="expired", user_id=OLGA)

    await post(stage, {**forged(stage, TYPED, user=OLGA), **tokens})

    assert IVAN in await stage.members()


async def _asked(watch: Watch) -> list[str]:
    """The requests but for the answer: the portal takes none to what it has not sent."""
    return [one for one in await watch.requests() if one not in (ANSWER, SEND)]


@ON_SQLITE
async def test_a_press_in_the_chat_still_works(known: Stage) -> None:
    await known.say(TYPED)

    await press(known, "Отменить", chat=CHAT)

    assert IVAN not in await known.members()
