"""The authorization server and the portal's authorization page."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from test_sandbox import Desk, bot_desk, desk_open

APP = {"client_id": "local.switchboard", "client_secret": "sandbox-secret"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def exchange(desk: Desk, post: bool = False, **fields: Any) -> tuple[int, Any]:
    url = f"{desk.portal.oauth_url}/oauth/token/"
    asked = {**APP, **fields}
    sending = desk.http.post(url, data=asked) if post else desk.http.get(url, params=asked)
    async with sending as response:
        return response.status, await response.json()


async def authorized(desk: Desk, **query: Any) -> dict[str, str]:
    url = f"{desk.portal.url}/oauth/authorize/"
    asked = {"client_id": APP["client_id"], "state": "s&1", **query}
    async with desk.http.get(url, params=asked, allow_redirects=False) as response:
        assert response.status == 302
        location = response.headers["Location"]
    assert location.startswith(f"{desk.origin}/oauth?")
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


async def test_a_code_becomes_a_pair_once(desk: Desk) -> None:
    back = await authorized(desk)
    assert back["state"] == "s&1"
    assert back["domain"] == urlsplit(desk.portal.url).netloc
    assert back["server_domain"] == urlsplit(desk.portal.oauth_url).netloc
    assert back["member_id"] == desk.portal.state.settings.member_id
    assert "imopenlines" in back["scope"].split(",")

    status, pair = await exchange(desk, grant_type="authorization_code", code=back["code"])

    assert (status, pair["expires_in"]) == (200, 3600)
    assert "user_id" not in pair
    assert pair["client_endpoint"] == f"{desk.portal.url}/rest/"
    assert pair["server_endpoint"] == f"{desk.portal.oauth_url}/rest/"
    assert pair["domain"] == urlsplit(desk.portal.oauth_url).netloc
    assert (await desk.ask("profile", pair["access_token"]))["ID"] == "7"
    again = await exchange(desk, grant_type="authorization_code", code=back["code"])
    assert (again[0], again[1]["error"]) == (400, "invalid_grant")


async def test_the_answer_to_a_code_may_tell_whose_it_is(desk: Desk) -> None:
    await desk.fault(code_tells_owner=True)
    code = (await authorized(desk))["code"]

    assert (await exchange(desk, grant_type="authorization_code", code=code))[1]["user_id"] == 7


async def test_a_code_lives_thirty_seconds(desk: Desk) -> None:
    back = await authorized(desk)
    await desk.fault(clock=31)

    _, body = await exchange(desk, grant_type="authorization_code", code=back["code"])

    assert body["error"] == "invalid_grant"


async def test_the_visitor_is_the_cookie_s_or_the_query_s(desk: Desk) -> None:
    desk.http.cookie_jar.update_cookies({"sandbox_user": "15"})
    url = f"{desk.portal.url}/oauth/authorize/?client_id={APP['client_id']}"
    headers = {"Cookie": "sandbox_user=15"}
    async with desk.http.get(url, headers=headers, allow_redirects=False) as response:
        code = parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]
    _, pair = await exchange(desk, grant_type="authorization_code", code=code)
    assert (await desk.ask("profile", pair["access_token"]))["ID"] == "15"

    code = (await authorized(desk, user_id=3))["code"]
    _, pair = await exchange(desk, grant_type="authorization_code", code=code)
    renew = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    assert (await exchange(desk, **renew))[1]["user_id"] == 3


@pytest.mark.parametrize("user", [33, 456, 599, 999, "x"])
async def test_those_without_access_get_no_redirect(desk: Desk, user: Any) -> None:
    url = f"{desk.portal.url}/oauth/authorize/"
    asked = {"client_id": APP["client_id"], "user_id": user}
    async with desk.http.get(url, params=asked, allow_redirects=False) as response:
        assert response.status == 403


async def test_unknown_apps_get_no_redirect() -> None:
    async with desk_open() as desk:
        for client in (APP["client_id"], "local.other"):
            url = f"{desk.portal.url}/oauth/authorize/?client_id={client}"
            async with desk.http.get(url, allow_redirects=False) as response:
                assert response.status == 400


async def test_refresh_tokens_rotate(desk: Desk) -> None:
    _, page = await desk.control("open", user_id=7)
    old = page["fields"]["REFRESH_ID"]

    status, pair = await exchange(desk, post=True, grant_type="refresh_token", refresh_token=old)

    assert (status, pair["user_id"]) == (200, 7)
    assert pair["refresh_token"] != old
    assert (await exchange(desk, grant_type="refresh_token", refresh_token=old))[1]["error"] == (
        "invalid_grant"
    )
    assert (await exchange(desk, grant_type="refresh_token", refresh_token=pair["refresh_token"]))[
        0
    ] == 200
    refreshes = await desk.look("refreshes")
    assert [row["error"] for row in refreshes] == [None, "invalid_grant", None]
    assert old not in str(refreshes)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "local.other"}, "invalid_client"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
    ],
)
async def test_documented_errors(desk: Desk, fields: dict[str, str], error: str) -> None:
    status, body = await exchange(desk, **{"grant_type": "refresh_token", **fields})

    assert (status, body["error"]) == (400, error)


async def test_expired_and_revoked_pairs(desk: Desk) -> None:
    _, page = await desk.control("open", user_id=7)
    access, refresh = page["fields"]["AUTH_ID"], page["fields"]["REFRESH_ID"]

    await desk.fault(tokens="expired", user_id=7)
    assert (await desk.refusal("profile", access))[1] == "expired_token"
    assert await desk.ask("user.admin") is True
    _, pair = await exchange(desk, grant_type="refresh_token", refresh_token=refresh)
    assert (await desk.ask("profile", pair["access_token"]))["ID"] == "7"

    await desk.fault(tokens="revoked", user_id=7)
    assert (await desk.refusal("profile", pair["access_token"]))[1] == "expired_token"
    _, dead = await exchange(desk, grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert dead["error"] == "invalid_grant"


async def test_the_server_s_faults(desk: Desk) -> None:
    _, page = await desk.control("open", user_id=7)
    asked = {"grant_type": "refresh_token", "refresh_token": page["fields"]["REFRESH_ID"]}

    await desk.fault(oauth="closed")
    assert (await exchange(desk, **asked))[0] == 503
    await desk.fault(oauth="open")
    await desk.fault(oauth_error="PAYMENT_REQUIRED")
    assert (await exchange(desk, **asked))[0] == 402
    await desk.fault(oauth_error=None)
    await desk.fault(oauth="slow", delay=0.01)
    assert (await exchange(desk, **asked))[0] == 200


async def trusted_info(desk: Desk, token: str, path: str = "app.info") -> Any:
    """What the authorization server says about a token."""
    url = f"{desk.portal.oauth_url}/rest/{path}?auth={token}"
    async with desk.http.get(url) as response:
        return (await response.json())["result"]


@pytest.mark.parametrize("path", ["app.info", "app.info/", "app.info.json"])
async def test_the_authorization_server_tells_whose_a_token_is(desk: Desk, path: str) -> None:
    trusted = await trusted_info(desk, desk.app_token, path)

    assert (trusted["client_id"], trusted["user_id"]) == (APP["client_id"], 1)
    assert trusted["install"]["member_id"] == desk.portal.state.settings.member_id
    assert trusted["install"]["installed"] is True
    assert (await desk.ask("app.info"))["STATUS"] == trusted["install"]["status"] == "L"


async def test_the_authorization_server_knows_no_other_tokens(desk: Desk) -> None:
    async with desk.http.get(f"{desk.portal.oauth_url}/rest/app.info?auth=x") as response:
        assert (response.status, (await response.json())["error"]) == (401, "NO_AUTH_FOUND")


@pytest.mark.parametrize("code", ["NO_AUTH_FOUND", "invalid_token"])
@pytest.mark.parametrize("user", [7, 456])
async def test_a_pair_that_the_portal_does_not_know_can_be_renewed(
    desk: Desk, user: int, code: str
) -> None:
    pair = desk.portal.state.tokens.issue(user, "user")
    anna = await desk.token(15)

    await desk.fault(tokens="disowned", user_id=user, code=code)

    assert (await desk.refusal("profile", pair.access))[:2] == (401, code)
    assert (await desk.refusal("batch", pair.access, cmd=["profile"]))[:2] == (401, code)
    assert (await desk.ask("profile", anna))["ID"] == "15"
    _, fresh = await exchange(desk, grant_type="refresh_token", refresh_token=pair.refresh)
    assert (await desk.ask("profile", fresh["access_token"]))["ID"] == str(user)


async def test_a_pair_can_be_unknown_for_good(desk: Desk) -> None:
    pair = desk.portal.state.tokens.issue(7, "user")

    await desk.fault(tokens="disowned")
    await desk.fault(tokens="revoked")

    assert (await desk.refusal("profile", pair.access))[:2] == (401, "NO_AUTH_FOUND")
    _, body = await exchange(desk, grant_type="refresh_token", refresh_token=pair.refresh)
    assert body["error"] == "invalid_grant"
    assert (await desk.ask("profile", await desk.token(7)))["ID"] == "7"


async def test_the_portal_s_clock_can_be_ahead_of_every_token(desk: Desk) -> None:
    await desk.fault(tokens="always_expired")
    pair = desk.portal.state.tokens.issue(7, "user")

    _, fresh = await exchange(desk, grant_type="refresh_token", refresh_token=pair.refresh)

    token = fresh["access_token"]
    assert (await desk.refusal("profile", token))[:2] == (401, "expired_token")
    assert (await desk.refusal("batch", token, cmd=["profile"]))[:2] == (401, "expired_token")
    assert (await desk.refusal("profile", "made-up"))[1] == "NO_AUTH_FOUND"
    assert (await trusted_info(desk, token))["user_id"] == 7
    await desk.fault(tokens="normal")
    assert (await desk.ask("profile", token))["ID"] == "7"


async def test_the_tokens_of_who_is_dismissed_are_good_for_nothing(desk: Desk) -> None:
    token = await desk.token(7)

    await desk.fault(user={"id": 7, "active": False})

    assert await desk.ask("profile", token) == []
    assert (await desk.refusal("app.info", token))[:2] == (401, "authorization_error")
    assert (await desk.refusal("batch", token, cmd=["profile"]))[1] == "authorization_error"


async def test_a_renewed_licence_gives_the_portal_another_id(desk: Desk) -> None:
    pair = desk.portal.state.tokens.issue(7, "user")
    await desk.add_command("invite")
    await desk.fault(member_id="b" * 32)

    _, fresh = await exchange(desk, grant_type="refresh_token", refresh_token=pair.refresh)
    assert fresh["member_id"] == "b" * 32
    info = await trusted_info(desk, fresh["access_token"])
    assert info["install"]["member_id"] == "b" * 32
    await desk.say("/invite x")
    event = await desk.event("ONIMBOTV2COMMANDADD")
    assert event["auth"]["member_id"] == event["data"]["bot"]["auth"]["member_id"] == "b" * 32
    await desk.fault(member_id=None)
    assert (await authorized(desk))["member_id"] == desk.portal.state.settings.member_id
