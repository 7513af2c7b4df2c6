"""python -m bot doctor: what is proven, and what is wrong, said in a terminal."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pages import ROOT, pages
from stage import OLGA, ON_SQLITE, Stage, free_port
from terminal import ran

from bot.cli.deployment import EXAMPLES
from bot.web.pages import Pages


@ON_SQLITE
async def test_a_bot_that_does_well(stage: Stage) -> None:
    await stage.say("/invite id12")

    seen = await ran(stage.settings, "doctor")

    assert seen.code == 0, seen
    url = stage.settings.public_url
    assert f"ok  The bot's address, opened as Bitrix24 opens it: {url}\n" in seen.out
    assert f"at Bitrix24's authorization server: {stage.portal.oauth_url}\n" in seen.out
    assert "ok  Portals that have the app: 1\n" in seen.out
    assert "ok  The portal's answer\n" in seen.out
    assert "ok  Permission of the administrator who installed the bot" in seen.out
    assert "ok  The last command came: 20" in seen.out
    assert set(re.findall(r"^  (\S\S)  ", seen.out, re.MULTILINE)) == {"ok"}


@ON_SQLITE
async def test_what_is_wrong_is_named_with_what_to_do(stage: Stage) -> None:
    stage.portal.state.commands.clear()
    stage.portal.state.app.handlers.clear()
    await stage.faults(scopes=["imbot", "im", "imopenlines"])

    seen = await ran(stage.settings, "doctor")

    assert seen.code == 1
    assert "!!  Permissions of the app: crm, department, user, sonet_group" in seen.out
    assert "!!  The bot's commands: /" in seen.out
    assert "!!  The portal tells the bot of updates and of its removal" in seen.out
    assert "presses Register the bot anew." in seen.out


@ON_SQLITE
async def test_whom_the_roles_do_not_reach_is_named(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "history": "self"})
    await stage.say("/invite id12 id41")

    seen = await ran(stage.settings, "doctor")

    assert seen.code == 0, seen
    named = "Colleagues whom operators' roles did not reach in the last 24 hours: id12, id41"
    assert f"??  {named}\n" in seen.out
    assert "Communication history – View of the operators' role to Any" in seen.out


@ON_SQLITE
async def test_an_installer_who_is_gone(stage: Stage) -> None:
    await stage.faults(tokens="revoked", user_id=1)

    seen = await ran(stage.settings, "doctor")

    assert seen.code == 1
    assert "have a portal administrator open the app's page" in seen.out


@ON_SQLITE
async def test_a_portal_that_does_not_answer(stage: Stage) -> None:
    await stage.faults(method="batch", html=502, times=None)

    seen = await ran(stage.settings, "doctor")

    assert seen.code == 1
    assert "!!  The portal's answer\n      See whether the portal is there" in seen.out
    assert "Permission of the administrator" not in seen.out


@ON_SQLITE
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"BITRIX24_CLIENT_SECRET": "wrong"}, "The secret is wrong: copy the Application key"),
        ({"BITRIX24_CLIENT_ID": "local.another"}, "BITRIX24_CLIENT_ID is not the id of the app"),
        ({"BITRIX24_CLIENT_ID": "Switchboard"}, "BITRIX24_CLIENT_ID is no app's id"),
        (
            {"BITRIX24_CLIENT_SECRET": "local.switchboard", "BITRIX24_CLIENT_ID": "secret"},
            "BITRIX24_CLIENT_SECRET holds an app's id",
        ),
        ({"BITRIX24_OAUTH_URLS": "http://127.0.0.1:1"}, "No authorization server gives a useful"),
    ],
)
async def test_what_the_authorization_server_does_not_take_is_told_apart(
    stage: Stage, changed: dict[str, str], words: str
) -> None:
    seen = await ran(stage.settings, "doctor", **changed)

    assert seen.code == 1
    wrong = re.findall(r"^  !!  (.+)\n      (.+)", seen.out, re.MULTILINE)
    # It comes before everything else that is wrong, for most of that comes of it.
    assert wrong[0][0].startswith("The app's id and secret, at Bitrix24's authorization server")
    assert wrong[0][1].startswith(words)
    assert [one for one in wrong if words in one[1]] == wrong[:1]


@ON_SQLITE
async def test_an_authorization_server_that_is_closed_proves_nothing_about_the_secret(
    stage: Stage,
) -> None:
    await stage.faults(oauth="closed")

    seen = await ran(stage.settings, "doctor", BITRIX24_CLIENT_SECRET="wrong")

    assert seen.code == 1
    assert "No authorization server gives a useful answer" in seen.out
    assert "The secret is wrong" not in seen.out


@ON_SQLITE
async def test_before_an_installation_it_says_what_comes_next(empty_stage: Stage) -> None:
    seen = await ran(empty_stage.settings, "doctor")

    assert seen.code == 1
    assert "!!  Portals that have the app: 0\n      Open the app from the portal's menu" in seen.out
    assert seen.out.count("!!") == 1
    # Of an app that nobody has installed the server knows as little as of a wrong secret.
    assert "??  The app's id and secret, at Bitrix24's authorization server\n" in seen.out
    assert "where no portal has the app yet: compare BITRIX24_CLIENT_SECRET" in seen.out


@ON_SQLITE
async def test_where_something_else_or_nobody_answers_the_address_is_not_proven(
    stage: Stage,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        kind = request.path.split("/")[1]
        if kind == "moved":
            raise web.HTTPFound("/elsewhere")
        if kind == "proxy":
            return web.Response(status=502, text="Bad Gateway")
        own = f"http://{request.host}/{kind}/bitrix24/install"
        headers = {"X-Frame-Options": "DENY"} if kind == "framed" else {}
        return web.Response(text=own if kind == "framed" else "It works!", headers=headers)

    async with _answering(answer) as other:
        nobody = f"http://127.0.0.1:{free_port()}"
        for address, words in (
            (nobody, "Nobody answers there: see whether the bot runs"),
            (f"{other}/else", "Something else answers there"),
            (f"{other}/moved", "The answer leads elsewhere"),
            (f"{other}/proxy", "The proxy is there, the bot behind it is not"),
            (f"{other}/framed", "The proxy adds X-Frame-Options"),
            (f"https://{other.partition('://')[2]}", "The certificate is not good"),
            ("https://no.invalid", "The name of PUBLIC_URL is not known"),
        ):
            seen = await ran(stage.settings, "doctor", PUBLIC_URL=address)
            assert (seen.code, words in seen.out) == (1, True), seen.out
            # A portal knows the other address; that is the next thing to be mended.
            assert "!!  The bot's address, opened as Bitrix24 opens it: " in seen.out
            is_asked = "??  Proxies before the bot: 0" in seen.out
            assert is_asked == address.startswith("https")


@ON_SQLITE
async def test_what_is_left_of_the_documentation_is_told_by_name(stage: Stage) -> None:
    real = {"BITRIX24_OAUTH_URLS": "https://127.0.0.1:1,https://no.invalid"}
    left = {
        **real,
        "PUBLIC_URL": "https://bot.example.com",
        "BITRIX24_CLIENT_ID": "local.0123456789abcd.01234567",
        "BITRIX24_CLIENT_SECRET": "put-the-secret-here",
        "METRICS_TOKENS": "1",
    }

    seen = await ran(stage.settings, "doctor", **left)
    here = await ran(stage.settings, "doctor", **real)

    names = "PUBLIC_URL, BITRIX24_CLIENT_ID, BITRIX24_CLIENT_SECRET"
    assert f"!!  Left as the documentation has it: {names}\n" in seen.out
    assert "METRICS_TOKENS (METRICS_TOKEN?)" in seen.out
    # What the stand-in portal takes, and where, is nothing for Bitrix24.
    assert "!!  Left as the documentation has it: BITRIX24_CLIENT_ID\n" in here.out
    assert "Only this machine or its own network comes there" in here.out


def test_every_example_of_the_documentation_is_known_as_one() -> None:
    texts = [page.text for page in pages()] + [(ROOT / ".env.example").read_text()]
    for name, example in EXAMPLES.items():
        line = re.compile(rf"^\s*(?:- )?#?(?:export )?{name}[=:] ?(\S+)", re.MULTILINE)
        for value in (found for text in texts for found in line.findall(text)):
            is_made = "$" in value or value.startswith("sqlite:") or "127.0.0.1" in value
            assert is_made or example.search(value), (name, value)


async def test_every_check_and_every_remedy_has_words_for_a_terminal() -> None:
    words, page = await Pages().terminal(), await Pages().words("en")

    assert words.checks.keys() >= page.checks.keys()
    assert words.remedies.keys() >= page.remedies.keys()
    for one in words.remedies.values():
        assert "this page" not in one, one


async def test_it_leaves_commands_to_the_bot(stage: Stage) -> None:
    before = stage.stored()
    calls = len(await stage.calls())

    await ran(stage.settings, "doctor")

    methods = {one["method"] for one in (await stage.calls())[calls:]}
    looks = {"scope", "imbot.v2.Bot.get", "imbot.v2.Command.list", "event.get", "placement.get"}
    assert methods == {"batch", *looks}
    assert stage.stored() == before
    # Whose pair it would have been is still signed in: nothing was spent to prove the secret.
    assert (await stage.say("/invite id12")).startswith("✅")


@asynccontextmanager
async def _answering(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{_:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port := free_port()).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()
