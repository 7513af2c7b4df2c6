"""No secret leaves: sent through every way there is, and looked for wherever words come out."""

import logging
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from aiohttp import ClientSession
from app_page import opened, posted, session_of
from connecting import authorized, code_of, offered, state_of
from process import bot_process, ready
from pydantic import SecretStr
from sqlalchemy import LargeBinary, MetaData, text
from stage import ADMIN, OLGA, Stage
from terminal import ran

from bot import logs
from bot.settings import Settings
from bot.store.tables import metadata
from sandbox.server import Portal

MARK = "m4rk3r-of-a-s3cret"
TYPED = "/invite id12"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "the.log"


@pytest.fixture
async def loud(portal: Portal, settings: Settings, log: Path) -> AsyncIterator[Stage]:
    """A stage whose bot, a process of its own, logs all it can; the test starts it."""
    portal.state.app.application_token = f"{MARK}-application-token"
    # So many pages and commands are more than the portal's pace has room for.
    portal.state.bucket.resize(10_000, 10_000)
    settings = settings.model_copy(
        update={
            "log_level": "DEBUG",
            "metrics_token": SecretStr(f"{MARK}-metrics"),
            "portal_bucket": 10_000.0,
        }
    )
    async with ClientSession() as session:
        stage = Stage(portal, settings, session)
        yield stage
        stage.engine.dispose()


async def test_no_secret_comes_out_anywhere(loud: Stage, log: Path, tmp_path: Path) -> None:
    seen, used = [], set()
    async with bot_process(loud.settings, log=log) as process:
        await ready(loud.settings, loud.session)
        seen += await _installs(loud)
        seen += await _types(loud)
        seen += await _connects(loud, used)
        seen += await _looks(loud, used)
        seen += await _sends_nonsense(loud)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with bot_process(loud.settings, log=log):
        await ready(loud.settings, loud.session)
        await loud.say("/invite id41")
        shown = await _operates(loud)
    secrets = {*_issued(loud), *used}
    said = [message["text"] for chat in await loud.get("chats")
            for message in (await loud.chat(chat["id"]))["messages"]]  # fmt: skip

    assert len(secrets) > 30
    places = {"log": _read(log), "database": _stored(loud), "replies": "\n".join(said),
              "pages": "\n".join(seen), "figures and commands": shown}  # fmt: skip
    assert len(places["log"]) > 1_000
    for place, words in places.items():
        found = [secret for secret in secrets if secret in words]
        assert not found, f"{len(found)} of {len(secrets)} in the {place}"
    files = _files(tmp_path)
    assert not [secret for secret in secrets if secret.encode() in files]


def test_what_is_named_is_cut_from_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        logs.configure("INFO", "json", [SecretStr(f"{MARK}-value")])
        for name in logs.FIELDS:
            logging.getLogger("test").warning("%s=%s and {'%s': '%s'}", name, MARK, name, MARK)
            logging.getLogger("test").warning("auth[%s]=%s", name, MARK)
        logging.getLogger("test").warning("bare %s-value", MARK)
        told = capsys.readouterr().err
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()

    assert told.count("•••") >= len(logs.FIELDS) * 3 + 1
    assert MARK not in told


def test_the_settings_that_are_secret_are_hidden(settings: Settings) -> None:
    values = {
        "bitrix24_client_secret": SecretStr("the app's"),
        "database_url": SecretStr("sqlite:///with-a-password"),
        "metrics_token": SecretStr("the watcher's"),
        "encryption_keys": [SecretStr("the first"), SecretStr("the second")],
    }

    hidden = settings.model_copy(update=values).secrets

    assert sorted(one.get_secret_value() for one in hidden) == [
        "sqlite:///with-a-password", "the app's", "the first", "the second", "the watcher's",
    ]  # fmt: skip


def test_columns_of_secrets_are_bytes_and_no_others_are() -> None:
    columns = _columns(metadata)

    assert {name for name, is_bytes in columns.items() if is_bytes} == {
        "portals.application_token", "tokens.access_token", "tokens.refresh_token",
        "unproven_tokens.access_token", "unproven_tokens.refresh_token",
        "inbox.tokens", "keys.word",
    }  # fmt: skip
    assert not [
        name for name, is_bytes in columns.items()
        if not is_bytes and re.search(r"(?<!_)(access|refresh|application)_token$", name)
    ]  # fmt: skip


def _columns(tables: MetaData) -> dict[str, bool]:
    return {
        f"{table.name}.{column.name}": isinstance(column.type, LargeBinary)
        for table in tables.sorted_tables
        for column in table.columns
    }


async def _installs(stage: Stage) -> list[str]:
    address = f"{stage.settings.public_url}/bitrix24/install"
    page = await stage.post("open", {"user_id": ADMIN, "which": "install", "handler": address})
    seen = []
    for changed in ({"REFRESH_ID": f"{MARK}-forged"}, {}):
        data = {**page["fields"], **changed}
        async with stage.session.post(page["url"], data=data) as response:
            seen.append(await response.text())
    assert await stage.install() == 200
    return seen


async def _types(stage: Stage) -> list[str]:
    """Commands with all kinds of tokens, good, spent and refused."""
    for tokens in ("normal", "no_user_id", "no_refresh", "foreign", "none"):
        await stage.faults(events={"tokens": tokens})
        await stage.say(TYPED)
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.say("/invite id15")
    await stage.faults(oauth_error="PAYMENT_REQUIRED")
    await stage.faults(tokens="expired", user_id=OLGA)
    await stage.say("/invite id21")
    await stage.faults(oauth_error=None)
    for fault in ({"html": 502}, {"truncate": True}, {"redirect": "http://127.0.0.1:9/"}):
        await stage.faults(method="batch", **fault)
        await stage.say(TYPED)
    return []


async def _connects(stage: Stage, used: set[str]) -> list[str]:
    await stage.faults(tokens="revoked", user_id=OLGA)
    await stage.say(TYPED)
    back = await authorized(stage, await offered(stage))
    used |= {code_of(back), state_of(back)}
    seen = []
    for url in (back, back):
        async with stage.session.get(url) as response:
            seen.append(await response.text())
    await stage.settled()
    return seen


async def _looks(stage: Stage, used: set[str]) -> list[str]:
    _, page = await opened(stage, ADMIN)
    seen = [page]
    used.add(session_of(page))
    for view in ("state", "settings", "save", "journal", "repair"):
        seen.append(await posted(stage, page, view=view))
    seen.append((await opened(stage, ADMIN, AUTH_ID=f"{MARK}-visit"))[1])
    # A form holds its own session; what the others hold is looked for in all the rest.
    return [one.replace(session_of(one), "") if "session" in one else one for one in seen]


async def _sends_nonsense(stage: Stage) -> list[str]:
    """Broken requests with secrets in them."""
    seen = []
    for path, body in (
        ("events", f"auth[application_token]={MARK}-wrong&event=ONIMBOTV2COMMANDADD"),
        ("events", f"auth[access_token]={MARK}-broken&auth[member_id][x]=1&event[x]=1"),
        ("events", '{"auth": "' + MARK + '-json"'),
        ("install", f"event=ONAPPINSTALL&auth[refresh_token]={MARK}-install"),
        ("app", f"session={MARK}-session"),
    ):
        url = f"{stage.settings.public_url}/bitrix24/{path}"
        kind = "application/json" if body[0] == "{" else "application/x-www-form-urlencoded"
        async with stage.session.post(url, data=body, headers={"Content-Type": kind}) as response:
            seen.append(await response.text())
    for path in (f"oauth?code={MARK}-code&state={MARK}-state", f"connect?ticket={MARK}-ticket"):
        async with stage.session.get(f"{stage.settings.public_url}/bitrix24/{path}") as response:
            seen.append(await response.text())
    return seen


async def _operates(stage: Stage) -> str:
    """What the figures and the command line show."""
    token = stage.settings.metrics_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    async with stage.session.get(f"{stage.settings.public_url}/metrics", headers=headers) as answer:
        assert answer.status == 200
        shown = [await answer.text()]
    for arguments in (["portals"], ["journal", "--limit", "0"], ["replay"], ["doctor"]):
        done = await ran(stage.settings, *arguments, "--json")
        assert "5f6c0d2b9a1e" in done.out or arguments == ["replay"], done
        shown += [done.out, done.err]
    return "\n".join(shown)


def _read(log: Path) -> str:
    return log.read_text()


def _files(folder: Path) -> bytes:
    """What SQLite has written; nothing, where the database is PostgreSQL."""
    return b"".join(path.read_bytes() for path in folder.glob("bot.db*"))


def _issued(stage: Stage) -> set[str]:
    tokens, settings = stage.portal.state.tokens, stage.settings
    values = [secret.get_secret_value() for secret in settings.secrets]
    return {
        MARK,
        *tokens._by_access,
        *tokens._by_refresh,
        *(one for one in values if "://" not in one),
    }


def _stored(stage: Stage) -> str:
    """Everything the database holds, as text."""
    with stage.engine.connect() as connection:
        return "\n".join(
            repr(tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row))
            for table in metadata.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))  # noqa: S608
        )
