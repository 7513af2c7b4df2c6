"""Two portals of one bot: neither's tokens, addresses or events act at the other."""

from collections.abc import AsyncIterator

import pytest
from attacking import TYPED, Watch, change, forged, own, post, put, rows, vault
from connecting import authorized, code_of, offered, opened
from installing import event_of, sent
from pairs import NAMES, Pair
from pydantic import SecretStr
from stage import (
    ADD,
    ADMIN,
    BOT,
    DRIVER,
    IVAN,
    KEY,
    OLGA,
    ON_SQLITE,
    Stage,
    bot_running,
    settings_for,
)

from bot.portals.portals import token_place
from bot.store.cipher import Cipher, fingerprint


@ON_SQLITE
async def test_no_portal_installs_with_anothers_token(pair: Pair) -> None:
    left = pair.left.portal.state.app.application_token
    event = event_of(pair.right, ADMIN, {"auth[application_token]": left})

    status, told = await sent(pair.right, event)

    assert (status, "another portal has this application_token" in told) == (403, True)
    assert "теперь в этом чате" in await pair.left.say(TYPED)
    assert "теперь в этом чате" in await pair.right.say(TYPED)


@ON_SQLITE
async def test_an_installation_that_is_refused_ends_nothing(pair: Pair) -> None:
    """A portal that has a new licence brings the token of another one."""
    change(pair.left, "UPDATE portals SET member_id = 'earlier' WHERE member_id = :it", it=NAMES[0])
    token = pair.right.portal.state.app.application_token
    event = event_of(pair.left, ADMIN, {"auth[application_token]": token})

    status, _ = await sent(pair.left, event)

    here = rows(pair.left, "SELECT member_id FROM portals WHERE left_at IS NULL")
    assert (status, ("earlier",) in here) == (403, True)


@ON_SQLITE
async def test_no_portal_updates_to_anothers_token(pair: Pair) -> None:
    left = pair.left.portal.state.app.application_token
    changed = {"event": "ONAPPUPDATE", "auth[application_token]": left}

    await put(pair.right, event_of(pair.right, ADMIN, changed), 403)

    assert "теперь в этом чате" in await pair.right.say(TYPED)


@pytest.fixture
async def alike(pair: Pair) -> Pair:
    """Two portals with one application token, as older versions let them come about."""
    left, right = pair.left.portal.state, pair.right.portal.state
    right.app.application_token = left.app.application_token

    token = SecretStr(left.app.application_token)
    sealed = Cipher([SecretStr(KEY)]).encrypt(token, token_place(NAMES[1]))
    change(
        pair.left,
        "UPDATE portals SET application_token = :sealed, application_token_hash = :hash"
        " WHERE member_id = :right",
        sealed=sealed,
        hash=fingerprint(token),
        right=NAMES[1],
    )
    return pair


async def test_equal_tokens_do_not_mix_two_portals(alike: Pair) -> None:
    for _ in range(2):
        for stage, other in ((alike.left, alike.right), (alike.right, alike.left)):
            calls = len(await other.calls())
            fields = {**forged(stage, TYPED, user=OLGA), **own(stage, OLGA)}
            del fields["auth[member_id]"]
            async with stage.session.post(
                f"{stage.settings.public_url}/bitrix24/events", data=fields
            ) as response:
                assert response.status in (200, 403)
            await stage.settled()
            assert len(await other.calls()) == calls


CROSSED = ["member", "home", "bot", "everything"]


@ON_SQLITE
@pytest.mark.parametrize("what", CROSSED)
async def test_an_event_of_one_acts_nowhere_at_the_other(pair: Pair, what: str) -> None:
    """The right portal's own people and bot, and the left one's number, address or bot."""
    left, right = pair.left, pair.right
    await left.say("/who")
    hers = {**own(right, OLGA), **right.bots_token()}
    if what == "bot":
        hers = {**own(right, OLGA), **left.bots_token()}
    fields = {**forged(right, TYPED, user=OLGA), **hers}
    if what in ("member", "everything"):
        fields["auth[member_id]"] = NAMES[0]
    if what in ("home", "everything"):
        fields["auth[client_endpoint]"] = f"{left.portal.url}/rest/"
    if what == "everything":
        fields["auth[application_token]"] = left.portal.state.app.application_token
    kept = vault(left)

    async with right.session.post(
        f"{right.settings.public_url}/bitrix24/events", data=fields
    ) as response:
        assert response.status in (200, 403)
    await left.settled()
    await right.settled()

    assert IVAN not in await left.members()
    assert not await left.calls(ADD)
    # What is proven at the right portal may be kept there, and nothing at the left.
    of_left = {row[0] for row in rows(left, "SELECT user_id FROM tokens WHERE member_id = :one",
                                      one=NAMES[0])}  # fmt: skip
    assert of_left <= {row[0] for row in kept} | {BOT}


@pytest.fixture
async def renewed_at_right(pair: Pair) -> AsyncIterator[Stage]:
    """The left portal, whose tokens the authorization server of the right one makes.

    In the cloud one server makes the tokens of all portals: it renews a pair whoever's it is.
    """
    left, right = pair.left.portal, pair.right.portal
    change(
        pair.left,
        "UPDATE portals SET server_endpoint = :right WHERE member_id = :left",
        right=f"{right.oauth_url}/rest/",
        left=NAMES[0],
    )
    more = {"bitrix24_oauth_urls": pair.left.settings.bitrix24_oauth_urls}
    database = pair.left.settings.database_url.get_secret_value()
    settings = settings_for(left, database, **more)
    async with bot_running(settings):
        yield Stage(left, settings, pair.left.session)


@ON_SQLITE
async def test_a_pair_of_another_portal_proves_nothing(pair: Pair, renewed_at_right: Stage) -> None:
    stage, left, right = renewed_at_right, pair.left.portal.state, pair.right.portal.state
    await pair.left.say(f"/invite id{DRIVER}")
    watch = await Watch.over(stage)
    # At the one portal an access token that has expired, with the bot of the other's to renew.
    renewing = right.tokens.issue(BOT, "bot").refresh
    expired = left.tokens.issue(BOT, "bot")
    expired.expires_at = 0
    told = {"access_token": expired.access, "refresh_token": renewing, "user_id": str(BOT)}
    tokens = {f"data[bot][auth][{name}]": value for name, value in told.items()}

    await post(stage, {**forged(stage, TYPED, user=OLGA), **tokens})

    await watch.nothing_done(OLGA)
    assert right.journal.refreshes[-1]["error"] is None


@ON_SQLITE
async def test_whoever_signs_in_at_another_portal_is_not_connected(
    pair: Pair, renewed_at_right: Stage
) -> None:
    """Somebody who has Olga's number there comes back from there with her link from here."""
    stage = renewed_at_right
    await post(stage, forged(stage, TYPED, user=OLGA))
    kept = vault(stage)
    back = await authorized(stage, await offered(stage))
    code = pair.right.portal.state.tokens.issue_code(OLGA)

    status, page = await opened(stage, back.replace(code_of(back), code))

    assert status == 403, page
    assert vault(stage) == kept
    assert not await stage.calls(ADD)
