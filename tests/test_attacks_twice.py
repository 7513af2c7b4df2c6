"""Anna copies a colleague's command: whatever comes first, it is carried out once."""

import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest
from aiohttp import ClientSession
from attacking import TYPED, Watch, as_bots, consent_of, consented, forged, garbage, own, post
from connecting import connected, offered
from postgres import Server
from stage import ADD, ANNA, BOT, IVAN, OLGA, ON_SQLITE, Stage, bot_running, settings_for

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import Portal

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
