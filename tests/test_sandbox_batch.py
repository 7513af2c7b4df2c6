"""batch: order, references, outcomes, limits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from test_sandbox import Desk, bot_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def run(desk: Desk, cmd: Any, **more: Any) -> Any:
    return await desk.ask("batch", await desk.token(7), cmd=cmd, **more)


async def test_each_command_has_its_own_outcome(desk: Desk) -> None:
    answer = await run(
        desk, {"me": "profile", "bad": "im.user.get?ID=9999", "who": "user.get?ID=12"}
    )

    assert answer["result"].keys() == {"me", "who"}
    assert answer["result_error"]["bad"]["error"] == "USER_NOT_EXISTS"
    assert answer["result_total"] == {"who": 1}
    assert answer["result_next"] == []
    assert answer["result_time"].keys() == {"me", "bad", "who"}


async def test_empty_maps_and_numbered_results_are_lists(desk: Desk) -> None:
    assert (await run(desk, ["profile", "scope"]))["result_error"] == []
    assert len((await run(desk, ["profile", "scope"]))["result"]) == 2
    assert (await run(desk, ["nope", "profile"]))["result"].keys() == {"1"}
    nothing = await run(desk, {})
    assert all(part == [] for part in nothing.values())


async def test_later_commands_use_earlier_results(desk: Desk) -> None:
    answer = await run(
        desk,
        {
            "me": "user.current",
            "dep": "department.get?ID=$result[me][UF_DEPARTMENT][0]",
            "head": "im.user.get?ID=$result[dep][0][UF_HEAD]",
            "none": "im.user.get?ID=$result[nobody][ID]",
            "list": "im.department.get?ID=$result[me][UF_DEPARTMENT]",
        },
    )

    assert answer["result"]["dep"][0]["NAME"] == "Отдел поддержки"
    assert answer["result"]["head"]["id"] == 3
    assert answer["result_error"]["none"]["error"] == "ID_EMPTY"
    assert answer["result"]["list"][0]["id"] == 2


async def test_halt_stops_at_the_first_refusal(desk: Desk) -> None:
    cmd = {"a": "profile", "b": "nope", "c": "profile"}

    assert (await run(desk, cmd))["result"].keys() == {"a", "c"}
    for true in (1, True, "1", "Y", "N", "false", [0]):
        assert (await run(desk, cmd, halt=true))["result"].keys() == {"a"}, true
    for false in (0, False, "0", "", None, []):
        assert (await run(desk, cmd, halt=false))["result"].keys() == {"a", "c"}, false


async def test_nested_and_surplus_commands_fail_alone(desk: Desk) -> None:
    nested = await run(desk, {"in": "batch?cmd[a]=profile"})
    many = await run(desk, {f"c{n}": "profile" for n in range(52)})

    assert nested["result_error"]["in"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"
    assert len(many["result"]) == 50
    assert {e["error"] for e in many["result_error"].values()} == {"ERROR_BATCH_LENGTH_EXCEEDED"}


async def test_a_form_carries_commands_too(desk: Desk) -> None:
    token = await desk.token(7)
    form = {"cmd[me]": "profile", "cmd[who]": "im.user.get?ID=12", "halt": "0", "auth": token}
    async with desk.http.post(f"{desk.portal.url}/rest/batch.json", data=form) as response:
        body = await response.json()

    assert body["result"]["result"]["me"]["ID"] == "7"
    assert body["result"]["result"]["who"]["id"] == 12


async def test_scopes_are_checked_by_command_and_the_token_for_all(desk: Desk) -> None:
    await desk.fault(scopes=["imbot"])
    answer = await run(desk, {"a": "profile", "b": "im.user.get"})
    assert answer["result_error"]["b"]["error"] == "insufficient_scope"

    assert (await desk.rest("batch", "nonsense", cmd=["profile"]))[0] == 401


async def test_odd_commands_are_no_disaster(desk: Desk) -> None:
    answer = await run(desk, {"a": None, "b": {"x": 1}, "c": "?", "d": "profile?a=1&a[b]=2"})

    assert answer["result"] == []
    assert set(answer["result_error"]) == {"a", "b", "c", "d"}
    assert all(part == [] for part in (await run(desk, "profile")).values())
