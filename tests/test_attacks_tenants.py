"""A hostile portal, or whoever pretends to be one: what it names, and of whom it speaks."""

from typing import Any

import pytest
from attacking import TYPED, forged, own, post, rows
from settings_form import form, on_duty, send
from stage import (
    ADD,
    CHAT,
    CUSTOMER,
    DRIVER,
    IVAN,
    OLGA,
    ON_SQLITE,
    OTHER_CHAT,
    RESPONSIBLE,
    SEND,
    Stage,
)

from sandbox.faults import RESULT, MethodFault

# What is no address, though it looks like one.
NO_ADDRESS = ["https://[::1", "https://[x]/", "//[", "https://a\u2100b/", "https://h:99999999/"]


@ON_SQLITE
@pytest.mark.parametrize("address", NO_ADDRESS)
async def test_whoever_names_no_address_is_refused_as_anybody(
    stage: Stage, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    member_id = stage.portal.state.settings.member_id
    told = {"auth[refresh_token]": "x" * 70, "auth[application_token]": "x" * 32}
    page = {"AUTH_ID": "x" * 70, "REFRESH_ID": "x" * 70, "member_id": member_id}
    forms: list[tuple[str, dict[str, str]]] = [
        ("events", {"event": "ONAPPUPDATE", "auth[client_endpoint]": address, **told}),
        ("events", {"event": "ONAPPUPDATE", "auth[member_id]": member_id,
                    "auth[server_endpoint]": address, **told}),
        ("install", {"event": "ONAPPINSTALL", "auth[server_endpoint]": address, **told}),
        ("install", {**page, "SERVER_ENDPOINT": address, "DOMAIN": address}),
        ("app", {**page, "SERVER_ENDPOINT": address, "DOMAIN": address}),
    ]  # fmt: skip

    for path, fields in forms:
        url = f"{stage.settings.public_url}/bitrix24/{path}"
        async with stage.session.post(url, data=fields) as response:
            assert response.status in (400, 403), (path, await response.text())
    assert not [one for one in caplog.records if one.exc_info]


@ON_SQLITE
@pytest.mark.parametrize("server", ["https://oauth.elsewhere.example/rest/", "", *NO_ADDRESS[:2]])
async def test_a_pair_is_renewed_where_it_was_made_whatever_server_that_names(
    empty_stage: Stage, server: str
) -> None:
    empty_stage.portal.state.faults.grant = {"server_endpoint": server}
    assert await empty_stage.install() == 200
    empty_stage.seat_the_bot()
    await empty_stage.faults(tokens="expired")
    await empty_stage.faults(events={"bot_auth": "none"})

    assert "теперь в этом чате" in await empty_stage.say(TYPED)


@ON_SQLITE
@pytest.mark.parametrize(
    "named",
    [
        {"client_endpoint": "https://evil.example;script-src *;x/rest/"},
        {"client_endpoint": "https://name:word@127.0.0.1/rest/"},
        {"client_endpoint": "https://127.0.0.1/rest/?method="},
        {"client_endpoint": "https://[::1"},
        {"client_endpoint": f"https://{'a' * 300}.example/rest/"},
        {"member_id": "x" * 100},
        {"member_id": "a/b"},
        {"member_id": ""},
        {"access_token": ""},
        {"refresh_token": "x" * 2_000},
    ],
)
async def test_what_no_authorization_server_means_installs_nothing(
    empty_stage: Stage, named: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    empty_stage.portal.state.faults.grant = {**named}

    # The portal's own member id stays out of it, so that nothing else refuses.
    assert await empty_stage.install(member_id="") in (403, 503)

    assert not rows(empty_stage, "SELECT * FROM portals")
    assert not [one for one in caplog.records if one.exc_info]


def answers(stage: Stage, method: str, result: Any) -> None:
    stage.portal.state.faults.add(MethodFault(method.lower(), RESULT, result, None))


@ON_SQLITE
async def test_nobody_is_put_on_duty_in_the_place_of_another(stage: Stage) -> None:
    """The portal is asked for one number, and tells of another."""
    filled = await form(stage)
    answers(stage, "user.get", [{"ID": str(IVAN), "NAME": "Роман", "ACTIVE": True}])

    page = await send(stage, filled, add=str(RESPONSIBLE))

    assert on_duty(page) == []


@ON_SQLITE
async def test_what_is_told_of_another_chat_binds_this_one_to_nothing(stage: Stage) -> None:
    other = {"id": OTHER_CHAT, "entity_id": "telegrambot|1|1|600", "entity_data_2": "DEAL|301"}
    answers(stage, "imopenlines.dialog.get", other)
    fields = forged(stage, TYPED, user=OLGA, data__chat__entityData2=None)

    await post(stage, {**fields, **own(stage, OLGA)})

    assert not [one for one in await stage.calls(ADD) if one["params"].get("CRM_ENTITY") == "301"]


@ON_SQLITE
async def test_what_is_told_of_another_record_names_nobody_responsible(stage: Stage) -> None:
    other = {"id": 301, "title": "Чужая сделка", "assignedById": DRIVER, "observers": [DRIVER]}
    answers(stage, "crm.item.get", {"item": other})

    told = await stage.say("/escalate")

    assert "Чужая" not in told
    assert DRIVER not in await stage.members()


@ON_SQLITE
async def test_an_answer_about_another_chat_is_not_what_was_asked_for(stage: Stage) -> None:
    answers(stage, ADD, OTHER_CHAT)
    # Nor does it show who is in the chat.
    answers(stage, "im.chat.user.list", [])

    told = await stage.say(f"{TYPED} --for 2h -- срочно")

    assert "неизвестно, что вышло" in told
    assert not await stage.told_privately(IVAN)
    assert not rows(stage, "SELECT * FROM stays")


@ON_SQLITE
async def test_a_call_that_has_failed_and_has_not_is_looked_after(stage: Stage) -> None:
    inside = [OLGA, CUSTOMER]
    both = {
        "result": {"whose": {"ID": str(OLGA)}, "look": inside, "step0": CHAT, "after": inside},
        "result_error": {"step0": {"error": "ACCESS_DENIED", "error_description": "No"}},
    }
    stage.portal.state.faults.add(MethodFault("batch", RESULT, both, 1))

    assert "теперь в этом чате" in await stage.say(TYPED)


@ON_SQLITE
async def test_whoever_is_asked_about_is_not_whom_the_portal_tells_of(known: Stage) -> None:
    """Before the bot speaks to somebody unproven it asks whether that is one of the staff."""
    answers(known, "im.user.get", {"id": IVAN, "name": "Иван", "active": True})

    await post(known, forged(known, TYPED, user=CUSTOMER))

    assert not [one for one in await known.calls(SEND)
                if str(one["params"].get("dialogId")) == str(CUSTOMER)]  # fmt: skip
