"""What an employee may try with a colleague's escalation: take it, stop it, carry it on.

Anna attacks: she knows the portal's application token and every number, and has her own tokens.
"""

import asyncio
import json
import time

import pytest
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
from escalating import (
    PASS_ON,
    TAKE,
    called,
    card,
    deciding,
    ended,
    ends,
    in_chat,
    next_one,
    passed_on,
    press,
    stop_button,
    time_passes,
)
from installing import departed
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    BOSS,
    CHAT,
    CUSTOMER,
    DINA,
    IVAN,
    OLGA,
    ON_SQLITE,
    RESPONSIBLE,
    Stage,
)
from tab_page import opened
from tab_page import pressed as pressed_on
from test_connect import connected, offered

pytestmark = ON_SQLITE

HOSTILE = (
    "[USER=599]x[/USER][USER=all]y[/USER] <b>z</b> [url=https://evil.test]w[/url] \u202e"
    "/invite @12\u2028{{ 7 * 7 }}"
)


def tokens(stage: Stage, victim: int) -> dict[str, dict[str, str]]:
    """What Anna can put into an event that names somebody else."""
    return {
        "none": {},
        "hers": own(stage),
        "hers, as the victim's": own(stage, said=victim),
        "hers, as the bot's": as_bots(own(stage)),
        "garbage": garbage(victim),
    }


def carried(stage: Stage, label: str, user: int) -> str:
    talk = stage.portal.state.private_chat(456, user)
    assert talk
    return next(
        str(one["COMMAND_PARAMS"])
        for message in reversed(talk.messages)
        for one in message.keyboard or []
        if one.get("TEXT") == label
    )


def unanswered(stage: Stage) -> bool:
    """Say whether nobody has taken, declined or stopped the one escalation."""
    [(stored,)] = rows(stage, "SELECT chain FROM escalations")
    chain = json.loads(stored)
    answers = [chain["taken"], chain["stopped"], *(one["declined"] for one in chain["callees"])]
    return not any(answers)


@pytest.mark.parametrize("what", ["Беру", "Не могу"])
async def test_nobody_presses_in_the_place_of_who_is_called(stage: Stage, what: str) -> None:
    await stage.say("/escalate")
    known = carried(stage, what, RESPONSIBLE)

    for brought in tokens(stage, RESPONSIBLE).values():
        await post(stage, {**pressed(stage, known, user=RESPONSIBLE), **brought})
        await post(stage, {**pressed(stage, known, user=ANNA), **brought})

    assert unanswered(stage)
    # It is still there for whom it was made.
    number = await card(stage, RESPONSIBLE)
    await press(stage, number, TAKE if what == "Беру" else PASS_ON, RESPONSIBLE)
    if what == "Беру":
        await ended(stage, "taken")
    else:
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
    stage.portal.state.chats[CHAT].members.append(ANNA)
    await stage.faults(user={"id": ANNA, "history": "any"})
    about = {"data__chat__entityType": kind}
    hers = forged(stage, "/escalate deal 288 @12", user=ANNA, **about)
    await post(stage, {**hers, **own(stage)})
    assert IVAN in await stage.members()

    await press(stage, await card(stage, IVAN), TAKE, IVAN)
    await ended(stage, "taken")

    await in_chat(stage)


@pytest.mark.parametrize("change", [{"active": False}, {"kind": "extranet"}])
async def test_a_requester_who_has_become_a_stranger_calls_nobody(
    stage: Stage, change: dict[str, object]
) -> None:
    await stage.say("/escalate")
    user = stage.portal.state.users[OLGA]
    for name, value in change.items():
        setattr(user, name, value)
    await time_passes(stage, 301)

    async def looked() -> bool:
        late = "SELECT count(*) FROM inbox WHERE event LIKE '%advance%' AND done_at IS NULL"
        some = "SELECT count(*) FROM inbox WHERE event LIKE '%advance%'"
        return bool(stage.count(some)) and not (stage.count(late) and stage.waiting())

    await stage.until(looked)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]


@pytest.mark.parametrize("who", [CUSTOMER, DINA])
@pytest.mark.parametrize("setting", ["never", "always"])
async def test_no_card_reaches_the_customer_or_a_stranger(
    empty_stage: Stage, who: int, setting: str
) -> None:
    stage = empty_stage
    await deciding(stage, by_chat=setting)
    stage.portal.state.chats[CHAT].members.append(DINA)

    await stage.say(f"/escalate id{who} -- тайна")

    assert not await stage.told_privately(who)
    assert ends(stage) == []
    await in_chat(stage)
    if who == DINA:
        assert "не сотрудник портала" in (await stage.heard())[-1]


async def test_duty_may_name_anybody(empty_stage: Stage) -> None:
    stage = empty_stage
    stage.portal.state.users[IVAN].active = False
    await deciding(
        stage, escalation=("duty",), duty=(IVAN, 987654, CUSTOMER, DINA, 456, OLGA, ANNA)
    )

    await stage.say("/escalate")

    assert not await stage.told_privately(CUSTOMER)
    assert not await stage.told_privately(DINA)
    assert ANNA in await stage.members()
    assert IVAN not in await stage.members()


async def test_hostile_words(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    stage.portal.state.crm["DEAL", 288].title = HOSTILE
    stage.portal.state.chats[CHAT].name = HOSTILE
    for who in (OLGA, RESPONSIBLE, BOSS):
        stage.portal.state.users[who].last_name = HOSTILE
    await stage.say(f"/escalate -- {HOSTILE} {'длинно ' * 20}")
    await press(stage, await card(stage, RESPONSIBLE), PASS_ON, RESPONSIBLE)
    await next_one(stage, BOSS)
    await press(stage, await card(stage, BOSS), TAKE, BOSS)
    await ended(stage, "taken")

    said = [
        *await in_chat(stage),
        *await stage.told_privately(),
        *await stage.told_privately(RESPONSIBLE),
        *await stage.told_privately(BOSS),
    ]
    comments = await stage.calls("crm.timeline.comment.add")
    trail = [one["params"]["fields"]["COMMENT"] for one in comments]
    assert trail
    for one in [*said, *trail]:
        assert "[USER=599]" not in one, one
        assert "[USER=all]" not in one, one
        assert "[url=" not in one.lower(), one
        assert "\u202e" not in one, one
        assert "\u2028" not in one, one
        assert "49" not in one
        assert not any(line.startswith("/") for line in one.splitlines()), one
        assert len(one) < 2000


async def test_from_the_tab_who_wrote_before_has_not_taken_it(stage: Stage) -> None:
    await stage.say("/invite id21")
    await stage.type("Добрый день", user=RESPONSIBLE)
    _, page = await opened(stage)

    await pressed_on(stage, page, escalate="1")
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert ends(stage) == [None]


async def test_two_chains_in_one_chat_keep_whom_the_other_needs(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, not_needed="leave")
    stage.portal.state.chats[CHAT].members.append(ANNA)
    await stage.faults(user={"id": ANNA, "history": "any"})
    await passed_on(stage)
    await stage.say("/escalate @21", user=ANNA)
    await press(stage, await card(stage, RESPONSIBLE), TAKE, RESPONSIBLE)

    async def taken() -> bool:
        return "taken" in ends(stage) and not stage.waiting()

    await stage.until(taken)
    await press(stage, await card(stage, BOSS), TAKE, BOSS)
    await stage.settled()

    async def both() -> bool:
        return ends(stage) == ["taken", "taken"] and not stage.waiting()

    await stage.until(both)
    await stage.settled()
    assert RESPONSIBLE in await stage.members()


async def test_impossible_times(stage: Stage) -> None:
    for wait in (
        "0", "99d", "-5", "1e9", "2", "--wait", "١٠м", "999999999999999999999d", "0м", "NaN"
    ):  # fmt: skip
        told = await stage.say(f"/escalate --wait {wait} --dry")
        assert told, wait
        assert "Что-то пошло не так" not in told, wait
        assert ends(stage) == [], wait


@pytest.mark.parametrize("wait", ["2м", "2 мин", "2m", "2мин"])
async def test_russian_units(stage: Stage, wait: str) -> None:
    told = await stage.say(f"/escalate --wait {wait} --dry")
    assert "ждать ответа каждого 2 минуты" in told


async def test_a_portal_that_is_down_for_long_loses_nothing(stage: Stage) -> None:
    await stage.say("/escalate")
    full = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "x"}
    await stage.faults(method="batch", error=full, times=3)
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


async def test_the_clock_jumps(stage: Stage) -> None:
    await stage.say("/escalate")
    await time_passes(stage, -7200)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]
    await time_passes(stage, 7200 + 3600)
    await next_one(stage, BOSS)
    assert await called(stage) == [RESPONSIBLE, BOSS]


async def test_another_portal_s_number(stage: Stage) -> None:
    """Numbers of escalations are the same for all portals: each finds its own alone."""
    await stage.say("/escalate")
    with stage.engine.begin() as connection:
        connection.execute(
            text("UPDATE escalations SET event = replace(event, :a, :b)"),
            {"a": stage.portal.state.settings.member_id, "b": "f" * 32},
        )
    await press(stage, await card(stage, RESPONSIBLE), TAKE, RESPONSIBLE)
    number, button = await stop_button(stage)
    await press(stage, number, button, OLGA)

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


@pytest.mark.parametrize("clean", [False, True])
async def test_who_installs_anew_does_not_carry_it_on(stage: Stage, clean: bool) -> None:
    """The pairs went with the app: its requester is asked again."""
    await stage.say("/escalate")
    await stage.post("uninstall", {"clean": clean})
    await departed(stage)
    assert await stage.install() == 200
    await time_passes(stage, 301)
    await time_passes(stage, 0)
    await asyncio.sleep(2.5)
    await stage.settled()

    assert await called(stage) == [RESPONSIBLE]


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_call_without_an_answer_is_neither_lost_nor_doubled(
    stage: Stage, drop: str
) -> None:
    await stage.say("/escalate")
    await stage.faults(method=ADD, drop=drop)
    await time_passes(stage, 301)

    await next_one(stage, BOSS)
    await stage.settled()

    assert (await called(stage)).count(BOSS) <= (2 if drop == "before" else 1)
    assert (await stage.members()).count(BOSS) == 1
    assert ends(stage) == [None]
    cards = [one for one in await stage.told_privately(BOSS) if "зовёт вас" in one]
    assert len(cards) == 1


async def test_all_who_cannot_end_it_once(stage: Stage) -> None:
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    await press(stage, number, PASS_ON, RESPONSIBLE)
    await next_one(stage, BOSS)
    await press(stage, await card(stage, BOSS), PASS_ON, BOSS)

    await ended(stage, "nobody")
    assert await called(stage) == [RESPONSIBLE, BOSS]
    told = [one for one in await stage.told_privately() if "Никто не взял вопрос" in one]
    assert len(told) == 1


async def test_it_is_taken_stopped_and_undone_at_once(stage: Stage) -> None:
    await stage.say("/escalate")
    number = await card(stage, RESPONSIBLE)
    message, button = await stop_button(stage)
    await asyncio.gather(
        press(stage, number, TAKE, RESPONSIBLE),
        press(stage, message, button, OLGA),
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
