"""Whose token a command runs with."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from stage import (
    ADD,
    ANNA,
    ANSWER,
    CHAT,
    GROUP_CHAT,
    IVAN,
    OLGA,
    ON_POSTGRESQL,
    ON_SQLITE,
    OTHER_CHAT,
    SEND,
    UNHURRIED,
    Stage,
    bot_running,
    settings_for,
)

from bot.app import running
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import NoPermission
from bot.bitrix24.token_pair import TokenPair
from bot.portals.access import Access
from bot.portals.portals import Portal

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


@ON_SQLITE
async def test_a_foreign_token_never_becomes_the_requesters(stage: Stage) -> None:
    await stage.faults(events={"tokens": "foreign", "foreign_user_id": ANNA})
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})

    assert (await stage.say("/invite id15")).startswith(ASKS)
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_a_token_without_an_owner_is_proven_by_profile(stage: Stage) -> None:
    await stage.faults(events={"tokens": "no_user_id"})

    assert "теперь в этом чате" in await stage.say(TYPED)
    asked = [one["user_id"] for one in await stage.calls("profile")]
    assert asked.count(OLGA) == 1


@ON_SQLITE
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


@ON_SQLITE
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


async def test_twenty_calls_at_once_in_two_processes_are_one_refresh(stage: Stage) -> None:
    # Two processes on SQLite know nothing of each other's pace.
    await stage.faults(bucket={"size": 500, "rate": 50})
    await stage.say(TYPED)
    await stage.faults(tokens="expired", user_id=OLGA)
    before = len(await stage.get("refreshes"))

    async with two_accesses(stage) as accesses:
        answers = await asyncio.gather(
            *(access.call(portal, OLGA, Call("profile")) for access, portal in accesses * 10)
        )

    assert {answer["ID"] for answer in answers} == {str(OLGA)}
    assert len(await stage.get("refreshes")) == before + 1


async def test_whoever_dies_while_renewing_holds_nobody_up(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(tokens="expired", user_id=OLGA)
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE tokens SET renewer = 'dead', renewing_until = 1"))

    async with two_accesses(stage) as [(access, portal), _]:
        assert (await access.call(portal, OLGA, Call("profile")))["ID"] == str(OLGA)


async def test_a_pair_that_turns_out_to_be_anothers_is_dropped(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    annas = stage.portal.state.tokens.issue(ANNA, "user")
    async with two_accesses(stage) as [(access, portal), _]:
        mine = stage.portal.state.tokens.issue(OLGA, "user")
        pair = TokenPair(SecretStr(mine.access), SecretStr(annas.refresh))
        await access._tokens.connect(portal.member_id, OLGA, pair)
        await stage.faults(tokens="expired", user_id=OLGA)

        with pytest.raises(NoPermission):
            await access.call(portal, OLGA, Call("profile"))
        with pytest.raises(NoPermission):
            await access.call(portal, OLGA, Call("profile"))

    assert not await stage.calls(ADD)


@ON_SQLITE
@pytest.mark.settings(retry_for=0.5)
async def test_an_authorization_server_that_is_closed_costs_no_pair(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.faults(oauth="closed")
    await stage.say("/invite id15")
    await stage.faults(oauth="open")

    assert "теперь в этом чате" in await stage.say("/invite id21")


@ON_SQLITE
@pytest.mark.parametrize("fault", [{"oauth": "closed"}, {"oauth_error": "invalid_client"}])
async def test_where_no_token_is_renewed_the_bot_answers_with_the_one_that_came(
    known: Stage, fault: dict[str, str]
) -> None:
    await known.faults(tokens="expired")
    await known.faults(**fault)

    assert "теперь в этом чате" in await known.say(TYPED)

    assert await known.calls(ANSWER)


@ON_SQLITE
@pytest.mark.parametrize(
    "code", ["temporarily_unavailable", "QUERY_LIMIT_EXCEEDED", "INTERNAL_SERVER_ERROR"]
)
async def test_an_authorization_server_that_takes_nothing_now_is_asked_again(
    stage: Stage, code: str
) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.faults(oauth_error=code)
    await stage.type("/invite id15")
    await stage.until(lambda: refused_refreshes(stage))
    await stage.faults(oauth_error=None)
    await stage.settled()

    assert ANNA in await stage.members()
    assert len(await stage.heard()) == 2


async def refused_refreshes(stage: Stage) -> bool:
    return any(one["error"] for one in stage.portal.state.journal.refreshes)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "⚠️ Битрикс24 не находит приложение бота"), ("en", "⚠️ Bitrix24 doesn't find the bot's")],
)
async def test_keys_that_are_wrong_are_said_to_be(stage: Stage, language: str, words: str) -> None:
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none", "language": language})
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.faults(oauth_error="invalid_client")

    assert (await stage.say("/invite id15")).startswith(words)


@asynccontextmanager
async def two_accesses(stage: Stage) -> AsyncIterator[list[tuple[Access, Portal]]]:
    """What two processes call with: they share the database and nothing else."""
    url = stage.settings.database_url.get_secret_value()
    first, second = (settings_for(stage.portal, url) for _ in range(2))
    async with running(first) as one, running(second) as other:
        yield [(parts.access, (await parts.portals.all())[0]) for parts in (one, other)]


@UNHURRIED
async def test_twenty_commands_at_once_renew_a_token_once(stage: Stage) -> None:
    chats = stage.portal.state.chats
    for number in range(20_001, 20_021):
        chats[number] = dataclasses.replace(
            chats[CHAT], id=number, members=list(chats[CHAT].members), messages=[]
        )
    await stage.say(TYPED)
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    before = len(await stage.get("refreshes"))

    for number in range(20_001, 20_021):
        await stage.type("/invite id15", chat=number)
    await stage.settled(20)

    assert len(await stage.get("refreshes")) == before + 1
    for number in range(20_001, 20_021):
        assert ANNA in await stage.members(number)


async def test_what_waits_goes_on_with_the_token_of_a_later_command(stage: Stage) -> None:
    await stage.faults(events={"tokens": "none"})
    assert (await stage.say(TYPED)).startswith(ASKS)
    await stage.faults(events={"tokens": "normal"})
    await stage.say("/invite id15")

    # A bot looks at once when it starts, and every few seconds from then on.
    again = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(again):
        await stage.joined(IVAN)


@ON_SQLITE
@pytest.mark.settings(rest_timeout=30)
async def test_a_pair_that_comes_while_the_old_one_is_refused_serves_at_once(stage: Stage) -> None:
    await stage.say("/who")
    await stage.faults(tokens="disowned", user_id=OLGA)
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.faults(oauth="slow", delay=5)
    await stage.faults(events={"tokens": "none"})
    await stage.type("/invite id12")
    await stage.until(lambda: _was_disowned(stage))

    await stage.faults(events={"tokens": "normal"})
    await stage.type("/who", chat=OTHER_CHAT)
    await stage.settled()

    assert IVAN in await stage.members()
    assert not [one for one in await stage.told_privately() if one.startswith("🔑")]


@ON_POSTGRESQL
async def test_processes_that_share_a_database_renew_a_pair_once(stage: Stage) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.faults(oauth="slow", delay=0.5)
    url = stage.settings.database_url.get_secret_value()
    async with bot_running(settings_for(stage.portal, url)):
        before = len(await stage.get("refreshes"))
        for chat in (CHAT, OTHER_CHAT, GROUP_CHAT, 60, 1439):
            await stage.type("/who", chat=chat)
        await stage.settled(20)

    assert len(await stage.get("refreshes")) == before + 1
    assert not [one for one in await stage.told_privately() if one.startswith("🔑")]


async def _was_disowned(stage: Stage) -> bool:
    return any(one["error"] == "NO_AUTH_FOUND" for one in await stage.calls())
