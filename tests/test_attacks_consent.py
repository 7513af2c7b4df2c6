"""An unproven command: its requester alone consents to it, and has seen what it is."""

import re

import pytest
from app_page import opened, words_of
from attacking import (
    TYPED,
    change,
    consent_of,
    consented,
    forged,
    payload,
    post,
    pressed,
    put,
    rows,
    vault,
)
from connecting import connected, offered
from stage import ADD, ANNA, BOSS, DRIVER, IVAN, OLGA, ON_SQLITE, OTHER_CHAT, Stage


@ON_SQLITE
async def test_what_is_asked_in_the_boss_name_is_not_run_when_he_connects(stage: Stage) -> None:
    """The victim has no pair yet: nothing is set aside on a stranger's word."""
    await post(stage, forged(stage, TYPED, user=BOSS))
    assert rows(stage, "SELECT 1 FROM inbox WHERE parked_until IS NOT NULL") == []

    await opened(stage, BOSS)
    await stage.settled()

    assert not await stage.calls(ADD)
    assert IVAN not in await stage.members()


async def test_an_unproven_command_is_run_on_its_persons_own_word_once(known: Stage) -> None:
    await post(known, forged(known, TYPED, user=OLGA))
    assert IVAN not in await known.members()
    _, page = await connected(known, await offered(known))
    assert "/invite id12" in page
    assert not await known.calls(ADD)

    statuses = [await consented(known, consent_of(page)) for _ in range(3)]
    await known.settled()

    assert statuses == [200, 400, 400]
    assert [call["user_id"] for call in await known.calls(ADD)] == [OLGA]


@ON_SQLITE
async def test_after_a_day_nobody_is_asked_any_more(known: Stage) -> None:
    await post(known, forged(known, TYPED, user=OLGA))
    change(known, "UPDATE inbox SET received_at = received_at - 86401")

    _, page = await connected(known, await offered(known))

    assert consent_of(page) == ""


@ON_SQLITE
async def test_nobody_consents_in_anothers_place(known: Stage) -> None:
    """Anna has the link that was for Olga, and signs in as herself."""
    await post(known, forged(known, TYPED, user=OLGA))
    before = vault(known)

    status, page = await connected(known, await offered(known), visitor=ANNA)

    assert (status, consent_of(page)) == (403, "")
    assert vault(known) == before
    assert not await known.calls(ADD)


@ON_SQLITE
async def test_the_consent_to_one_command_runs_no_other(known: Stage) -> None:
    await post(known, forged(known, TYPED, user=OLGA))
    first = await offered(known)
    await post(known, forged(known, f"/invite id{DRIVER}", user=OLGA))
    _, page = await connected(known, first)

    assert await consented(known, consent_of(page)) == 200
    await known.settled()

    assert DRIVER not in await known.members()


SHOWN = [
    # What a mention looks like is up to who has written it.
    ("/remove [USER=15]Иван Петров[/USER]", "(id15)"),
    # Beyond what a page shows at first sight.
    (f"/invite [USER=12]{'и' * 250}[/USER], id41", ", id41"),
    (f"/invite id12 -- {'а' * 190} и ещё", "и ещё"),
    # What turns the direction of writing would show it as id12.
    ("/invite id\u202e21", "/invite id21"),
    ("/invite \u2067id21\u2069", "/invite id21"),
]


@ON_SQLITE
@pytest.mark.parametrize(("words", "shown"), SHOWN)
async def test_whoever_consents_has_seen_the_whole_of_it(
    known: Stage, words: str, shown: str
) -> None:
    await post(known, forged(known, words, user=OLGA))

    _, page = await connected(known, await offered(known))

    assert consent_of(page)
    assert shown in words_of(page)


@ON_SQLITE
async def test_whoever_consents_has_seen_in_which_chat(known: Stage) -> None:
    await post(known, forged(known, TYPED, user=OLGA, data__chat__dialogId=f"chat{OTHER_CHAT}",
                             data__chat__id=str(OTHER_CHAT)))  # fmt: skip

    _, page = await connected(known, await offered(known))

    assert consent_of(page)
    assert str(OTHER_CHAT) in words_of(page)


@ON_SQLITE
async def test_whoever_consents_to_a_press_has_seen_what_it_does(known: Stage) -> None:
    await known.say(TYPED)
    await post(known, pressed(known, payload(known, "Отменить"), user=OLGA))

    _, page = await connected(known, await offered(known))

    assert consent_of(page)
    assert "/undo" in words_of(page)


@ON_SQLITE
async def test_no_markup_of_annas_is_rendered_where_consent_is_asked(known: Stage) -> None:
    evil = "/invite id12 -- [url=http://evil.example]x[/url] <b>y</b> [send=/remove id7]z[/send]"

    await post(known, forged(known, evil, user=OLGA))

    told = (await known.told_privately(OLGA))[-1]
    assert "[url" not in told.lower()
    assert "[send" not in told.lower()


async def test_a_word_of_consent_is_not_found_by_guessing(known: Stage) -> None:
    await post(known, forged(known, TYPED, user=OLGA))

    for made_up in ("", "x", "é", "\u202e", "gAAAA" + "A" * 100, "ключ"):
        assert await consented(known, made_up) == 400

    assert not await known.calls(ADD)


@ON_SQLITE
async def test_anna_does_not_use_up_the_asking(known: Stage) -> None:
    """Olga's own command brings no proof either: she hears of it, or finds it where she is asked.

    What nobody is told of is lost.
    """
    await post(known, forged(known, TYPED, user=OLGA))
    await post(known, forged(known, f"/invite id{DRIVER}", user=OLGA))

    _, page = await connected(known, await offered(known))

    told = "\n".join(await known.told_privately(OLGA))
    assert f"id{DRIVER}" in told or f"id{DRIVER}" in words_of(page)


@ON_SQLITE
@pytest.mark.parametrize("count", [1, 2])
async def test_who_runs_one_command_keeps_the_page_that_asks_about_the_others(
    known: Stage, count: int
) -> None:
    await post(known, forged(known, TYPED, user=OLGA))
    for _ in range(count - 1):
        await post(known, forged(known, f"/invite id{DRIVER}", user=OLGA))
    _, page = await connected(known, await offered(known))
    forms = re.findall(r"<form [^>]*>", page)
    consents = re.findall(r'name="consent" value="([^"]+)"', page)

    assert len(forms) == len(consents) == count
    assert ['target="_blank"' in one for one in forms] == [count > 1] * count
    assert [await consented(known, one) for one in consents] == [200] * count
    await known.settled()
    assert {IVAN, DRIVER} & set(await known.members()) == {IVAN, DRIVER if count > 1 else IVAN}


@ON_SQLITE
async def test_what_others_invent_does_not_push_a_persons_own_command_away(known: Stage) -> None:
    """A dozen more in Olga's name, before she follows the link under her own."""
    await post(known, forged(known, TYPED, user=OLGA))
    link = await offered(known)
    for number in range(12):
        there = {"data__chat__dialogId": f"chat{number + 1}"}
        await put(known, forged(known, f"/invite id{DRIVER}", user=OLGA, **there))
    await known.settled()

    _, page = await connected(known, link)

    assert "/invite id12" in page
    assert await consented(known, consent_of(page)) == 200
    await known.settled()
    assert IVAN in await known.members()
