"""The official JavaScript SDK calls the stand-in portal unchanged."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from npm import from_npm
from test_sandbox import Desk, bot_desk

from sandbox.model import User

SDK = "@bitrix24/b24jssdk@2.2.0"
SCRIPT = Path(__file__).parent / "foreign_client.cjs"
BUSY = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK, as npm installs it."""
    return from_npm(SDK, tmp_path_factory.mktemp("node"))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk("invite") as desk:
        yield desk


async def play(desk: Desk, folder: Path, *steps: dict[str, Any], expired: bool = False) -> Any:
    """What the SDK gives for these steps, with the tokens of user 7."""
    state = desk.portal.state
    token = state.tokens.issue(7, "user")
    auth = {
        "applicationToken": state.app.application_token,
        "userId": 7,
        "memberId": state.settings.member_id,
        "accessToken": token.access,
        "refreshToken": token.refresh,
        "expires": int(token.expires_at),
        "expiresIn": 3600,
        "scope": ",".join(state.app.scopes),
        "domain": state.domain,
        "clientEndpoint": state.client_endpoint,
        "serverEndpoint": state.server_endpoint,
        "status": "L",
    }
    if expired:
        state.tokens.expire(7)
    secret = {"clientId": state.app.client_id, "clientSecret": state.app.client_secret}
    asked = json.dumps({"auth": auth, "secret": secret, "steps": steps})
    process = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), str(folder), asked, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(60):
        answer, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    return json.loads(answer)


async def test_sdk_calls_and_batches(desk: Desk, node_modules: Path) -> None:
    arguments = {"CRM_ENTITY_TYPE": "deal", "CRM_ENTITY": 288, "USER_ID": 12, "CHAT_ID": 8773}
    calls = {
        "me": {"method": "user.current"},
        "department": {"method": "department.get", "params": {"ID": 5}},
        "nobody": {"method": "crm.deal.get", "params": {"id": 5}},
    }

    played = await play(
        desk,
        node_modules,
        {"act": "call", "method": "profile"},
        {"act": "call", "method": "imopenlines.crm.chat.user.add", "params": arguments},
        {"act": "batch", "calls": calls},
    )

    profile, added, batch = played["results"]
    assert (profile["ID"], added) == ("7", 8773)
    assert (batch["me"]["ID"], batch["department"][0]["NAME"]) == ("7", "Право")
    assert "nobody" not in batch
    assert (await desk.look("chats/8773"))["members"] == [7, 599, 12]


async def test_sdk_lists_all_pages(desk: Desk, node_modules: Path) -> None:
    users = desk.portal.state.users
    for number in range(1000, 1120):
        users[number] = User(number, f"N{number}", departments=[5])

    played = await play(desk, node_modules, {"act": "list", "method": "user.get"})

    everybody = {str(one.id) for one in users.values() if one.kind in {"employee", "extranet"}}
    assert set(played["results"][0]) == everybody


async def test_sdk_renews_what_has_expired(desk: Desk, node_modules: Path) -> None:
    step = {"act": "call", "method": "profile"}

    played = await play(desk, node_modules, step, step, expired=True)

    assert [result["ID"] for result in played["results"]] == ["7", "7"]
    assert len(played["renewed"]) == 1
    assert [row["error"] for row in await desk.look("refreshes")] == [None]


async def test_sdk_waits_when_the_portal_is_busy(desk: Desk, node_modules: Path) -> None:
    await desk.fault(method="profile", times=1, error=BUSY)

    played = await play(desk, node_modules, {"act": "call", "method": "profile"})

    assert played["results"][0]["ID"] == "7"
    calls = [one for one in await desk.look("calls") if one["method"] == "profile"]
    assert [one["status"] for one in calls] == [503, 200]


async def test_sdk_reads_refusals(desk: Desk, node_modules: Path) -> None:
    played = await play(
        desk,
        node_modules,
        {"act": "call", "method": "no.such.method"},
        {"act": "call", "method": "crm.item.get", "params": {"entityTypeId": 2, "id": 5}},
    )

    assert played["results"] == [{"refused": "ERROR_METHOD_NOT_FOUND"}, {"refused": "NOT_FOUND"}]
