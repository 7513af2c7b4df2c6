"""Bots and their commands: registered, changed, listed, removed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk, desk_open


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def test_the_first_bot_is_456_and_its_code_its_key(desk: Desk) -> None:
    assert await desk.add_bot() == 456
    assert await desk.add_bot("helper", webhookUrl="http://127.0.0.1/other") == 456
    assert desk.portal.state.bots[456].webhook_url == f"{desk.origin}/events"
    assert await desk.add_bot("second") == 457


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"code": ""}, "BOT_CODE_REQUIRED"),
        ({"properties": {}}, "BOT_PROPERTIES_REQUIRED"),
        ({"properties": []}, "BOT_PROPERTIES_REQUIRED"),
        ({"type": "robot"}, "BOT_INVALID_TYPE"),
        ({"eventMode": "push"}, "BOT_INVALID_EVENT_MODE"),
        ({"webhookUrl": ""}, "BOT_WEBHOOK_URL_REQUIRED"),
        ({"webhookUrl": "ftp://bot.example"}, "BOT_INVALID_CALLBACK"),
        ({"webhookUrl": "http://localhost:8080/events"}, "BOT_INVALID_CALLBACK"),
        ({"webhookUrl": "https://bot/events"}, "BOT_INVALID_CALLBACK"),
        ({"webhookUrl": "http://x\r\ny"}, "BOT_INVALID_CALLBACK"),
    ],
)
async def test_wrong_bots_are_refused(fields: dict[str, Any], code: str) -> None:
    async with desk_open() as desk:
        await desk.install()
        asked = {
            "code": "x", "eventMode": "webhook", "webhookUrl": "http://127.0.0.1/",
            "properties": {"name": "X"},
        }  # fmt: skip

        assert (await desk.refusal("imbot.v2.Bot.register", fields=asked | fields))[:2] == (
            400, code,
        )  # fmt: skip


async def test_a_bot_is_updated_and_shown(desk: Desk) -> None:
    fields = {"properties": {"name": "Новый"}, "backgroundId": "mint", "isSupportOpenline": "N"}
    await desk.ask("imbot.v2.Bot.update", botId="456", fields=fields)

    shown = await desk.ask("imbot.v2.Bot.get", code="helper")

    assert shown["users"][0]["name"] == "Новый"
    assert (shown["bot"]["backgroundId"], shown["bot"]["isSupportOpenline"]) == ("mint", False)
    assert (await desk.ask("imbot.v2.Bot.get", botId=456))["bot"] == shown["bot"]
    assert (await desk.refusal("imbot.v2.Bot.get"))[1] == "PARAMS_REQUIRED"
    assert (await desk.refusal("imbot.v2.Bot.get", botId=1))[1] == "BOT_NOT_FOUND"
    listed = await desk.ask("imbot.v2.Bot.list", filter={"type": "bot"})
    assert ([b["id"] for b in listed["bots"]], listed["hasNextPage"]) == ([456], False)


async def test_names_of_parameters_are_exact_here(desk: Desk) -> None:
    assert (await desk.refusal("imbot.v2.Bot.update", BOTID=456))[1] == "BOT_ID_REQUIRED"


async def test_removing_a_bot_removes_all_that_is_its(desk: Desk) -> None:
    await desk.whisper("hello")
    await desk.ask("imbot.v2.Bot.unregister", botId=456)

    await desk.event("ONIMBOTV2DELETE")
    assert (await desk.refusal("imbot.v2.Command.list", botId=456))[1] == "BOT_NOT_FOUND"
    assert not [chat for chat in await desk.look("chats") if chat["kind"] == "private"]
    assert await desk.add_bot() == 457


async def test_commands_are_registered_once_and_never_changed_by_it(desk: Desk) -> None:
    first = await desk.add_command("remove", common=False)
    again = await desk.add_command("/remove", common=True)

    listed = (await desk.ask("imbot.v2.Command.list", botId=456))["commands"]

    assert first == again
    assert [(c["id"], c["botId"], c["command"]) for c in listed[:2]] == [
        ("def0", 0, "/me"), ("def1", 0, "/rename"),
    ]  # fmt: skip
    own = listed[2:]
    assert {c["command"]: c["common"] for c in own} == {"/invite": True, "/remove": False}
    assert own[0]["title"] == "invite"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": {"ru": "x"}}, "COMMAND_REQUIRED"),
        ({"command": ["x"], "title": {"ru": "x"}}, "COMMAND_NAME_INVALID"),
        ({"command": "x"}, "COMMAND_TITLE_REQUIRED"),
        ({"command": "x", "title": {"ru": "x"}, "common": "maybe"}, "100"),
    ],
)
async def test_wrong_commands_are_refused(desk: Desk, fields: dict[str, Any], code: str) -> None:
    refused = await desk.refusal("imbot.v2.Command.register", botId=456, fields=fields)

    assert refused[:2] == (400, code)


async def test_commands_are_updated_and_removed(desk: Desk) -> None:
    other = await desk.add_command("other")
    changed = await desk.ask(
        "imbot.v2.Command.update", botId=456, commandId=other,
        fields={"command": "third", "title": {"ru": None, "en": "Third"}},
    )  # fmt: skip
    assert changed["command"]["command"] == "/third"
    taken = {"command": "invite"}
    refused = await desk.refusal(
        "imbot.v2.Command.update", botId=456, commandId=other, fields=taken
    )
    assert refused[1] == "COMMAND_ALREADY_EXISTS"

    answer = await desk.ask("imbot.v2.Command.unregister", botId=456, commandId=other)

    assert answer == {"result": True}
    refused = await desk.refusal("imbot.v2.Command.unregister", botId=456, commandId=other)
    assert refused[1] == "COMMAND_NOT_FOUND"


async def test_the_revision_is_told(desk: Desk) -> None:
    assert (await desk.ask("imbot.v2.Revision.get"))["rest"] >= 33


async def test_a_box_that_lags_behind_knows_flat_commands_only(desk: Desk) -> None:
    register = "imbot.v2.Command.register"
    flat = {"command": "remove", "title": {"ru": "x"}, "common": True}
    assert (await desk.refusal(register, botId=456, **flat))[1] == "COMMAND_REQUIRED"
    await desk.fault(revision=32)

    assert (await desk.refusal("imbot.v2.Revision.get"))[:2] == (404, "ERROR_METHOD_NOT_FOUND")
    known = await desk.ask("method.get", name="imbot.v2.revision.get")
    assert known == {"isExisting": False, "isAvailable": False}
    assert "imbot.v2.Revision.get" not in await desk.ask("methods")
    assert (await desk.refusal(register, botId=456, fields=flat))[:2] == (400, "100")
    assert (await desk.ask(register, botId=456, **flat))["command"]["command"] == "/remove"
    assert (await desk.refusal(register, botId=456, command="x"))[1] == "COMMAND_TITLE_REQUIRED"

    await desk.fault(revision=33)
    assert (await desk.ask("imbot.v2.Revision.get"))["rest"] == 33
    await desk.add_command("escalate")


async def test_a_code_may_be_another_app_s(desk: Desk) -> None:
    await desk.fault(other_codes=["helper", "switchboard"])
    asked = {"code": "switchboard", "properties": {"name": "X"}}

    refused = await desk.refusal("imbot.v2.Bot.register", fields=asked)

    assert refused[:2] == (400, "BOT_CODE_ALREADY_TAKEN")
    assert await desk.add_bot("helper") == 456


async def test_fetch_mode_keeps_events_until_they_are_confirmed() -> None:
    async with desk_open() as desk:
        await desk.install()
        await desk.add_bot(eventMode="fetch", webhookUrl="")
        await desk.add_command("invite")
        assert (await desk.ask("imbot.v2.Event.get", botId=456)) == {
            "events": [], "nextOffset": 0, "hasMore": False,
        }  # fmt: skip
        await desk.say("/invite a\n/invite b")

        page = await desk.ask("imbot.v2.Event.get", botId=456, limit=1)
        rest = await desk.ask("imbot.v2.Event.get", botId=456, offset=page["nextOffset"])

        assert page["hasMore"]
        assert page["events"][0]["type"] == "ONIMBOTV2COMMANDADD"
        assert page["events"][0]["data"]["user"]["id"] == 7
        assert "auth" not in page["events"][0]["data"]["bot"]
        assert [e["data"]["command"]["params"] for e in rest["events"]] == ["b"]
        done = await desk.ask("imbot.v2.Event.get", botId=456, offset=rest["nextOffset"])
        assert (done["events"], done["nextOffset"]) == ([], rest["nextOffset"])
        assert await desk.look("deliveries") == []


async def test_in_fetch_mode_a_private_press_has_no_chat_and_a_day_ends_all() -> None:
    async with desk_open() as desk:
        await desk.install()
        await desk.add_bot(eventMode="fetch", webhookUrl="")
        await desk.add_command("invite")
        await desk.whisper("привет")
        keyboard = [{"TEXT": "да", "COMMAND": "invite"}]
        for dialog in ("7", "chat8773"):
            if dialog != "7":
                desk.portal.state.chats[8773].members.append(456)
            fields = {"message": "?", "keyboard": keyboard}
            sent = await desk.ask(
                "imbot.v2.Chat.Message.send", botId=456, dialogId=dialog, fields=fields
            )
            await desk.control("presses", message_id=sent["id"], button=0, user_id=7)

        events = (await desk.ask("imbot.v2.Event.get", botId=456))["events"]
        pressed = [one["data"] for one in events if one["type"] == "ONIMBOTV2COMMANDADD"]
        assert pressed[0]["chat"] == []
        assert pressed[1]["chat"]["dialogId"] == "chat8773"

        await desk.fault(clock=24 * 3600 + 1)
        left = await desk.ask("imbot.v2.Event.get", await desk.token(7), botId=456)
        assert left["events"] == []
