"""Python clients that others wrote call the stand-in portal unchanged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from b24pysdk import Config
from b24pysdk.credentials import BitrixApp, BitrixToken, OAuthEventData, OAuthPlacementData
from b24pysdk.errors import (
    BitrixAPIError,
    BitrixAPIExpiredToken,
    BitrixAPIOperationTimeLimit,
    BitrixAPIQueryLimitExceeded,
)
from fast_bitrix24 import BitrixAsync
from test_sandbox import Desk, bot_desk
from tls import https

from sandbox.model import User

CLIENT_ID, CLIENT_SECRET = "local.switchboard", "sandbox-secret"
PORTAL, AUTHORIZATION = "portal.bitrix24.test", "oauth.bitrix24.tech"
BUSY = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}
CROWD = 120


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        for number in range(1000, 1000 + CROWD):
            desk.portal.state.users[number] = User(number, f"N{number}", departments=[5])
        yield desk


def everybody(desk: Desk) -> set[str]:
    """The ids of all whom `user.get` lists."""
    users = desk.portal.state.users.values()
    return {str(user.id) for user in users if user.kind in {"employee", "extranet"}}


# The official SDK, b24pysdk. It knows https and one authorization server only.


class Sdk:
    """The SDK, its calls made beside the loop that the portal runs in."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.app = BitrixApp(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    async def visitor(self, user: int = 7) -> tuple[OAuthPlacementData, BitrixToken]:
        """What the app's page gets, read by the SDK."""
        _, page = await self.desk.control("open", user_id=user)
        query = {key: values[0] for key, values in parse_qs(urlsplit(page["url"]).query).items()}
        placed = OAuthPlacementData.from_dict({**query, **page["fields"]})
        return placed, BitrixToken.from_oauth_placement_data(placed, self.app)

    async def token(self) -> BitrixToken:
        return (await self.visitor())[1]

    async def do(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            # The settings are each thread's own.
            Config().configure(default_initial_retry_delay=0.05, default_retry_delay_increment=0)
            return act(*args, **kwargs)

        return await asyncio.to_thread(run)


class Unrenewed(BitrixToken):
    """A token of which the SDK is told not to renew it."""

    _AUTO_REFRESH_EXPIRED_TOKEN = False


@pytest.fixture
async def sdk(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sdk]:
    state = desk.portal.state
    sites = {PORTAL: desk.portal.url, AUTHORIZATION: desk.portal.oauth_url}
    with https(sites, tmp_path) as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        # As behind a front that ends TLS: the portal says its outer names.
        state.url, state.oauth_url = f"https://{PORTAL}", f"https://{AUTHORIZATION}"
        yield Sdk(desk)


async def test_sdk_calls(sdk: Sdk) -> None:
    token = await sdk.token()

    answer = await sdk.do(token.call_method, "profile")
    assert answer["result"]["ID"] == "7"
    client = token.get_client()
    response = await sdk.do(lambda: client.user.get(filter={"ID": 12}).response)
    assert [row["WORK_POSITION"] for row in response.result] == ["Юрист"]
    arguments = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": 12, "CHAT_ID": 8773}
    added = await sdk.do(token.call_method, "imopenlines.crm.chat.user.add", arguments)
    assert added["result"] == 8773
    assert (await sdk.desk.look("chats/8773"))["members"] == [7, 599, 12]


async def test_sdk_batches(sdk: Sdk) -> None:
    token = await sdk.token()
    methods: dict[str, tuple[str, dict[str, Any]]] = {
        "me": ("user.current", {}),
        "department": ("department.get", {"ID": "$result[me][UF_DEPARTMENT][0]"}),
        "nobody": ("crm.deal.get", {"id": 5}),
    }

    outcome = (await sdk.do(token.call_batch, methods))["result"]
    assert outcome["result"]["department"][0]["NAME"] == "Отдел поддержки"
    assert outcome["result_error"]["nobody"]["error_description"]
    many = {f"c{number}": ("user.get", {"ID": number}) for number in range(1000, 1000 + CROWD)}
    batches = await sdk.do(token.call_batches, many)
    assert len(batches["result"]["result"]) == CROWD


async def test_sdk_lists_all_pages(sdk: Sdk) -> None:
    token = await sdk.token()

    listed = await sdk.do(token.call_list, "user.get")
    assert {row["ID"] for row in listed["result"]} == everybody(sdk.desk)
    fast = await sdk.do(lambda: list(token.call_list_fast("user.get")["result"]))
    assert {row["ID"] for row in fast} == everybody(sdk.desk)
    items = await sdk.do(token.call_list, "crm.item.list", {"entityTypeId": 2})
    assert [item["id"] for item in items["result"]] == [288, 300, 301]


async def test_sdk_exchanges_a_code_and_renews_what_has_expired(sdk: Sdk) -> None:
    # The SDK insists on a `user_id` that the documented answer to a code has not.
    await sdk.desk.fault(code_tells_owner=True)
    code = sdk.desk.portal.state.tokens.issue_code(7)
    renewed = await sdk.do(sdk.app.get_oauth_token, code)
    token = BitrixToken.from_oauth(renewed, sdk.app)
    first = token.auth_token
    await sdk.desk.fault(tokens="expired")

    assert (await sdk.do(token.call_method, "profile"))["result"]["ID"] == "7"

    assert token.auth_token != first
    grants = [(row["grant"], row["error"]) for row in await sdk.desk.look("refreshes")]
    assert grants == [("authorization_code", None), ("refresh_token", None)]


async def test_sdk_reads_refusals(sdk: Sdk) -> None:
    token = await sdk.token()

    with pytest.raises(BitrixAPIError) as unknown:
        await sdk.do(token.call_method, "no.such.method")
    assert unknown.value.error == "ERROR_METHOD_NOT_FOUND"
    limit = {"status": 429, "code": "OPERATION_TIME_LIMIT", "description": "Blocked"}
    await sdk.desk.fault(method="profile", error=limit)
    with pytest.raises(BitrixAPIOperationTimeLimit):
        await sdk.do(token.call_method, "profile")
    bare = Unrenewed(domain=PORTAL, auth_token=token.auth_token, bitrix_app=sdk.app)
    await sdk.desk.fault(tokens="expired")
    with pytest.raises(BitrixAPIExpiredToken):
        await sdk.do(bare.call_method, "profile")


async def test_sdk_waits_when_the_portal_is_busy(sdk: Sdk) -> None:
    token = await sdk.token()
    await sdk.desk.fault(method="profile", times=1, error=BUSY)

    assert (await sdk.do(token.call_method, "profile"))["result"]["ID"] == "7"

    await sdk.desk.fault(method="profile", times=None, error=BUSY)
    with pytest.raises(BitrixAPIQueryLimitExceeded):
        await sdk.do(token.call_method, "profile", max_retries=2)
    statuses = [call["status"] for call in await sdk.desk.look("calls")][-4:]
    assert statuses == [503, 200, 503, 503]


async def test_sdk_reads_events_and_proves_them(sdk: Sdk) -> None:
    await sdk.desk.say("/invite [USER=12]Иван Петров[/USER]")
    body = (await sdk.desk.event("ONIMBOTV2COMMANDADD"))["body"]

    event = OAuthEventData.from_dict(dict(parse_qsl(body)))

    assert (event.event, event.auth.user_id) == ("ONIMBOTV2COMMANDADD", 7)
    assert event.data is not None
    assert event.data["command"]["params"] == "[USER=12]Иван Петров[/USER]"
    assert event.auth.application_token == sdk.desk.portal.state.app.application_token
    info = await sdk.do(event.get_app_info, sdk.app)
    assert event.validate_against_app_info(info)
    token = BitrixToken.from_oauth_event_data(event, sdk.app)
    assert (await sdk.do(token.call_method, "profile"))["result"]["ID"] == "7"


async def test_sdk_reads_the_page_s_request_and_proves_it(sdk: Sdk) -> None:
    placed, token = await sdk.visitor(15)

    info = (await sdk.do(token.get_app_info)).result

    assert placed.validate_against_app_info(info)
    assert (info.client_id, info.user_id, info.install.installed) == (CLIENT_ID, 15, True)


# fast_bitrix24: told an address and a way to get tokens.


class Keys:
    """Gives a token when it is asked for one, and knows how often it was."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.asked = 0

    async def token(self) -> str:
        self.asked += 1
        return await self.desk.token(7)


@pytest.fixture
def keys(desk: Desk) -> Keys:
    return Keys(desk)


@pytest.fixture
def fast(desk: Desk, keys: Keys) -> BitrixAsync:
    async def token() -> str:
        return await keys.token()

    return BitrixAsync(f"{desk.portal.url}/rest/", token_func=token, verbose=False)


async def test_fast_client_calls_and_batches(fast: BitrixAsync) -> None:
    assert (await fast.call("profile", {}, raw=True))["result"]["ID"] == "7"
    found = await fast.call_batch(
        {"halt": 0, "cmd": {"a": "user.get?ID=12", "b": "department.get?ID=5"}}
    )
    assert found["b"][0]["NAME"] == "Право"
    by_id = await fast.get_by_ID("crm.deal.get", [288, 300])
    assert {key: item["TITLE"] for key, item in by_id.items()} == {
        "288": "Поставка оборудования",
        "300": "Договор без переписки",
    }


async def test_fast_client_gets_all_pages(fast: BitrixAsync, desk: Desk) -> None:
    listed = await fast.get_all("user.get")

    assert {row["ID"] for row in listed} == everybody(desk)
    assert len(listed) == len(everybody(desk))
    assert any(call["method"] == "batch" for call in await desk.look("calls"))


async def test_fast_client_asks_for_another_token(
    fast: BitrixAsync, desk: Desk, keys: Keys
) -> None:
    await fast.call("profile", {}, raw=True)
    await desk.fault(tokens="expired")

    assert (await fast.call("profile", {}, raw=True))["result"]["ID"] == "7"
    assert keys.asked == 2


async def test_fast_client_waits_when_the_portal_is_busy(fast: BitrixAsync, desk: Desk) -> None:
    await desk.fault(method="profile", times=2, error=BUSY)

    assert (await fast.call("profile", {}, raw=True))["result"]["ID"] == "7"
    assert [call["status"] for call in await desk.look("calls")][-3:] == [503, 503, 200]
