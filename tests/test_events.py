"""POST /bitrix24/events, as outsiders meet it."""

import asyncio
import io
import json
import time
from collections import Counter

import pytest
from stage import ADD, ANSWER, BOT, CHAT, IVAN, OLGA, ON_SQLITE, SEND, Stage

BOT_AUTH = [
    f"data[bot][auth][{name}]"
    for name in (
        "access_token", "expires", "expires_in", "scope", "domain", "server_endpoint", "status",
        "client_endpoint", "member_id", "user_id", "application_token",
    )
]  # fmt: skip


def sample(stage: Stage, **changed: str | None) -> dict[str, str]:
    """The webhook of a command, field by field as Bitrix24 posts it."""
    portal = stage.portal.state.settings
    token = stage.portal.state.tokens.issue(OLGA, "user").access
    auth = {
        "expires": "1789003600",
        "expires_in": "3600",
        "scope": "imbot",
        "domain": "acme.bitrix24.com",
        "server_endpoint": f"{stage.portal.oauth_url}/rest/",
        "status": "L",
        "client_endpoint": f"{stage.portal.url}/rest/",
        "member_id": portal.member_id,
    }
    fields: dict[str, str | None] = {
        "event": "ONIMBOTV2COMMANDADD",
        "event_handler_id": "219",
        "data[bot][id]": str(BOT),
        "data[bot][code]": "switchboard",
        "data[bot][auth][access_token]": "BOT-AT",
        **{f"data[bot][auth][{key}]": value for key, value in auth.items()},
        "data[bot][auth][user_id]": str(BOT),
        "data[bot][auth][application_token]": "not-this-one",
        "data[command][id]": "1",
        "data[command][command]": "/invite",
        "data[command][params]": "[USER=12]Ann Lee[/USER]",
        "data[command][context]": "textarea",
        "data[message][id]": "90311",
        "data[message][chatId]": str(CHAT),
        "data[message][authorId]": str(OLGA),
        "data[message][date]": "2026-09-10T12:00:00+03:00",
        "data[message][text]": "/invite [USER=12]Ann Lee[/USER]",
        "data[message][isSystem]": "0",
        "data[message][uuid]": "",
        "data[message][forward]": "",
        "data[message][viewedByOthers]": "0",
        "data[chat][id]": str(CHAT),
        "data[chat][dialogId]": f"chat{CHAT}",
        "data[chat][entityType]": "LINES",
        "data[chat][entityId]": "livechat|7|2302|599",
        "data[chat][entityData2]": "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288",
        "data[user][id]": str(OLGA),
        "data[user][active]": "1",
        "data[user][bot]": "0",
        "data[user][connector]": "0",
        "data[user][idle]": "0",
        "data[user][departments][0]": "5",
        "data[user][phones]": "0",
        "data[language]": "en",
        "ts": "1789000001",
        "auth[access_token]": token,
        **{f"auth[{key}]": value for key, value in auth.items()},
        "auth[user_id]": str(OLGA),
        "auth[application_token]": portal.application_token,
    }
    fields.update(changed)
    return {key: value for key, value in fields.items() if value is not None}


async def post(stage: Stage, data: object, **how: object) -> tuple[int, str]:
    url = f"{stage.settings.public_url}/bitrix24/events"
    async with stage.session.post(url, data=data, **how) as response:
        return response.status, await response.text()


@ON_SQLITE
async def test_the_documented_event_does_the_job(stage: Stage) -> None:
    status, _ = await post(stage, sample(stage))
    await stage.settled()

    assert status == 200
    assert IVAN in await stage.members()
    [call] = await stage.calls(ADD)
    assert call["user_id"] == OLGA


@ON_SQLITE
async def test_the_event_may_come_as_json(stage: Stage) -> None:
    tree: dict = {}
    for key, value in sample(stage).items():
        *path, last = key.replace("]", "").split("[")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value

    status, _ = await post(stage, json.dumps(tree), headers={"Content-Type": "application/json"})
    await stage.settled()

    assert status == 200
    assert IVAN in await stage.members()


async def test_an_event_without_member_id_is_known_by_its_application_token(stage: Stage) -> None:
    status, _ = await post(stage, sample(stage, **{"auth[member_id]": None}))
    await stage.settled()

    assert status == 200
    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize(
    "wrong",
    [
        {"auth[application_token]": "wrong"},
        {"auth[application_token]": ""},
        {"auth[application_token]": None},
        {"auth[member_id]": "0" * 32},
        {"auth[member_id]": None, "auth[application_token]": "wrong"},
    ],
)
async def test_who_cannot_prove_himself_is_refused(
    stage: Stage, wrong: dict[str, str | None]
) -> None:
    before = len(await stage.calls())

    status, _ = await post(stage, sample(stage, **wrong))

    assert status == 403
    assert stage.stored() == 0
    assert len(await stage.calls()) == before


@ON_SQLITE
async def test_a_malformed_body_is_named_so(stage: Stage) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    for body in (
        b"",
        b"\xff\xfe",
        b"just text",
        b"event=ONIMBOTV2COMMANDADD&event[a]=1",
        b"a" + b"[b]" * 30 + b"=1",
        "&".join(f"key{n}=1" for n in range(10_001)).encode(),
        b"event=" + b"x" * 70,
    ):
        status, text = await post(stage, body, headers=headers)

        assert (status, "malformed event" in text) == (400, True), body[:60]
        assert stage.stored() == 0, body[:60]


@ON_SQLITE
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"event": {"a": 1}}']
)
async def test_malformed_json_is_named_so(stage: Stage, body: bytes) -> None:
    status, text = await post(stage, body, headers={"Content-Type": "application/json"})

    assert (status, "malformed event" in text) == (400, True)


@ON_SQLITE
async def test_a_command_that_lacks_its_parts_is_malformed(stage: Stage) -> None:
    for wrong in (
        {"data[command][id]": "seven"},
        {"data[command][command]": None},
        {"data[user][id]": None},
        {"data[user][id]": "-7"},
        {"data[message][id]": "9" * 30},
        {"data[chat][dialogId]": "x" * 500},
        {"data[bot]": "1"},
    ):
        fields = sample(stage, **wrong)
        if "data[bot]" in wrong:
            fields = {one: value for one, value in fields.items() if "data[bot][" not in one}

        status, text = await post(stage, fields)

        assert (status, "malformed event" in text) == (400, True), wrong
        assert stage.stored() == 0, wrong


@ON_SQLITE
async def test_a_body_over_the_limit_is_too_large(stage: Stage) -> None:
    status, _ = await post(stage, io.BytesIO(b"event=" + b"x" * 1024 * 1024))

    assert status == 413
    assert stage.stored() == 0


@ON_SQLITE
@pytest.mark.parametrize("event", ["ONIMBOTV2MESSAGEADD", "ONIMBOTV2JOINCHAT", "ONIMCOMMANDADD"])
async def test_an_event_that_is_not_used_is_answered_and_forgotten(
    stage: Stage, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    status, _ = await post(stage, sample(stage, event=event))

    assert status == 200
    assert stage.stored() == 0
    assert event in caplog.text


@ON_SQLITE
async def test_the_requester_is_who_pressed_not_who_wrote_the_message(stage: Stage) -> None:
    pressed = {"data[command][context]": "keyboard", "data[message][authorId]": str(BOT)}

    await post(stage, sample(stage, **pressed))
    await stage.settled()

    [call] = await stage.calls(ADD)
    assert call["user_id"] == OLGA


NASTY = ["\0", "\ufffe", "x" * 300, "9" * 25, "-1", "NaN", "²", "[user=all]", "😀" * 70]


async def test_no_field_of_a_known_portal_is_too_much_for_the_bot(stage: Stage) -> None:
    whole = sample(stage)
    proofs = ("auth[member_id]", "auth[application_token]")
    wrong = [{**whole, key: nasty} for key in whole if key not in proofs for nasty in NASTY]
    # A group where a value is expected.
    wrong += [
        {**{one: value for one, value in whole.items() if one != key}, f"{key}[a]": "1"}
        for key in whole if key not in proofs
    ]  # fmt: skip

    told = await asyncio.gather(*(post(stage, fields) for fields in wrong))

    statuses = Counter(status for status, _ in told)
    assert statuses.keys() == {200, 400}, statuses
    assert statuses[200] > statuses[400] > 50
    await stage.settled(30)


UNREADABLE = [
    {"auth[expires]": "+XX13"},
    {"auth[expires_in]": "an hour"},
    {"auth[expires][0]": "1789003600", "auth[expires]": None},
    {"auth[server_endpoint]": "https://oauth.bitrix.info/" + "x" * 300},
    {"data[message][authorId]": "x"},
    {"data[message][authorId]": "-5"},
    {"data[chat][owner]": "nobody"},
    {"data[chat][id]": "x"},
    {"data[chat][id]": None},
    {"data[chat][entityId]": None, "data[chat][entityId][0]": "livechat"},
    {"data[chat][entityData3]": None, "data[chat][entityData3][a]": "Y"},
    {"data[user][name][first]": "Olga"},
    {"data[language]": None, "data[language][0]": "en"},
    {"data[language]": "a language that is too long"},
    {"data[bot][auth][member_id]": "x" * 300},
    {"data[bot][auth]": "none", **dict.fromkeys(BOT_AUTH)},
    {"ts": "yesterday"},
    {"ts": None, "ts[0]": "1789000001"},
]


@ON_SQLITE
@pytest.mark.parametrize("changed", UNREADABLE, ids=lambda changed: next(iter(changed)))
async def test_what_no_command_hangs_on_need_not_be_readable(
    stage: Stage, changed: dict[str, str | None]
) -> None:
    status, told = await post(stage, sample(stage, **changed))
    await stage.settled()

    assert (status, told) == (200, "ok\n")
    [call] = await stage.calls(ADD)
    assert (call["user_id"], call["params"]["CHAT_ID"]) == (OLGA, str(CHAT))
    assert IVAN in await stage.members()


@ON_SQLITE
async def test_a_token_whose_owner_cannot_be_read_is_proven_first(stage: Stage) -> None:
    status, _ = await post(stage, sample(stage, **{"auth[user_id]": "me"}))
    await stage.settled()

    assert status == 200
    assert "profile" in [one["method"] for one in await stage.calls()]
    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize(
    ("data_2", "data_1", "item"),
    [("|||", "Y|DEAL|288|N|N|5", "288"), (None, "Y|DEAL|288", "288"), ("|||", "", "288")],
)
async def test_a_binding_that_cannot_be_read_is_looked_for_elsewhere(
    stage: Stage, data_2: str | None, data_1: str, item: str
) -> None:
    told = {"data[chat][entityData2]": data_2, "data[chat][entityData1]": data_1}

    await post(stage, sample(stage, **told))
    await stage.settled()

    [call] = await stage.calls(ADD)
    assert (call["params"]["CRM_ENTITY_TYPE"], call["params"]["CRM_ENTITY"]) == ("deal", item)


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"), [("ru", "теперь в этом чате."), ("en", "is now in this chat.")]
)
async def test_what_the_portal_brings_late_is_answered_privately(
    stage: Stage, language: str, words: str
) -> None:
    # Eleven minutes after a command the portal takes an answer to it, and posts nothing.
    await stage.faults(events={"delay": 2, "language": language})
    stage.portal.state.clock.advance(-660)
    await stage.type("/invite id12")
    stage.portal.state.clock.advance(660)
    await stage.settled()

    assert IVAN in await stage.members()
    assert not await stage.calls(ANSWER)
    [told] = await stage.told_privately()
    assert told == f"✅ [USER=12][/USER] {words}"


MOMENTS = {
    "just now": ("-5", ANSWER),
    "nine minutes ago": ("-540", ANSWER),
    "ten minutes ago": ("-600", SEND),
    "an hour ago": ("-3600", SEND),
    "in an hour": ("+3600", ANSWER),
    "two days ago": ("-172800", ANSWER),
}


@ON_SQLITE
@pytest.mark.parametrize("case", MOMENTS)
async def test_ten_minutes_count_from_the_moment_that_the_portal_tells(
    stage: Stage, case: str
) -> None:
    shift, way = MOMENTS[case]

    await post(stage, sample(stage, ts=str(int(time.time()) + int(shift))))
    await stage.settled()

    said = await stage.calls(ANSWER, SEND)
    assert said[0]["method"] == way
    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize("ts", ["", "0", "-1", "nan", "inf", "1e400", "1789000001000", "x", None])
async def test_a_moment_that_cannot_be_is_not_heeded(stage: Stage, ts: str | None) -> None:
    await post(stage, sample(stage, ts=ts))
    await stage.settled()

    assert (await stage.calls(ANSWER, SEND))[0]["method"] == ANSWER
