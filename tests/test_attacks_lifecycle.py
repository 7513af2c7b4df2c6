"""The life of a portal: who may end it, re-key it, or say that it has lost its bot."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from app_page import opened, posted, words_of
from attacking import Watch, as_bots, change, forged, garbage, own, post, put, rows, vault
from installing import event_of, portals, sent
from stage import (
    ADD,
    ANNA,
    BOSS,
    BOT,
    DINA,
    DRIVER,
    IVAN,
    OLGA,
    ON_SQLITE,
    RESPONSIBLE,
    Stage,
    bot_running,
    settings_for,
)
from test_portals import NAMES, TYPED, Pair, served

ADMIN = 1
EVENTS = ["ONAPPUNINSTALL", "ONAPPUPDATE", "ONIMBOTV2DELETE", "onappuninstall"]


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    async with served(database_url) as pair:
        yield pair


def said(stage: Stage, event: str, **changed: str | None) -> dict[str, str]:
    """Give an event of the portal's life, as anybody can post it who knows the token."""
    fields = forged(stage, "/x", user=ADMIN, **{"event": event, "data__CLEAN": "1", **changed})
    return {key: value for key, value in fields.items() if not key.startswith("data[command")}


async def looked(stage: Stage) -> None:
    """Wait until the bot has looked whether it is so."""
    await stage.until(lambda: _has_looked(stage), patience=40)
    await stage.settled()


async def _has_looked(stage: Stage) -> bool:
    names = [task.get_name() for task in asyncio.all_tasks()]
    busy = [name for name in names if name.startswith("lifecycle of") and "said of" not in name]
    return not busy and not [one for one in portals(stage) if one.said]


BROUGHT = {
    "nothing": lambda stage: {},
    "annas": lambda stage: own(stage),
    "annas as the administrators": lambda stage: own(stage, said=ADMIN),
    "garbage": lambda stage: garbage(ADMIN),
    "annas as the bots": lambda stage: as_bots(own(stage)),
}


@ON_SQLITE
@pytest.mark.parametrize(
    ("event", "brought"),
    [(EVENTS[0], brought) for brought in BROUGHT]
    + [(event, "annas as the administrators") for event in EVENTS[1:]],
)
async def test_anna_posts_the_end_of_the_portal(stage: Stage, event: str, brought: str) -> None:
    await stage.say(TYPED)
    before, kept = portals(stage), vault(stage)
    journal = rows(stage, "SELECT * FROM journal")
    watch = await Watch.over(stage)

    await post(stage, {**said(stage, event), **BROUGHT[brought](stage)})
    await looked(stage)

    assert portals(stage) == before
    assert [row[0] for row in vault(stage)] == [row[0] for row in kept]
    assert rows(stage, "SELECT * FROM journal") == journal
    changed = [call["method"] for call in await watch.calls()]
    assert not {"imbot.v2.Bot.register", "imbot.v2.Bot.update", "event.bind"} & set(changed)
    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")


TROUBLES = [
    {"method": "profile", "error": {"status": 500, "code": "INTERNAL_SERVER_ERROR"}},
    {"method": "profile", "error": {"status": 401, "code": "CONNECTION_ERROR"}},
    {"method": "profile", "error": {"status": 500, "code": ""}},
    {"method": "profile", "error": {"status": 403, "code": "ACCESS_DENIED",
                                    "description": "REST is available only on commercial plans"}},
    {"method": "profile", "error": {"status": 429, "code": "OPERATION_TIME_LIMIT",
                                    "operating_reset_in": 1}},
    {"method": "*", "error": {"status": 503, "code": "QUERY_LIMIT_EXCEEDED"}},
    {"method": "profile", "html": 502},
    {"method": "profile", "drop": "before"},
    {"method": "profile", "truncate": True},
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("trouble", range(len(TROUBLES)))
async def test_a_portal_in_trouble_has_not_removed_the_app(stage: Stage, trouble: int) -> None:
    """A moment's fault of the portal's, and the forged end of it at the same time."""
    await stage.say(TYPED)
    kept = [row[0] for row in vault(stage)]
    await stage.faults(**TROUBLES[trouble], times=None)

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await _quiet(stage)
    await stage.faults(clear=True)

    assert [row[0] for row in vault(stage)] == kept
    assert len(portals(stage)) == 1


@ON_SQLITE
@pytest.mark.parametrize("code", ["PAYMENT_REQUIRED", "invalid_request", "QUERY_LIMIT_EXCEEDED"])
async def test_a_portal_that_gets_no_tokens_for_now_has_not_removed_the_app(
    stage: Stage, code: str
) -> None:
    await stage.say(TYPED)
    kept = [row[0] for row in vault(stage)]
    await stage.faults(tokens="expired")
    await stage.faults(oauth_error=code)

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await _quiet(stage)
    await stage.faults(oauth_error=None)

    assert [row[0] for row in vault(stage)] == kept
    assert len(portals(stage)) == 1


@ON_SQLITE
async def test_people_whom_the_app_is_closed_to_are_no_witnesses(stage: Stage) -> None:
    """Those who came last are closed out, the app is there, its installer and its bot too."""
    for user in (OLGA, ANNA, IVAN, DRIVER, BOSS, RESPONSIBLE):
        await opened(stage, user)
    for user in (OLGA, ANNA, IVAN, DRIVER, BOSS, RESPONSIBLE):
        await stage.faults(user={"id": user, "app_access": False})

    await put(stage, said(stage, "ONAPPUNINSTALL"))
    await _quiet(stage)

    assert len(portals(stage)) == 1
    assert ADMIN in [row[0] for row in vault(stage)]


async def _quiet(stage: Stage) -> None:
    """Wait until the first look is over, whatever came of it."""
    member = stage.portal.state.settings.member_id

    async def over() -> bool:
        return f"lifecycle of {member}" not in {one.get_name() for one in asyncio.all_tasks()}

    await stage.until(over, patience=30)


async def test_a_portal_that_has_really_left_keeps_its_journal_and_no_token(stage: Stage) -> None:
    await stage.say(TYPED)

    await stage.post("uninstall", {"clean": True})
    await stage.until(lambda: _none(stage))

    assert vault(stage) == []
    assert len(rows(stage, "SELECT * FROM journal")) == 1
    assert rows(stage, "SELECT 1 FROM inbox WHERE tokens IS NOT NULL") == []


async def _none(stage: Stage) -> bool:
    return portals(stage) == []


async def test_the_journal_goes_when_the_days_of_grace_are_over(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.post("uninstall", {"clean": True})
    await stage.until(lambda: _none(stage))
    change(stage, "UPDATE portals SET left_at = left_at - 31 * 86400.0")

    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(other):
        await stage.until(lambda: _erased(stage))


async def _erased(stage: Stage) -> bool:
    return rows(stage, "SELECT 1 FROM journal") == []


# K2: what becomes of a portal, noticed.


@ON_SQLITE
async def test_a_dismissed_installer_is_followed_by_an_administrator_at_the_page(
    stage: Stage,
) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})
    await stage.faults(user={"id": BOSS, "admin": True})

    status, _ = await opened(stage, BOSS)

    assert (status, portals(stage)[0].installer_id) == (200, BOSS)


@ON_SQLITE
async def test_a_dismissed_installer_is_not_followed_by_anna(stage: Stage) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})

    await opened(stage, ANNA)
    for event in ("ONAPPUPDATE", "ONIMBOTV2DELETE", "ONAPPUNINSTALL"):
        await put(stage, {**said(stage, event), **own(stage)})
    await _quiet(stage)

    assert portals(stage)[0].installer_id == ADMIN


@ON_SQLITE
async def test_an_update_by_another_administrator_is_taken_with_his_pair(stage: Stage) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})
    await stage.faults(user={"id": BOSS, "admin": True})

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage))

    assert portals(stage)[0].installer_id == BOSS
    assert "теперь в этом чате" in await stage.say(TYPED)


async def _bound_again(stage: Stage) -> bool:
    return len(stage.portal.state.app.handlers) == 2 and portals(stage)[0].registered != ""


@ON_SQLITE
async def test_an_update_is_taken_where_the_installers_pair_is_dead(stage: Stage) -> None:
    await stage.faults(tokens="revoked", user_id=ADMIN)
    await stage.faults(user={"id": BOSS, "admin": True})

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage))

    assert portals(stage)[0].installer_id == BOSS


@ON_SQLITE
@pytest.mark.parametrize("event", EVENTS[:3])
async def test_anna_keeps_an_update_from_being_heard(stage: Stage, event: str) -> None:
    """She posts something first: the bot looks, and is not to look again so soon."""
    await stage.faults(tokens="revoked", user_id=ADMIN)
    await stage.faults(user={"id": BOSS, "admin": True})
    await put(stage, {**said(stage, event), **own(stage)})
    await _quiet(stage)

    await stage.post("update", {"user_id": BOSS})
    await stage.until(lambda: _bound_again(stage), patience=20)

    assert portals(stage)[0].installer_id == BOSS


@ON_SQLITE
async def test_a_bot_that_was_deleted_is_missed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    _, page = await opened(stage, ADMIN)
    await stage.say(TYPED)
    bot_calls = len(await stage.calls("imbot.v2.Bot.register"))

    await stage.post("unregister", {})
    await stage.until(lambda: _notified(stage))
    await looked(stage)

    told = await stage.get("notifications")
    assert [one["to"] for one in told] == [ADMIN]
    assert any(
        one.levelname == "WARNING" and "has no bot" in one.getMessage() for one in caplog.records
    )
    assert portals(stage)[0].trouble == "bot_lost"
    assert len(await stage.calls("imbot.v2.Bot.register")) == bot_calls
    words = words_of(await posted(stage, page, view="state"))
    assert "устарел" in words or "удал" in words, words


async def _notified(stage: Stage) -> bool:
    return bool(await stage.get("notifications"))


@ON_SQLITE
async def test_the_installer_is_told_once_that_the_bot_is_gone(stage: Stage) -> None:
    await stage.post("unregister", {})
    await stage.until(lambda: _notified(stage))
    await looked(stage)
    gone = said(stage, "ONIMBOTV2DELETE")

    # Another process has looked for nobody yet; the bot asks no portal before its events.
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    await put(stage, gone)
    async with bot_running(other):
        await looked(stage)

    assert len(await stage.get("notifications")) == 1


@ON_SQLITE
async def test_a_renewed_licence_is_told_as_such(stage: Stage) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="expired", user_id=OLGA)
    old = stage.portal.state.settings.member_id
    await stage.faults(member_id="f" * 32)
    fields = {**forged(stage, TYPED, user=OLGA), **stage.bots_token()}

    await post(stage, {**fields, "auth[member_id]": old})

    told = (await stage.told_privately())[-1]
    assert "становите приложение ещё раз" in told or "становить приложение" in told, told


async def test_after_a_renewed_licence_nothing_of_the_old_one_acts(stage: Stage) -> None:
    await stage.say("/who")
    old = stage.portal.state.settings.member_id
    await stage.faults(member_id="f" * 32)

    assert await stage.install() == 200

    assert rows(stage, "SELECT member_id FROM portals WHERE left_at IS NULL") == [("f" * 32,)]
    assert rows(stage, "SELECT 1 FROM tokens WHERE member_id = :old", old=old) == []
    assert "теперь в этом чате" in await stage.say(TYPED)


# S5: portals are told apart by more than a token.


@ON_SQLITE
async def test_no_portal_installs_with_anothers_token(pair: Pair) -> None:
    left = pair.left.portal.state.app.application_token
    event = event_of(pair.right, ADMIN, {"auth[application_token]": left})

    status, told = await sent(pair.right, event)

    assert (status, "another portal has this application_token" in told) == (403, True)
    assert "теперь в этом чате" in await pair.left.say(TYPED)
    assert "теперь в этом чате" in await pair.right.say(TYPED)


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
    from pydantic import SecretStr
    from stage import KEY

    from bot.portals.portals import token_place
    from bot.store.cipher import Cipher, fingerprint

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


@ON_SQLITE
async def test_tokens_that_are_no_tokens(stage: Stage) -> None:
    for token in ("", "x", "é", "\ud7ff", "%ed%a0%80", "ключ" * 20):
        brought = {**garbage(ADMIN), "auth[application_token]": token}
        await put(stage, {**said(stage, "ONAPPUNINSTALL"), "auth[application_token]": token}, 403)
        await put(stage, {**said(stage, "ONAPPUPDATE"), **brought}, 403)

    assert len(portals(stage)) == 1


@ON_SQLITE
async def test_annas_pair_installs_nothing(stage: Stage) -> None:
    status, _ = await sent(stage, event_of(stage, ANNA, {"auth[user_id]": str(ADMIN)}))

    assert status == 403
    assert portals(stage)[0].installer_id == ADMIN
    assert ANNA not in [row[0] for row in vault(stage)]


@ON_SQLITE
async def test_extranet_people_are_never_installers(stage: Stage) -> None:
    await stage.faults(user={"id": ADMIN, "active": False})

    await put(stage, {**said(stage, "ONAPPUPDATE"), **own(stage, DINA)})
    await _quiet(stage)

    assert portals(stage)[0].installer_id == ADMIN
