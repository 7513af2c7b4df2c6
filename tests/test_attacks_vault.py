"""The vault: nobody's pair is kept under another's name, and none rots there."""

import pytest
from app_page import opened
from attacking import as_bots, change, forged, garbage, own, post, rows, vault
from pydantic import SecretStr
from stage import (
    ADD,
    ADMIN,
    ANNA,
    ANSWER,
    BOSS,
    BOT,
    DRIVER,
    IVAN,
    KEY,
    OLGA,
    ON_SQLITE,
    SEND,
    Stage,
)

from bot.store.cipher import Cipher

TYPED = "/invite id12"


def poisons(stage: Stage) -> dict[str, dict[str, str]]:
    """What Anna may bring in the name of somebody else."""
    hers = own(stage)
    return {
        "her own": own(stage, said=OLGA),
        "her own, nobody's": {**own(stage), "auth[user_id]": ""},
        "garbage": garbage(OLGA),
        "her refresh token": {**garbage(OLGA), "auth[refresh_token]": hers["auth[refresh_token]"]},
        "her access token": {**garbage(OLGA), "auth[access_token]": hers["auth[access_token]"]},
        "for the bot": as_bots(own(stage)),
        "garbage for the bot": as_bots(garbage(BOT)),
        "her refresh token for the bot": as_bots(
            {**garbage(BOT), "auth[refresh_token]": hers["auth[refresh_token]"]}
        ),
    }


async def test_nothing_of_annas_is_kept_in_olgas_name(stage: Stage) -> None:
    before = vault(stage)

    for name, poison in poisons(stage).items():
        for words in (TYPED, "/help", "/language en", "/who"):
            await post(stage, {**forged(stage, words, user=OLGA), **poison})

        assert vault(stage) == before, name
    assert {call["user_id"] for call in await stage.calls(ADD)} <= {ANNA}

    # Nor is it used by the next genuine event, which brings Olga no token.
    await stage.faults(events={"tokens": "none"})
    assert (await stage.say(f"/invite id{DRIVER}")).startswith("🔑")
    assert DRIVER not in await stage.members()


@ON_SQLITE
async def test_the_bot_is_not_struck_dumb(stage: Stage) -> None:
    """Garbage in the bot's name, before anybody has told the bot's own pair."""
    assert [row[0] for row in vault(stage)] == [ADMIN]
    event = forged(stage, "/help", user=BOT, data__user__bot="0")
    for poison in poisons(stage).values():
        await post(stage, {**event, **poison})
        await post(stage, {**event, **own(stage, said=BOT)})
        await post(stage, {**forged(stage, "/language en", user=OLGA), **poison})

    assert "теперь в этом чате" in await stage.say(TYPED)
    await stage.faults(tokens="revoked", user_id=ADMIN)
    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")


@ON_SQLITE
async def test_a_bot_without_a_voice_takes_nobodys_pair_for_its_own(stage: Stage) -> None:
    """Whoever has installed the app has left: Anna brings her own pair as the bot's."""
    await stage.faults(tokens="revoked", user_id=ADMIN)

    await post(stage, {**forged(stage, "/help", user=ANNA), **own(stage), **as_bots(own(stage))})

    assert BOT not in dict(vault(stage))
    assert "теперь в этом чате" in await stage.say(TYPED)


@ON_SQLITE
async def test_tokens_that_are_stored_beside_an_event_are_dropped_with_its_end(
    stage: Stage,
) -> None:
    for poison in poisons(stage).values():
        await post(stage, {**forged(stage, TYPED, user=OLGA), **poison})

    assert rows(stage, "SELECT 1 FROM inbox WHERE tokens IS NOT NULL") == []


async def test_a_pair_of_the_old_rules_that_is_anothers_is_dropped(stage: Stage) -> None:
    """Anna's pair was once filed under the boss's name, by the first version of the bot."""
    cipher, pair = Cipher([SecretStr(KEY)]), own(stage)
    await stage.say("/who")
    change(
        stage,
        "INSERT INTO tokens (member_id, user_id, access_token, refresh_token, connected_at)"
        " VALUES (:portal, :boss, :access, :refresh, 1)",
        portal=stage.portal.state.settings.member_id,
        boss=BOSS,
        access=cipher.encrypt_unbound(SecretStr(pair["auth[access_token]"])),
        refresh=cipher.encrypt_unbound(SecretStr(pair["auth[refresh_token]"])),
    )
    before = len(await stage.calls(ADD))

    await post(stage, {**forged(stage, TYPED, user=BOSS), **stage.bots_token()})

    assert len(await stage.calls(ADD)) == before
    assert rows(stage, "SELECT 1 FROM tokens WHERE user_id = :boss", boss=BOSS) == []


async def test_a_pair_copied_to_another_row_is_as_none(stage: Stage) -> None:
    """Somebody can write to the database, and has no key."""
    await stage.say("/who")
    await opened(stage, BOSS)
    change(stage, "UPDATE tokens SET access_token = (SELECT t.access_token FROM tokens t WHERE"
                  " t.user_id = :boss) WHERE user_id = :olga", boss=BOSS, olga=OLGA)  # fmt: skip
    # A process that had the pair in memory knows it still: a new one has only the table.
    from stage import bot_running, settings_for

    await stage.faults(events={"tokens": "none"})
    other = settings_for(stage.portal, stage.settings.database_url.get_secret_value())
    async with bot_running(other):
        change(stage, "UPDATE portals SET registered = registered")
        fields = {**forged(stage, TYPED, user=OLGA), **stage.bots_token()}
        async with stage.session.post(
            f"{other.public_url}/bitrix24/events", data=fields
        ) as response:
            assert response.status == 200
        await stage.settled()

    assert BOSS not in {call["user_id"] for call in await stage.calls(ADD)}


# K1: a pair that the portal does not know any more is mended, or dropped.


@ON_SQLITE
@pytest.mark.parametrize("code", ["NO_AUTH_FOUND", "invalid_token"])
async def test_a_disowned_pair_of_the_bots_is_renewed_once(stage: Stage, code: str) -> None:
    await bot_pair_kept(stage)
    refreshes = len(await stage.get("refreshes"))
    await stage.faults(tokens="disowned", code=code, user_id=BOT)

    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")
    assert "теперь в этом чате" in await stage.say(f"/invite id{ANNA}")

    assert len(await stage.get("refreshes")) == refreshes + 1
    assert {call["auth"] for call in await stage.calls(ANSWER)} == {"bot"}


@ON_SQLITE
@pytest.mark.parametrize("code", ["NO_AUTH_FOUND", "invalid_token"])
async def test_a_dead_pair_of_the_bots_gives_way_to_a_proven_one(stage: Stage, code: str) -> None:
    await bot_pair_kept(stage)
    before = dict(vault(stage))[BOT]
    await stage.faults(tokens="disowned", code=code, user_id=BOT)
    await stage.faults(tokens="revoked", user_id=BOT)
    await stage.faults(tokens="revoked", user_id=ADMIN)

    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")
    assert "теперь в этом чате" in await stage.say(f"/invite id{ANNA}")

    assert dict(vault(stage))[BOT] != before
    assert (await stage.calls(ANSWER))[-1]["auth"] == "bot"


@ON_SQLITE
@pytest.mark.parametrize("code", ["NO_AUTH_FOUND", "invalid_token"])
async def test_a_disowned_pair_of_the_requesters_is_renewed_first(stage: Stage, code: str) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="disowned", code=code, user_id=OLGA)
    refreshes = len(await stage.get("refreshes"))

    assert "теперь в этом чате" in await stage.say(TYPED)

    assert len(await stage.get("refreshes")) == refreshes + 1


@ON_SQLITE
@pytest.mark.parametrize("code", ["NO_AUTH_FOUND", "invalid_token"])
async def test_a_dead_pair_of_the_requesters_is_dropped(stage: Stage, code: str) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="disowned", code=code, user_id=OLGA)
    await stage.faults(tokens="revoked", user_id=OLGA)

    assert (await stage.say(TYPED)).startswith("🔑")

    assert rows(stage, "SELECT 1 FROM tokens WHERE user_id = :olga", olga=OLGA) == []
    refreshes = len(await stage.get("refreshes"))
    assert (await stage.say(TYPED)).startswith("🔑")
    assert len(await stage.get("refreshes")) == refreshes


@ON_SQLITE
async def test_the_portals_clock_is_ahead(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    await stage.say("/who")
    await stage.faults(tokens="always_expired")
    refreshes = len(await stage.get("refreshes"))

    for number in (12, 15, 41, 21):
        await stage.type(f"/invite id{number}")
    await stage.settled(30)

    assert len(await stage.get("refreshes")) - refreshes <= 12
    assert "its clock is wrong" in caplog.text
    await stage.faults(tokens="normal")


@ON_SQLITE
@pytest.mark.settings(retry_for=0.5)
async def test_a_pair_that_the_authorization_server_does_not_give_for_now_is_kept(
    stage: Stage,
) -> None:
    await stage.say("/who")
    await stage.faults(events={"tokens": "none"})
    await stage.faults(tokens="disowned", user_id=OLGA)
    await stage.faults(oauth="closed")
    await stage.type(TYPED)
    await stage.settled(20)
    assert rows(stage, "SELECT 1 FROM tokens WHERE user_id = :olga", olga=OLGA) != []

    await stage.faults(oauth="open")
    assert "теперь в этом чате" in await stage.say(f"/invite id{DRIVER}")


@ON_SQLITE
async def test_a_visitor_brings_anothers_refresh_token(stage: Stage) -> None:
    """Anna opens the app's page with her own access token and the boss's name in all else."""
    hers = own(stage)["auth[refresh_token]"]
    boss = stage.portal.state.tokens.issue(BOSS, "user")

    await opened(stage, ANNA, REFRESH_ID=boss.refresh)
    await stage.faults(tokens="expired", user_id=ANNA)
    await post(stage, {**forged(stage, TYPED, user=ANNA), **stage.bots_token()})

    assert not await stage.calls(ADD)
    assert [row[0] for row in vault(stage) if row[0] in (ANNA, BOSS)] == []
    assert hers


@ON_SQLITE
async def test_the_one_who_asks_gets_the_answer_that_is_meant_for_them(stage: Stage) -> None:
    await stage.say(TYPED)
    assert not [call for call in await stage.calls(SEND) if call["params"]["dialogId"] != str(OLGA)]
    assert IVAN in await stage.members()


async def bot_pair_kept(stage: Stage) -> None:
    """Have an event proven by the bot's own token, which is kept then."""
    await stage.faults(events={"tokens": "none"})
    await stage.say("/who")
    await stage.faults(events={"tokens": "normal"})
    assert BOT in dict(vault(stage))
