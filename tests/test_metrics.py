"""GET /metrics: what the bot counts of itself, and who may see it."""

import ast
import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from aiohttp import ClientSession
from app_page import opened, posted, words_of
from escalating import ended, takes, time_passes
from process import bot_process, ready
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from stage import CUSTOMER, IVAN, OLGA, ON_POSTGRESQL, ON_SQLITE, RESPONSIBLE, Stage

from bot.bitrix24.documented import METHODS
from bot.figures import OTHER
from bot.inbox.escalations import How
from bot.settings import Settings
from sandbox.server import Portal

ROOT = Path(__file__).parents[1]
TOKEN = "the-token-of-prometheus"
WATCHED = pytest.mark.settings(metrics_token=TOKEN)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@WATCHED
async def test_a_command_is_counted_from_its_event_to_its_reply(stage: Stage) -> None:
    before = await figures(stage)
    await stage.say("/invite id12")

    after = await figures(stage)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("events_total", result="stored") == 1
    assert grown("commands_total", command="invite", outcome="done", code="") == 1
    for name in ("event_to_200", "event_to_action", "event_to_reply"):
        assert grown(f"{name}_seconds_count") == 1
        assert 0 < grown(f"{name}_seconds_sum") < 10
        assert grown(f"{name}_seconds_bucket", le="10.0") == 1
    assert grown("rest_calls_total", method="batch", result="ok") == 1
    assert grown("rest_calls_total", method="imopenlines.crm.chat.user.add", result="ok") == 1
    assert grown("rest_calls_total", method="imbot.v2.Command.answer", result="ok") == 1
    assert grown("rest_call_seconds_count") == grown("bucket_wait_seconds_count") == 2
    assert value(after, "waiting_commands", state="ready") == 0
    assert value(after, "portals") == 1


@WATCHED
@ON_SQLITE
async def test_what_goes_wrong_is_counted_by_its_reason(stage: Stage) -> None:
    await stage.faults(method="imopenlines.crm.chat.user.add", error=refusal("NEW_ONE"))
    await stage.say("/invite id12")
    await stage.say("/invite")
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.faults(events={"tokens": "none"})
    await stage.say("/invite id15")
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.say("/invite id21")
    await stage.type("/invite id12", user=CUSTOMER)
    for body in (b"nonsense=1", b"x" * (1024 * 1024 + 1)):
        async with stage.session.post(
            f"{stage.settings.public_url}/bitrix24/events", data=io.BytesIO(body)
        ):
            pass
    await stage.settled()

    seen = await figures(stage)

    add = "imopenlines.crm.chat.user.add"
    assert value(seen, "rest_calls_total", method=add, result="unknown") == 1
    assert value(seen, "unknown_error_codes_total", method=add) == 1
    told = {"command": "invite", "outcome": "refused", "code": "unknown_refusal"}
    assert value(seen, "commands_total", **told) == 1
    assert value(seen, "rest_calls_total", method="batch", result="expired_token") == 2
    # The installation has proven itself by one, too.
    assert value(seen, "token_refreshes_total", result="ok") == 2
    assert value(seen, "token_refreshes_total", result="refused") == 1
    waits = {"command": "invite", "outcome": "waits", "code": "permission_needed"}
    assert value(seen, "commands_total", **waits) == 1
    assert value(seen, "waiting_commands", state="person") == 1
    assert value(seen, "events_refused_total", reason="malformed") == 1
    assert value(seen, "events_refused_total", reason="too_large") == 1
    assert value(seen, "events_total", result="refused") == 2


@WATCHED
async def test_escalations_are_counted_by_their_end(stage: Stage) -> None:
    assert value(await figures(stage), "escalations_total", end="nobody") == 0
    await stage.say("/escalate")
    await time_passes(stage, 100)
    await takes(stage, RESPONSIBLE)
    await ended(stage, "taken")
    await stage.say("/escalate deal 301 --yes")
    await stage.say("/undo")

    seen = await figures(stage)

    counted = [value(seen, "escalations_total", end=end) for end in get_args(How)]
    assert dict(zip(get_args(How), counted, strict=True)) == {
        "taken": 1, "nobody": 0, "stopped": 0, "undone": 1,
    }  # fmt: skip
    bucket = "escalation_to_taken_seconds_bucket"
    assert value(seen, bucket, le="60.0") == 0
    assert value(seen, bucket, le="120.0") == value(seen, bucket, le="+Inf") == 1
    assert 100 <= value(seen, "escalation_to_taken_seconds_sum") < 110
    _, page = await opened(stage, 1)
    journal = words_of((await posted(stage, page, view="journal")).replace("</dd>", " "))
    assert re.search(
        r"приняты1 .*отменены1 половину приняли не позже чем через1 мин 4\d с", journal
    )


@WATCHED
@ON_SQLITE
async def test_nobody_can_make_labels_up(stage: Stage) -> None:
    for number in range(3):
        await stage.whisper(f"/made-up-{number}")
        await stage.faults(method="im.chat.user.list", error=refusal(f"MADE_UP_{number}"))
        await stage.say("/who")
    await stage.settled()

    told = await exposed(stage)

    assert "made-up" not in told.lower().replace("_", "-")
    assert stage.portal.state.settings.member_id not in told
    assert "127.0.0.1" not in told
    labels = {name for name, _ in label_pairs(told)}
    assert labels == {
        "command", "outcome", "code", "method", "result", "reason", "state", "change", "end", "le"
    }  # fmt: skip
    assert ("command", OTHER) in set(label_pairs(told))
    assert {value for name, value in label_pairs(told) if name == "method"} <= METHODS
    assert not {str(IVAN), str(OLGA)} & {value for _, value in label_pairs(told)}


@ON_SQLITE
async def test_without_a_token_there_are_no_figures(stage: Stage) -> None:
    assert await asked(stage, TOKEN) == (404, "no figures: METRICS_TOKEN is not set\n")


@WATCHED
@ON_SQLITE
@pytest.mark.parametrize("header", [None, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}"])
async def test_with_a_wrong_token_there_are_none_either(stage: Stage, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    async with stage.session.get(f"{stage.settings.public_url}/metrics", headers=headers) as answer:
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "switchboard_" not in await answer.text()


@WATCHED
@ON_SQLITE
async def test_a_token_that_is_no_text_is_a_wrong_one(stage: Stage) -> None:
    for token in (b"\xff", b"\xe9" * 40, TOKEN.encode() + b"\xff"):
        asked_for = b"GET /metrics HTTP/1.1\r\nHost: bot\r\nConnection: close\r\nAuthorization: "
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.settings.port)
        writer.write(asked_for + b"Bearer " + token + b"\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 401 "), token
        writer.close()


@ON_POSTGRESQL
async def test_one_process_answers_for_all_and_for_those_before_it(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    log = tmp_path / "log"
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        async with (
            bot_process(settings, "serve", "--web-only", log=log) as first,
            bot_process(settings, "worker", log=log) as worker,
        ):
            await ready(settings, session)
            assert await stage.install() == 200
            await stage.say("/invite id12")
            for process in (worker, first):
                process.terminate()
                assert await process.wait() == 0
        async with bot_process(settings, "serve", "--web-only", log=log):
            await ready(settings, session)
            seen = await figures(stage)
        stage.engine.dispose()

    assert value(seen, "commands_total", command="invite", outcome="done", code="") == 1
    assert value(seen, "event_to_200_seconds_count") == 1
    assert value(seen, "event_to_reply_seconds_count") == 1


def test_every_method_that_the_bot_calls_is_named() -> None:
    called = {method for folder in ("bot", "handlers") for method in literal_methods(ROOT / folder)}

    assert len(called) > 30
    assert called <= METHODS


def refusal(code: str) -> dict[str, object]:
    return {"status": 400, "code": code, "description": "in words"}


def literal_methods(folder: Path) -> Iterator[str]:
    """Give the methods that the programs of a folder name."""
    known = re.compile(r"(app|crm|department|event|im|imbot|imopenlines|sonet_group|user)(\.\w+)+")
    alone = {"batch", "profile", "scope"}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_page = node.value.endswith((".md", ".j2"))
                if node.value in alone or (known.fullmatch(node.value) and not is_page):
                    yield node.value


async def asked(stage: Stage, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with stage.session.get(f"{stage.settings.public_url}/metrics", headers=headers) as answer:
        return answer.status, await answer.text()


async def exposed(stage: Stage) -> str:
    status, told = await asked(stage, TOKEN)
    assert status == 200, told
    return told


async def figures(stage: Stage) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await exposed(stage))
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"switchboard_{name}", frozenset(labels.items())), 0.0)


def label_pairs(told: str) -> Iterator[tuple[str, str]]:
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            yield from sample.labels.items()
