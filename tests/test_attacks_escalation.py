"""What an employee may try with a colleague's escalation: take it, stop it, carry it on.

Anna attacks: she knows the portal's application token and every number, and has her own tokens.
"""

import asyncio
import json
import time

import pytest
from acting import press_at
from app_page import words_of
from attacking import (
    as_bots,
    consent_of,
    consented,
    forged,
    garbage,
    own,
    payload,
    post,
    pressed,
    put,
    rows,
)
from connecting import connected, offered
from escalating import (
    called,
    ended,
    ends,
    in_chat,
    next_one,
    passes_on,
    stop_button,
    takes,
    time_passes,
    with_anna,
)
from sqlalchemy import text
from stage import ADD, ANNA, BOSS, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage

pytestmark = ON_SQLITE


def tokens(stage: Stage, victim: int) -> dict[str, dict[str, str]]:
    """What Anna can put into an event that names somebody else."""
    return {
        "none": {},
        "hers": own(stage),
        "hers, as the victim's": own(stage, said=victim),
        "hers, as the bot's": as_bots(own(stage)),
        "garbage": garbage(victim),
    }


def unanswered(stage: Stage) -> bool:
    """Say whether nobody has taken, declined or stopped the one escalation."""
    [(stored,)] = rows(stage, "SELECT chain FROM escalations")
    chain = json.loads(stored)
    answers = [chain["taken"], chain["stopped"], *(one["declined"] for one in chain["callees"])]
    return not any(answers)


@pytest.mark.parametrize("what", ["Беру", "Не могу"])
async def test_nobody_presses_in_the_place_of_who_is_called(stage: Stage, what: str) -> None:
    await stage.say("/escalate")
    known = payload(stage, what, RESPONSIBLE)

    for brought in tokens(stage, RESPONSIBLE).values():
        await post(stage, {**pressed(stage, known, user=RESPONSIBLE), **brought})
        await post(stage, {**pressed(stage, known, user=ANNA), **brought})

    assert unanswered(stage)
    # It is still there for whom it was made.
    if what == "Беру":
        await takes(stage, RESPONSIBLE)
        await ended(stage, "taken")
    else:
        await passes_on(stage, RESPONSIBLE)
        await next_one(stage, BOSS)


async def test_nobody_stops_it_in_its_requester_s_place(stage: Stage) -> None:
    await stage.say("/escalate")
    known = payload(stage, "Остановить")

    for brought in tokens(stage, OLGA).values():
        await post(stage, {**pressed(stage, known, user=OLGA), **brought})

    assert unanswered(stage)
    assert ends(stage) == [None]


@pytest.mark.parametrize("came", ["new", "present"])
async def test_nobody_undoes_it_in_its_requester_s_place(stage: Stage, came: str) -> None:
    if came == "present":
        await stage.say("/invite id21")
    await stage.say("/escalate")
    members = await stage.members()
    told = await stage.told_privately(RESPONSIBLE)

    for brought in tokens(stage, OLGA).values():
        await post(stage, {**forged(stage, "/undo", user=OLGA), **brought})

    assert ends(stage) == [None]
    assert await stage.members() == members
    assert await stage.told_privately(RESPONSIBLE) == told


async def test_what_is_forged_in_the_chat_takes_nothing(stage: Stage) -> None:
    await stage.say("/escalate")
    for name in ("ONIMBOTV2MESSAGEADD", "ONIMBOTV2COMMANDADD"):
        for brought in tokens(stage, RESPONSIBLE).values():
            about = {"event": name, "data__message__text": "Беру"}
            await post(stage, {**forged(stage, "/who", user=RESPONSIBLE, **about), **brought})
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert ends(stage) == [None]


async def test_no_chain_begins_or_goes_on_unproven(stage: Stage) -> None:
    """Olga's pair is in the vault: it acts for her own words alone."""
    await stage.say("/who")
    before = len(await stage.calls(ADD))

    for brought in tokens(stage, OLGA).values():
        await post(stage, {**forged(stage, "/escalate @15", user=OLGA), **brought})
        params = json.dumps({"id": 1, "due": 0.0})
        for context in ("timer", "internal", "textarea", "keyboard"):
            about = {"data__command__context": context, "data__command__params": params}
            await post(stage, {**forged(stage, "/advance", user=OLGA, **about), **brought})

    assert ends(stage) == []
    by = {call["user_id"] for call in (await stage.calls(ADD))[before:]}
    assert not by & {OLGA}


async def test_its_timer_is_nobody_s_to_ring(stage: Stage) -> None:
    await stage.say("/escalate")
    [(number, due)] = rows(stage, "SELECT command_id, due_at FROM escalations")
    params = json.dumps({"id": number, "due": due})

    for brought in tokens(stage, OLGA).values():
        for context in ("timer", "internal", "textarea", "keyboard"):
            about = {"data__command__context": context, "data__command__params": params}
            await post(stage, {**forged(stage, "/advance", user=OLGA, **about), **brought})

    assert ends(stage) == [None]
    assert await called(stage) == [RESPONSIBLE]


async def test_a_chain_goes_on_with_a_stored_pair_once_it_is_consented_to(stage: Stage) -> None:
    await stage.say("/who")
    await post(stage, forged(stage, "/escalate @12 @15 --wait 2m -- срочно", user=OLGA))
    _, page = await connected(stage, await offered(stage))
    assert "/escalate @12 @15 --wait 2m -- срочно" in words_of(page)
    assert ends(stage) == []

    assert await consented(stage, consent_of(page)) == 200
    await next_one(stage, IVAN)
    await time_passes(stage, 121)
    await next_one(stage, ANNA)

    assert await called(stage) == [IVAN, ANNA]


@pytest.mark.parametrize("kind", [None, "", "CHAT", "CRM"])
async def test_an_event_that_hides_what_chat_it_is_from_shows_the_customer_nothing(
    stage: Stage, kind: str | None
) -> None:
    await with_anna(stage)
    about = {"data__chat__entityType": kind}
    hers = forged(stage, "/escalate deal 288 @12", user=ANNA, **about)
    await post(stage, {**hers, **own(stage)})
    assert IVAN in await stage.members()

    await takes(stage, IVAN)
    await ended(stage, "taken")

    await in_chat(stage)


async def test_the_escalation_of_another_portal_is_not_touched(stage: Stage) -> None:
    """Numbers of escalations are the same for all portals: each finds its own alone."""
    await stage.say("/escalate")
    with stage.engine.begin() as connection:
        connection.execute(
            text("UPDATE escalations SET event = replace(event, :a, :b)"),
            {"a": stage.portal.state.settings.member_id, "b": "f" * 32},
        )
    await takes(stage, RESPONSIBLE)
    number, button = await stop_button(stage)
    await press_at(stage, number, button, OLGA)

    assert unanswered(stage)


async def test_forged_words_in_its_chat_do_not_drain_the_portal_s_pace(stage: Stage) -> None:
    await stage.say("/escalate --wait 3h")
    before = len(await stage.requests())
    fields = forged(stage, "Беру", user=RESPONSIBLE, event="ONIMBOTV2MESSAGEADD")

    end = time.monotonic() + 4
    while time.monotonic() < end:
        await put(stage, fields)
        await asyncio.sleep(0.1)
    await stage.settled()

    assert len(await stage.requests()) - before <= 2
