"""An employee tries to act with a colleague's rights: events that are not what they say."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from itertools import count

import psycopg
import pytest
from acting import press
from aiohttp import ClientSession
from app_page import opened
from attacking import (
    Watch,
    as_bots,
    change,
    forged,
    garbage,
    own,
    payload,
    post,
    pressed,
    put,
    rows,
    vault,
)
from postgres import Server
from stage import (
    ADD,
    ANNA,
    ANSWER,
    BOSS,
    BOT,
    CHAT,
    DINA,
    DRIVER,
    GROUP_CHAT,
    IVAN,
    OLGA,
    ON_SQLITE,
    SEND,
    Stage,
    bot_running,
    settings_for,
)

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import Portal

ADMIN = 1
CHAT_2 = 8774
TYPED = "/invite id12"


@pytest.fixture
async def known(stage: Stage) -> Stage:
    """A bot that keeps pairs of Olga and of the boss."""
    await stage.say("/who")
    await opened(stage, BOSS)
    await stage.settled()
    return stage


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
async def test_commands_do_not_wait_for_profile_where_it_is_spent(known: Stage) -> None:
    spent = {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 600}
    await known.faults(method="profile", error=spent, times=None)

    assert "теперь в этом чате" in await known.say(TYPED)
    assert "теперь в этом чате" in await known.say(f"/invite id{DRIVER}")


@ON_SQLITE
async def test_the_log_alarms_of_a_strangers_token(
    known: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await post(known, {**forged(known, TYPED, user=BOSS), **own(known, said=BOSS)})

    assert f"of user {BOSS} brought the token of user {ANNA}" in caplog.text
    assert any(one.levelname == "ERROR" for one in caplog.records)


@ON_SQLITE
async def test_what_is_asked_in_the_boss_name_is_not_run_when_he_connects(stage: Stage) -> None:
    """The victim has no pair yet: nothing is set aside on a stranger's word."""
    await post(stage, forged(stage, TYPED, user=BOSS))
    assert rows(stage, "SELECT 1 FROM inbox WHERE parked_until IS NOT NULL") == []

    await opened(stage, BOSS)
    await stage.settled()

    assert not await stage.calls(ADD)
    assert IVAN not in await stage.members()


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
async def test_a_context_that_no_portal_sends_is_no_event(known: Stage) -> None:
    before = known.stored()

    for context in ("timer", "menu2", "Textarea", "textarea ", "text\u0000area"):
        event = forged(known, TYPED, user=OLGA, data__command__context=context)
        await post(known, {**event, **own(known, OLGA), **known.bots_token()})

        assert known.stored() == before, context
    assert not await known.calls(ADD)


@ON_SQLITE
async def test_an_event_whose_author_is_not_its_user_does_nothing(known: Stage) -> None:
    watch, before = await Watch.over(known), known.stored()
    event = forged(known, TYPED, user=ANNA, data__message__authorId=str(OLGA))

    await post(known, {**event, **own(known), **known.bots_token()})

    assert known.stored() == before
    assert await watch.requests() == []


FIRST = {
    "another user": {"data[user][id]": str(ANNA), "data[message][authorId]": str(ANNA)},
    "another chat": {"data[chat][dialogId]": "chat9001", "data[chat][id]": "9001"},
    "a talk": {"data[chat][dialogId]": str(OLGA), "data[chat][entityType]": ""},
    "another text": {"data[message][text]": "hello"},
    "quoted": {"data[message][text]": f"{'-' * 54}\nAnna\n{TYPED}\n{'-' * 54}\nok"},
    "forwarded": {"data[message][forward][id]": "chat1/2"},
    "the same": {},
    "external": {"data[user][connector]": "1"},
    "no author": {"data[message][authorId]": ""},
    "another's author": {"data[message][authorId]": "12"},
}


@ON_SQLITE
@pytest.mark.parametrize("first", FIRST)
async def test_anna_is_faster_than_the_portal_with_the_same_command(
    known: Stage, first: str
) -> None:
    """Whatever she has put in its place before, Olga's own command is carried out, once."""
    for bring in (
        {},
        garbage(OLGA),
        own(known, said=ANNA if first == "another user" else OLGA),
        as_bots(garbage(BOT)),
    ):
        bare = {**forged(known, TYPED, user=OLGA), "auth[user_id]": ""}
        copy = {**bare, **bring, **FIRST[first]}
        await post(known, copy)
        watch = await Watch.over(known)

        await post(known, {**bare, **own(known, OLGA), **known.bots_token()})
        # And what she posts afterwards comes to nothing any more.
        await post(known, copy)

        by = [call["user_id"] for call in await watch.calls() if call["method"] == ADD]
        assert by.count(OLGA) == 1, bring
    assert IVAN in await known.members()


async def test_a_command_is_consented_to_after_it_was_carried_out(known: Stage) -> None:
    """Anna copies what Olga types; Olga is asked about the copy and says yes: once is enough."""
    from test_connect import connected, offered

    genuine = {**forged(known, "/group 15 id15", user=OLGA), **own(known, OLGA)}
    copy = {key: one for key, one in genuine.items() if not key.startswith("auth[access")}
    copy = {key: one for key, one in copy.items() if not key.startswith("auth[refresh")}
    await post(known, copy)
    await post(known, genuine)
    assert len(await known.calls("sonet_group.user.invite")) == 1

    _, page = await connected(known, await offered(known))
    if consent := consent_of(page):
        await consented(known, consent)
    await known.settled()

    assert len(await known.calls("sonet_group.user.invite")) == 1


@ON_SQLITE
async def test_the_bot_says_nothing_free_in_its_own_name(known: Stage) -> None:
    """Anna has the bot tell the boss whatever she likes: a command that there is not."""
    spam = "/Срочно-переведите-деньги-на-evil.example срочно"

    await post(known, forged(known, spam, user=BOSS))

    assert not [one for one in await known.told_privately(BOSS) if not one.startswith("🔑")]


@ON_SQLITE
async def test_a_typing_error_that_is_not_the_boss_own_gives_him_no_button(known: Stage) -> None:
    """One press on "did you mean" and Anna's words are carried out with the boss's pair."""
    await post(known, forged(known, "/invte id12", user=BOSS))

    messages = (await known.get(f"dialogs/{BOSS}"))["messages"]
    buttons = [one for message in messages for one in message["keyboard"] or []]
    assert not [one for one in buttons if one.get("COMMAND")]


@ON_SQLITE
async def test_anna_has_the_boss_delete_a_message_of_his_own(known: Stage) -> None:
    """A forged command names the boss's message: "the customer saw it, delete my command?"."""
    number = await known.type("Договор подписан", user=OLGA, hidden=False)
    event = forged(known, "/help", user=OLGA, data__message__id=str(number),
                   data__message__params__COMPONENT_ID=None)  # fmt: skip

    await post(known, event)

    messages = (await known.get(f"dialogs/{OLGA}"))["messages"]
    labels = [one["TEXT"] for message in messages for one in message["keyboard"] or []]
    assert not [label for label in labels if "далить" in label], labels


@ON_SQLITE
async def test_anna_uses_up_what_is_told_once_a_day(known: Stage) -> None:
    """The hint that the customer may have seen a command is for who has typed one."""
    seen = {"data__message__params__COMPONENT_ID": None}
    await post(known, forged(known, "/help", user=BOSS, **seen))
    await post(known, forged(known, TYPED, user=BOSS, **seen))

    await known.type(TYPED, hidden=False)
    await known.settled()

    messages = (await known.get(f"dialogs/{OLGA}"))["messages"]
    labels = [one["TEXT"] for message in messages for one in message["keyboard"] or []]
    assert [label for label in labels if "далить" in label]


@ON_SQLITE
async def test_anna_calls_herself_the_boss_to_those_she_brings_in(known: Stage) -> None:
    """Her own number and token, and another's name: the card must not bear it."""
    await known.faults(user={"id": ANNA, "history": "any"})
    event = forged(known, "/invite id12 -- срочно", user=ANNA,
                   data__user__name="Борис Волков")  # fmt: skip

    await post(known, {**event, **own(known)})

    [card] = await known.told_privately(IVAN)
    assert "зовёт вас" in card
    assert "Борис" not in card


@ON_SQLITE
async def test_anna_calls_herself_the_boss_when_she_answers_a_call(known: Stage) -> None:
    await known.say("/invite id15 -- срочно")
    messages = (await known.get(f"dialogs/{ANNA}"))["messages"]
    [button, *_] = [one for message in messages for one in message["keyboard"] or []]
    event = pressed(known, button["COMMAND_PARAMS"], user=ANNA, data__user__name="Борис Волков")
    before = len(await known.told_privately(OLGA))

    await post(known, {**event, **own(known)})

    told = (await known.told_privately(OLGA))[before:]
    assert len(told) == 1
    assert "Борис" not in told[0]


@ON_SQLITE
@pytest.mark.parametrize("errors_in_chat", [False, True])
async def test_anna_has_the_bot_speak_in_a_chat_that_she_is_not_in(
    known: Stage, errors_in_chat: bool
) -> None:
    if errors_in_chat:
        change(known, "INSERT INTO portal_settings (member_id, settings) VALUES (:id, :told)",
               id=known.portal.state.settings.member_id,
               told='{"errors_in_chat": true}')  # fmt: skip
    number = await known.type("/who", user=OLGA, chat=GROUP_CHAT)
    await known.settled()
    watch = await Watch.over(known)
    here = {
        "data__message__id": str(number),
        "data__chat__id": str(GROUP_CHAT),
        "data__chat__dialogId": f"chat{GROUP_CHAT}",
    }

    for words in ("/help", "/invite ?", "/денег", "/invite", "/invite всё пропало", TYPED):
        await post(known, forged(known, words, user=OLGA, **here))

    await watch.nothing_done(OLGA)
    assert not [call for call in await watch.calls() if call["method"] == ANSWER]


@ON_SQLITE
async def test_a_command_in_a_customers_name_reaches_no_customer(known: Stage) -> None:
    watch = await Watch.over(known)

    await post(known, forged(known, TYPED, user=599))
    await post(known, forged(known, "/help", user=599))

    assert not [c for c in await watch.calls() if c["params"].get("dialogId") == "599"]


@ON_SQLITE
async def test_external_people_command_nothing(known: Stage) -> None:
    before = known.stored()

    for flag in ("extranet", "connector", "bot"):
        event = forged(known, TYPED, user=DINA, **{f"data__user__{flag}": "1"})
        await post(known, {**event, **own(known, DINA), **known.bots_token()})

        assert known.stored() == before, flag


ODD = [
    {"member_id": "  "}, {"member_id": ["x"]}, {"member_id": None}, {"member_id": True},
    {"user_id": True}, {"user_id": 1e400}, {"user_id": 7.0}, {"user_id": "7\u200b"},
    {"user_id": 2**63}, {"user_id": -1}, {"user_id": {"0": 7}}, {"user_id": "٧"},
    {"access_token": True}, {"access_token": ["x"]}, {"access_token": {"a": 1}},
    {"application_token": True}, {"application_token": ["x"]}, {"refresh_token": 5},
]  # fmt: skip
ODD_BOTS = [
    True, [], [1], "x", {"auth": []}, {"auth": [1]}, {"auth": "x"}, {"auth": True},
    {"id": BOT, "auth": {"access_token": True}}, {"id": BOT, "AUTH": {"access_token": ["x"]}},
    {"id": 2**63, "auth": {"access_token": "x"}}, {"id": True, "auth": {"access_token": "x"}},
    {"id": "456 ", "access_token": "x"}, {"id": 456.0, "access_token": "x"},
]  # fmt: skip


@ON_SQLITE
async def test_json_of_odd_types_gives_nobody_rights(known: Stage) -> None:
    watch = await Watch.over(known)
    url = f"{known.settings.public_url}/bitrix24/events"
    events = [tree({**forged(known, "/group 15 id15", user=OLGA), **garbage(OLGA)}) for _ in ODD]
    for event, odd in zip(events, ODD, strict=True):
        event["auth"] |= odd
    for bots in ODD_BOTS:
        events.append(tree(forged(known, "/group 15 id15", user=OLGA)))
        events[-1]["data"]["bot"] = bots

    for event in events:
        async with known.session.post(url, json=event) as response:
            assert response.status in (200, 400, 403), event
    await known.settled(20)

    await watch.nothing_done(OLGA, ADMIN)


@ON_SQLITE
async def test_numbers_beyond_all_bounds(known: Stage) -> None:
    watch = await Watch.over(known)
    url = f"{known.settings.public_url}/bitrix24/events"

    for field in ("data[user][id]", "data[message][id]", "data[command][id]", "data[chat][id]",
                  "data[bot][id]", "auth[user_id]"):  # fmt: skip
        for number in ("0", str(2**63 - 1), str(2**63), "9" * 40, "-1", "1e3", "0x7"):
            fields = {**forged(known, "/group 15 id15", user=OLGA), field: number}
            async with known.session.post(url, data=fields) as response:
                assert response.status in (200, 400), (field, number)
    await known.settled(20)

    await watch.nothing_done(OLGA)


@ON_SQLITE
async def test_the_portals_number_is_taken_as_it_is(known: Stage) -> None:
    mine = known.portal.state.settings.member_id
    watch, before = await Watch.over(known), known.stored()

    for said in (mine.upper(), f" {mine}", f"{mine} ", f"{mine}/", f"{mine}\u0000", ""):
        elsewhere = {"auth__member_id": said, "auth__client_endpoint": "http://evil.example/rest/"}
        event = {**forged(known, TYPED, user=OLGA, **elsewhere), **own(known, OLGA)}
        await post(known, event, 403)

    assert known.stored() == before
    assert await watch.requests() == []


# What has always worked, at the cost that was promised.


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
    state = known.portal.state
    watch = await Watch.over(known)
    event = {**forged(known, TYPED, user=OLGA), **known.bots_token()}

    await post(known, {**event, "data[bot][id]": "457"})

    await watch.nothing_done(OLGA)
    assert state.bots


@ON_SQLITE
async def test_a_bots_token_that_has_expired_is_renewed_to_prove(known: Stage) -> None:
    bots = known.bots_token()
    await known.faults(tokens="expired", user_id=BOT)

    await post(known, {**forged(known, TYPED, user=OLGA), **bots})

    assert IVAN in await known.members()


async def test_an_unproven_command_is_run_on_its_persons_own_word_once(known: Stage) -> None:
    from test_connect import connected, offered

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
async def test_nobody_consents_in_anothers_place(known: Stage) -> None:
    """Anna has the link that was for Olga, and signs in as herself."""
    from test_connect import connected, offered

    await post(known, forged(known, TYPED, user=OLGA))
    before = vault(known)

    status, page = await connected(known, await offered(known), visitor=ANNA)

    assert (status, consent_of(page)) == (403, "")
    assert vault(known) == before
    assert not await known.calls(ADD)


@ON_SQLITE
async def test_the_consent_to_one_command_runs_no_other(known: Stage) -> None:
    from test_connect import connected, offered

    await post(known, forged(known, TYPED, user=OLGA))
    first = await offered(known)
    await post(known, forged(known, f"/invite id{DRIVER}", user=OLGA))
    _, page = await connected(known, first)

    assert await consented(known, consent_of(page)) == 200
    await known.settled()

    assert DRIVER not in await known.members()


SHOWN = [
    # What a mention looks like is up to who has written it.
    ("/remove [USER=15]Иван Петров[/USER]", "15"),
    # Beyond what a page shows at first sight.
    (f"/invite [USER=12]{'и' * 250}[/USER], id41", "41"),
    (f"/invite id12 -- {'а' * 190} и ещё", "и ещё"),
]


@ON_SQLITE
@pytest.mark.parametrize(("words", "shown"), SHOWN)
async def test_whoever_consents_has_seen_the_whole_of_it(
    known: Stage, words: str, shown: str
) -> None:
    from test_connect import connected, offered

    await post(known, forged(known, words, user=OLGA))

    _, page = await connected(known, await offered(known))

    assert not consent_of(page) or shown in words_shown(page)


@ON_SQLITE
async def test_whoever_consents_has_seen_in_which_chat(known: Stage) -> None:
    from test_connect import connected, offered

    await post(known, forged(known, TYPED, user=OLGA, data__chat__dialogId=f"chat{CHAT_2}",
                             data__chat__id=str(CHAT_2)))  # fmt: skip

    _, page = await connected(known, await offered(known))

    assert not consent_of(page) or str(CHAT_2) in words_shown(page)


@ON_SQLITE
async def test_whoever_consents_to_a_press_has_seen_what_it_does(known: Stage) -> None:
    from test_connect import connected, offered

    await known.say(TYPED)
    await post(known, pressed(known, payload(known, "Отменить"), user=OLGA))

    _, page = await connected(known, await offered(known))

    assert not consent_of(page) or "/undo" in words_shown(page) or "тмен" in words_shown(page)


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


async def _asked(watch: Watch) -> list[str]:
    """The requests but for the answer: the portal takes none to what it has not sent."""
    return [one for one in await watch.requests() if one not in (ANSWER, SEND)]


def tree(fields: dict[str, str]) -> dict:
    whole: dict = {}
    for key, value in fields.items():
        *path, last = key.replace("]", "").split("[")
        node = whole
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return whole


def consent_of(page: str) -> str:
    """What the page's form would send; empty where it asks nothing."""
    return page.partition('name="consent" value="')[2].partition('"')[0]


def words_shown(page: str) -> str:
    from app_page import words_of

    return words_of(page)


async def consented(stage: Stage, consent: str) -> int:
    url = f"{stage.settings.public_url}/bitrix24/connect"
    async with stage.session.post(url, data={"consent": consent}) as response:
        return response.status


async def test_a_press_in_the_chat_still_works(known: Stage) -> None:
    await known.say(TYPED)

    await press(known, "Отменить", chat=CHAT)

    assert IVAN not in await known.members()


@pytest.fixture
async def elsewhere(portal: Portal, postgres: Server) -> AsyncIterator[Stage]:
    """A bot on a PostgreSQL that sorts as dictionaries do, as hosted ones mostly do."""
    name = f"sorted_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0"
            " LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
        )
    url = postgres.url.removesuffix("postgres") + name
    engine = engine_for(url)
    migrate(engine)
    engine.dispose()
    settings = settings_for(portal, url)
    async with ClientSession() as session, bot_running(settings):
        stage = Stage(portal, settings, session)
        assert await stage.install() == 200
        yield stage
        stage.engine.dispose()


async def test_two_deliveries_of_a_command_are_one_where_letters_sort_otherwise(
    elsewhere: Stage,
) -> None:
    """The portal makes new tokens for every delivery, so that no two are alike."""
    event = forged(elsewhere, "/group 15 id15", user=OLGA)
    for _ in range(3):
        fields = {**event, **own(elsewhere, OLGA), **elsewhere.bots_token()}
        await post(elsewhere, fields)

    assert len(await elsewhere.calls("sonet_group.user.invite")) == 1


async def test_two_deliveries_of_a_command_are_one(known: Stage) -> None:
    event = forged(known, "/group 15 id15", user=OLGA)
    for _ in range(3):
        await post(known, {**event, **own(known, OLGA), **known.bots_token()})
        await post(known, {**event, **own(known, OLGA)})
        await post(known, {**event, **known.bots_token()})
        await post(known, event)

    assert len(await known.calls("sonet_group.user.invite")) == 1


@ON_SQLITE
async def test_forged_commands_do_not_keep_the_operators_waiting(known: Stage) -> None:
    """Sixty of them, each with tokens that the portal has to be asked about."""
    for number in range(60):
        fields = forged(known, TYPED, user=BOSS, data__chat__dialogId=f"chat{number + 1}")
        await put(known, {**fields, **garbage(BOSS), **as_bots(garbage(BOT)),
                          "data[bot][auth][access_token]": f"{number}" * 40})  # fmt: skip
    before = len(await known.requests())

    await known.type(TYPED)
    await known.until(lambda: _is_member(known, IVAN))

    # As many as the portal takes in six seconds; a slow machine has them made no faster.
    assert len(await known.requests()) - before <= 12


async def test_forged_lines_do_not_hold_a_chat_up(known: Stage) -> None:
    """Lines of older messages, whose earlier lines never come: each new one waits for them.

    They go on coming, so whoever waits for them waits for ever.
    """
    words = f"/who\n/check id12\n{TYPED}"
    numbers = count(1)

    async def flood() -> None:
        while True:
            older = {"data__message__id": str(next(numbers)), "data__message__text": words}
            await put(known, forged(known, TYPED, user=BOSS, **older))
            await asyncio.sleep(0.4)

    before = known.stored()
    flooding = asyncio.create_task(flood())
    try:
        await known.until(lambda: _has_more(known, before))
        await known.type(f"/invite id{DRIVER}")
        await known.until(lambda: _is_member(known, DRIVER))
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


@ON_SQLITE
async def test_anna_does_not_use_up_the_asking(known: Stage) -> None:
    """Olga's own command brings no proof either: she hears of it, or finds it where she is asked.

    What nobody is told of is lost.
    """
    from test_connect import connected, offered

    await post(known, forged(known, TYPED, user=OLGA))
    await post(known, forged(known, f"/invite id{DRIVER}", user=OLGA))

    _, page = await connected(known, await offered(known))

    told = "\n".join(await known.told_privately(OLGA))
    assert f"id{DRIVER}" in told or f"id{DRIVER}" in words_shown(page)


async def _is_member(stage: Stage, person: int) -> bool:
    return person in await stage.members()


async def _has_more(stage: Stage, stored: int) -> bool:
    return stage.stored() > stored
