"""Installing, by an event or a page: POST /bitrix24/install, and its proof."""

from typing import Any

import pytest
from aiohttp import ClientSession
from installing import address, event_of, portals, sent
from stage import BOT, CARD, OLGA, ON_SQLITE, Stage, bot_running

from bot.settings import Settings
from sandbox.server import Portal

REGISTERS = "imbot.v2.Bot.register"


@ON_SQLITE
async def test_registers_the_bot_and_its_commands_in_both_languages(empty_stage: Stage) -> None:
    assert await empty_stage.install() == 200

    [bot] = await empty_stage.calls(REGISTERS)
    fields = bot["params"]["fields"]
    assert fields["type"] == "bot"
    assert fields["isSupportOpenline"] is True
    assert fields["eventMode"] == "webhook"
    assert fields["webhookUrl"] == f"{empty_stage.settings.public_url}/bitrix24/events"
    commands = {
        one["params"]["fields"]["command"]: one["params"]["fields"]
        for one in await empty_stage.calls("imbot.v2.Command.register")
    }
    assert commands["invite"]["title"] == {
        "ru": "Позвать коллегу в этот чат",
        "en": "Bring a colleague into this chat",
    }
    assert commands["invite"]["params"] == {"ru": "@коллега", "en": "@colleague"}
    assert (commands["invite"]["common"], commands["help"]["common"]) == ("Y", "N")
    assert commands["invite"]["extranetSupport"] == "N"


async def test_doing_it_again_changes_nothing(stage: Stage) -> None:
    before = portals(stage), len(await stage.calls(REGISTERS, "imbot.v2.Command.register"))

    assert await stage.install() == 200

    again = portals(stage), len(await stage.calls(REGISTERS, "imbot.v2.Command.register"))
    assert again == before
    assert "теперь в этом чате" in await stage.say("/invite id12")


@ON_SQLITE
async def test_a_forged_installation_is_refused(empty_stage: Stage) -> None:
    for changed, reason in (
        ({"auth[refresh_token]": None}, "no refresh_token"),
        ({"auth[application_token]": None}, "no application_token"),
        ({"auth[refresh_token]": "made-up"}, "invalid_grant"),
        ({"auth[server_endpoint]": "https://evil.example/rest/"}, "not allowed"),
        ({"auth[server_endpoint]": "http://169.254.169.254/rest/"}, "not allowed"),
        ({"auth[member_id]": "0" * 32}, "another portal's"),
    ):
        status, told = await sent(empty_stage, event_of(empty_stage, 1, changed))

        assert (status, reason in told) == (403, True), (changed, told)
        assert portals(empty_stage) == [], changed


@ON_SQLITE
async def test_a_wrong_secret_of_the_bots_own_is_told_as_such(empty_stage: Stage) -> None:
    empty_stage.portal.state.app.client_secret = "another-secret"
    card = {name: address(empty_stage, path) for name, path in CARD.items()}
    page = {"user_id": 1, "which": "install", "language": "en", **card}

    status, told = await sent(empty_stage, event_of(empty_stage, 1, {}))
    opened = await empty_stage.post("open", page)
    async with empty_stage.session.post(opened["url"], data=opened["fields"]) as response:
        shown = await response.text()

    assert (status, "does not take the app's secret" in told) == (403, True), told
    assert response.status == 403
    assert "BITRIX24_CLIENT_SECRET is wrong" in shown
    assert "BITRIX24_CLIENT_ID" not in shown
    assert portals(empty_stage) == []


@ON_SQLITE
async def test_the_address_of_a_request_is_never_called(empty_stage: Stage) -> None:
    changed = {
        "auth[client_endpoint]": "https://evil.example/rest/",
        "auth[domain]": "evil.example",
    }

    status, _ = await sent(empty_stage, event_of(empty_stage, 1, changed))

    assert status == 200
    [portal] = portals(empty_stage)
    assert portal.client_endpoint == f"{empty_stage.portal.url}/rest/"


@ON_SQLITE
async def test_only_an_administrator_installs(empty_stage: Stage) -> None:
    status, told = await sent(empty_stage, event_of(empty_stage, OLGA, {}))

    assert (status, "no administrator" in told) == (403, True)
    assert portals(empty_stage) == []


@ON_SQLITE
async def test_a_portal_that_names_another_owner_of_the_token_is_not_believed(
    empty_stage: Stage,
) -> None:
    await empty_stage.faults(method="profile", result={"ID": str(OLGA)}, times=None)

    status, told = await sent(empty_stage, event_of(empty_stage, 1, {}))

    assert (status, "different owners" in told) == (403, True)
    assert portals(empty_stage) == []


async def test_a_spent_refresh_token_changes_nothing(stage: Stage) -> None:
    event = event_of(stage, 1, {"auth[application_token]": "another"})
    event["auth[refresh_token]"] = "spent"
    before = portals(stage)

    status, _ = await sent(stage, event)

    assert status == 403
    assert portals(stage) == before
    assert "теперь в этом чате" in await stage.say("/invite id12")


@ON_SQLITE
async def test_an_unreachable_authorization_server_is_a_reason_to_try_again(
    empty_stage: Stage,
) -> None:
    await empty_stage.faults(oauth="closed")

    status, _ = await sent(empty_stage, event_of(empty_stage, 1, {}))

    assert status == 503
    assert portals(empty_stage) == []


@ON_SQLITE
@pytest.mark.parametrize(
    "fault",
    [
        {"oauth_error": "temporarily_unavailable"},
        {"oauth_error": "QUERY_LIMIT_EXCEEDED"},
        {"method": "user.admin", "error": {"status": 401, "code": "CONNECTION_ERROR"}},
        {"method": "user.admin", "error": {"status": 503, "code": "QUERY_LIMIT_EXCEEDED"}},
        {"method": "app.info", "error": {"status": 500, "code": "INTERNAL_SERVER_ERROR"}},
        {"method": "user.admin", "result": None},
        {"method": "user.admin", "result": "perhaps"},
        {"method": "app.info", "result": []},
        {"method": "app.info", "result": {"ID": None}},
    ],
    ids=str,
)
async def test_an_answer_that_proves_nothing_is_a_reason_to_try_again(
    empty_stage: Stage, fault: dict[str, Any]
) -> None:
    if "error" in fault:
        fault = {**fault, "error": {"description": "Error connecting", **fault["error"]}}
    await empty_stage.faults(**fault)

    status, told = await sent(empty_stage, event_of(empty_stage, 1, {}))

    assert status == 503
    assert told.startswith("the installation could not be finished, ")
    assert told.endswith("try again\n")
    assert ("the authorization server does not answer" in told) == ("oauth_error" in fault)
    assert portals(empty_stage) == []


@ON_SQLITE
async def test_the_page_says_to_come_again_when_nobody_could_be_asked(empty_stage: Stage) -> None:
    told = {"status": 401, "code": "CONNECTION_ERROR", "description": "Error connecting"}
    await empty_stage.faults(method="user.admin", error=told)

    status, page = await _open_install_page(empty_stage)

    assert (status, "Сейчас не получилось" in page) == (503, True)
    assert "client_id" not in page


@ON_SQLITE
@pytest.mark.parametrize("answer", [None, 5, [], {"bot": []}, {"bot": {"id": "none"}}])
async def test_a_portal_that_gives_no_bot_is_a_reason_to_try_again(
    empty_stage: Stage, answer: object
) -> None:
    await empty_stage.faults(method="imbot.v2.Bot.register", result=answer, times=None)

    status, words = await sent(empty_stage, event_of(empty_stage, 1, {}))

    assert (status, words) == (503, "the installation could not be finished, try again\n")


@ON_SQLITE
@pytest.mark.parametrize("answer", [None, 5, [], {"commands": 5}, {"commands": [5, {}]}])
async def test_a_strange_list_of_commands_keeps_nobody_from_installing(
    empty_stage: Stage, answer: object
) -> None:
    await empty_stage.faults(method="imbot.v2.Command.list", result=answer)

    assert await empty_stage.install() == 200

    assert "теперь в этом чате" in await empty_stage.say("/invite id12")


@ON_SQLITE
async def test_anything_else_at_this_address_is_malformed(empty_stage: Stage) -> None:
    assert (await sent(empty_stage, event_of(empty_stage, 1, {"event": "ONAPPUPDATE"})))[0] == 400
    assert (await sent(empty_stage, {"x": "1"}))[0] == 400


@ON_SQLITE
async def test_events_of_a_portal_that_never_installed_are_refused(empty_stage: Stage) -> None:
    async with empty_stage.session.post(
        f"{empty_stage.settings.public_url}/bitrix24/events",
        data={
            "event": "ONIMBOTV2COMMANDADD",
            "auth[member_id]": "x",
            "auth[application_token]": "y",
        },
    ) as response:
        assert response.status == 403


@ON_SQLITE
async def test_an_address_with_a_slash_behind_it_installs(empty_stage: Stage) -> None:
    url = f"{empty_stage.settings.public_url}/bitrix24/install/"
    async with empty_stage.session.post(url, data=event_of(empty_stage, 1, {})) as response:
        assert (response.status, await response.text()) == (200, "installed\n")

    assert "теперь в этом чате" in await empty_stage.say("/invite id12")


async def test_a_page_installs_what_an_event_does(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage)

    assert status == 200
    for words in ("Портал подтверждён", "Бот зарегистрирован", "Команды добавлены", "Готово"):
        assert words in page
    [portal] = portals(empty_stage)
    assert portal.bot_id == BOT
    assert f'src="{empty_stage.portal.url}/api/v1/"' in page


@ON_SQLITE
async def test_who_leaves_the_page_leaves_no_half_of_an_installation(
    empty_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await empty_stage.faults(method="imbot.v2.Bot.update", delay=0.3)
    opened = await empty_stage.post(
        "open", {"user_id": 1, "which": "install", "handler": address(empty_stage, "install")}
    )
    async with empty_stage.session.post(opened["url"], data=opened["fields"]) as response:
        assert response.status == 200
        response.close()

    async def is_installed() -> bool:
        return [bool(one.registered) for one in portals(empty_stage)] == [True]

    await empty_stage.until(is_installed, patience=10)
    assert "Error handling request" not in caplog.text


@ON_SQLITE
async def test_the_page_says_that_an_administrator_is_needed(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage, owner=OLGA)

    assert (status, "Нужен администратор" in page) == (403, True)
    assert "BX24" not in page
    assert portals(empty_stage) == []


@ON_SQLITE
async def test_the_page_explains_what_is_missing(empty_stage: Stage) -> None:
    await empty_stage.faults(
        method="imbot.v2.Bot.register",
        error={"status": 403, "code": "insufficient_scope", "description": "x"},
    )

    _, page = await _open_install_page(empty_stage, language="en")

    assert "The app lacks permissions" in page
    assert "imbot, imopenlines, im, crm, department, user, sonet_group" in page
    assert "BX24" not in page

    _, page = await _open_install_page(empty_stage)
    assert "Готово" in page


@ON_SQLITE
async def test_a_forged_page_is_refused(empty_stage: Stage) -> None:
    status, page = await _open_install_page(empty_stage, REFRESH_ID="made-up")
    assert (status, "Портал не подтверждён" in page) == (403, True)

    status, page = await _open_install_page(empty_stage, SERVER_ENDPOINT="https://evil.example/")
    assert (status, "Портал не подтверждён" in page) == (403, True)
    assert portals(empty_stage) == []


async def _open_install_page(
    stage: Stage, *, owner: int = 1, language: str = "ru", **changed: str
) -> tuple[int, str]:
    opened = await stage.post(
        "open",
        {"user_id": 1, "which": "install", "handler": address(stage, "install"),
         "language": language},
    )  # fmt: skip
    fields = {**opened["fields"], **changed}
    if owner != 1:
        fields["REFRESH_ID"] = stage.portal.state.tokens.issue(owner, "app").refresh
    async with stage.session.post(opened["url"], data=fields) as response:
        return response.status, await response.text()


@ON_SQLITE
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(("private", "status"), [(False, 403), (True, 200)])
async def test_a_bot_on_the_internet_takes_no_portal_behind_it(
    portal: Portal, settings: Settings, host: str, private: bool, status: int
) -> None:
    """Whether the address tells it, or only what its name leads to."""
    portal.state.url = portal.url.replace("127.0.0.1", host)
    public = {"public_url": "https://bot.example.com", "private_portals": private}
    url = f"http://127.0.0.1:{settings.port}/bitrix24/install"
    async with ClientSession() as session, bot_running(settings.model_copy(update=public)):
        stage = Stage(portal, settings, session)
        async with session.post(url, data=event_of(stage, 1, {})) as response:
            told = await response.text()
        stage.engine.dispose()

    assert response.status == status
    assert ("the portal's address is not public" in told) is (status == 403)
    assert len(portals(stage)) == (status == 200)
