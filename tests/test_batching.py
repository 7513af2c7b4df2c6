"""Commands of one portal that wait for its pace go out together."""

import asyncio
import dataclasses

import pytest
from stage import ADD, ANNA, ANSWER, IVAN, OLGA, ON_SQLITE, Stage

ROMAN = 21
CHATS = range(20_001, 20_031)
SMALL = {"portal_bucket": 8, "portal_rate": 8}


def populate(stage: Stage) -> None:
    """Give the portal chats like the first, so that many commands wait side by side."""
    state = stage.portal.state
    state.bucket.resize(8, 8)
    model = state.chats[8773]
    for number in CHATS:
        state.chats[number] = dataclasses.replace(
            model, id=number, members=list(model.members), messages=[], bindings=model.bindings
        )


@pytest.mark.settings(**SMALL, retry_for=30)
async def test_a_backlog_goes_out_in_a_few_requests(stage: Stage) -> None:
    populate(stage)
    before = len(await stage.calls())

    await asyncio.gather(*(stage.type("/invite id12", chat=chat) for chat in CHATS))
    await stage.settled(20)

    calls = await stage.calls()
    # Alone, each would cost two.
    assert len(await stage.requests(before)) < 1.5 * len(CHATS)
    assert sum(one["method"] == ADD for one in calls) == len(CHATS)
    assert {one["user_id"] for one in calls if one["method"] == ADD} == {OLGA}
    assert not [one for one in calls if one["error"] == "QUERY_LIMIT_EXCEEDED"]
    for chat in CHATS:
        told = await stage.chat(chat)
        assert IVAN in told["members"]
        [answer] = [one for one in told["messages"] if "Switchboard" in one["text"]]
        assert answer["text"].endswith("✅ [USER=12][/USER] теперь в этом чате.")
        assert answer["system"]
        assert not answer["to_customer"]


@ON_SQLITE
@pytest.mark.settings(**SMALL, retry_for=30)
async def test_each_gets_its_own_answer(stage: Stage) -> None:
    """Whatever a neighbour in the same request comes to, and whatever somebody types."""
    populate(stage)
    words = ["/invite id12", "/invite id404404", "/invite id12 -- $result[c0_look][0]"]
    typed = {chat: words[chat % 3] for chat in CHATS}

    await asyncio.gather(*(stage.type(one, chat=chat) for chat, one in typed.items()))
    await stage.settled(20)

    for chat, one in typed.items():
        is_known = "id12" in one
        assert (IVAN in await stage.members(chat)) == is_known
    briefs = [one for one in await stage.told_privately(IVAN) if "result[" in one]
    assert len(briefs) == len(CHATS) // 3
    assert all("$\u2060result[\u2060c0_look][\u20600]" in one for one in briefs)


@ON_SQLITE
@pytest.mark.settings(**SMALL, retry_for=30)
async def test_requesters_keep_their_own_tokens(stage: Stage) -> None:
    await stage.say(f"/invite id{ANNA}")
    populate(stage)

    typists = {chat: (OLGA, ANNA)[chat % 2] for chat in CHATS}
    await asyncio.gather(
        *(stage.type("/invite id12", chat=chat, user=user) for chat, user in typists.items())
    )
    await stage.settled(20)

    added = [one for one in await stage.calls(ADD) if one["params"]["USER_ID"] == "12"]
    assert {int(one["params"]["CHAT_ID"]): one["user_id"] for one in added} == typists
    answers = [one for one in await stage.calls(ANSWER) if one["batch"]]
    assert answers
    assert {one["params"]["fields"]["system"] for one in answers} == {"Y"}


@ON_SQLITE
@pytest.mark.settings(**SMALL, retry_for=30)
async def test_nobody_is_refused_in_the_stead_of_a_neighbours_colleague(stage: Stage) -> None:
    """The portal looks at the view of history once a request, whoever is in it."""
    await stage.faults(user={"id": OLGA, "history": "self"})
    await stage.say("/who")
    # From here on all of them act with the one pair that is stored.
    await stage.faults(events={"tokens": "none"})
    populate(stage)
    chats = CHATS[:10]
    whom = {chat: ANNA if chat > chats[0] else IVAN for chat in chats}

    await asyncio.gather(*(stage.type(f"/invite id{whom[chat]}", chat=chat) for chat in chats))
    await stage.settled(30)

    for chat in chats:
        if whom[chat] == ANNA:
            assert ANNA in await stage.members(chat)
    told = "\n".join(await stage.told_privately())
    assert f"Добавить нельзя: [USER={ANNA}]" not in told


@ON_SQLITE
@pytest.mark.settings(portal_bucket=3, portal_rate=10)
async def test_nobody_is_given_what_a_neighbour_has_asked_for(stage: Stage) -> None:
    """The portal reads `$result[...]` as a neighbour's answer; here it is what was typed."""
    await stage.say("/who")
    # From here on all of them act with the one pair that is stored.
    await stage.faults(events={"tokens": "none"})
    populate(stage)
    stage.portal.state.bucket.resize(50, 50)
    chats = CHATS[:6]
    typed = "$result[c0_][0][NAME]"

    await asyncio.gather(
        *(stage.type(f'/invite "{typed if chat % 2 else "Роман"}"', chat=chat) for chat in chats)
    )
    await stage.settled(30)

    # Nobody is called so: parts of a name are tried, too, and what the same keys write in Russian.
    asked = await stage.calls("user.search")
    assert {one["params"]["FIND"] for one in asked} == {"Роман", typed, "re", "na", "ку"}
    for chat in chats:
        assert (ROMAN in await stage.members(chat)) == (chat % 2 == 0)
