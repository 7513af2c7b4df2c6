"""The README's chapter about a real portal, followed to the letter: with the stand-in for it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from chats import as_seen, as_sent, dialogues
from folder import Folder, until_printed
from pages import Page, plain, read
from stage import ANNA, DRIVER, OLGA, Stage, free_port

from bot.settings import Settings
from sandbox.server import Portal, running

# What the chapter says in the place of what is each reader's own.
ADDRESS, APP, SECRET = (
    "https://bot.example.com", "local.0123456789abcd.01234567", "put-the-secret-here",
)  # fmt: skip
ADMINISTRATOR = 1


class Reader:
    """Somebody who does what a chapter says, at a portal and a terminal of his own."""

    def __init__(self, chapter: Page, folder: Folder, portal: Portal) -> None:
        self.chapter = chapter
        self.folder = folder
        self.portal = portal
        self._form = [plain(row[1]) for row in chapter.tables()[0]]
        self._page, self._install, self._redirect = map(folder.here, self._addresses())

    def _addresses(self) -> list[str]:
        """What the form takes that is an address."""
        return [value for value in self._form if value.startswith(ADDRESS)]

    async def is_told_the_same(self, stage: Stage) -> bool:
        """Say whether the bot's own page has what the chapter has for the form."""
        headers = {"Accept-Language": self.chapter.language}
        async with stage.session.get(stage.settings.public_url, headers=headers) as response:
            shown = await response.text()
        titles = [plain(row[0]).partition(", ")[0] for row in self.chapter.tables()[0]]
        told = [title.partition(", ")[0] for title in re.findall(r"<dt>([^<]+)</dt>", shown)]
        codes = re.findall(r"<code>([^<]+)</code>", shown)
        here = [self.folder.here(one) for one in self._form]
        return told == titles and len(codes) == 4 and set(codes) <= set(here)

    async def install(self, stage: Stage) -> str:
        """Open the app as the administrator, and give what its page shows."""
        card = {"handler": self._install, "app": self._page, "redirect": self._redirect}
        body = {"user_id": ADMINISTRATOR, "which": "install", "language": self.chapter.language}
        opened = await stage.post("open", {**body, **card})
        async with stage.session.post(opened["url"], data=opened["fields"]) as response:
            shown = await response.text()
            assert response.status == 200, shown
        # What the page's script does in the frame, when everything is ticked off.
        assert "BX24.installFinish" in shown
        await stage.post("finish", {"app_sid": opened["name"].rpartition("|")[2]})
        return shown


def scopes(chapter: Page) -> list[str]:
    """The permissions that the form asks for."""
    [cell] = [row[1] for row in chapter.tables()[0] if "imbot" in row[1]]
    return re.findall(r"`(\w+)`", cell)


@pytest.fixture(params=["README.md", "README.ru.md"])
def chapter(request: pytest.FixtureRequest) -> Page:
    return read(request.param).chapter(2)


@pytest.fixture
async def reader(chapter: Page, tmp_path: Path) -> AsyncIterator[Reader]:
    async with running(
        client_id="local.of.this.portal", client_secret="its-secret", scopes=scopes(chapter)
    ) as portal:
        changes = {
            ADDRESS: f"http://127.0.0.1:{(port := free_port())}",
            APP: portal.state.settings.client_id,
            SECRET: portal.state.settings.client_secret,
        }
        # A reader has neither another port in use nor an authorization server of his own.
        own = {"PORT": str(port), "BITRIX24_OAUTH_URLS": portal.oauth_url}
        yield Reader(chapter, Folder(tmp_path, changes, **own), portal)


@asynccontextmanager
async def seen(reader: Reader) -> AsyncIterator[Stage]:
    """Look at the portal, and at the bot that runs in the folder."""
    path = reader.folder.path
    settings = Settings(
        _env_file=path / ".env", database_url=f"sqlite:///{path}/data/switchboard.db"
    )
    async with ClientSession() as session:
        stage = Stage(reader.portal, settings, session)
        await stage.faults(events={"language": reader.chapter.language})
        yield stage
        stage.engine.dispose()


async def test_the_chapter_ends_in_a_working_bot(reader: Reader) -> None:
    configure, start, look, examine = [
        one.text for one in reader.chapter.blocks("sh", test="real-portal")
    ]
    await reader.folder.run(configure)
    assert (reader.folder.path / ".env").stat().st_mode & 0o077 == 0

    async with reader.folder.running(start) as log, seen(reader) as stage:
        await until_printed(log, "listening on port")
        assert await reader.folder.run(look) == "ok\n"
        assert await reader.is_told_the_same(stage)
        assert_ticked(reader.chapter, await reader.install(stage))
        assert_well(await reader.folder.run(examine))

        [first] = dialogues(reader.chapter)
        await stage.say(as_sent(first.typed[0]))
        answer = (await stage.chat())["messages"][-1]
        assert as_seen(answer, reader.chapter.language) == first.answer
        assert not [one for one in (await stage.chat())["messages"] if one["to_customer"]]

        await assert_nothing_lacks(stage)
        await assert_connects(stage, reader.chapter)


def assert_ticked(chapter: Page, page: str) -> None:
    """The page ticks off what the chapter says that it does, and is done."""
    *steps, _done = re.findall(r'aria-hidden="true">✓</span><div>([^<]+)', page)
    told = re.sub(r"\s+", " ", chapter.prose).lower()
    assert len(steps) == 5
    assert [one for one in steps if one.lower() not in told] == []


def assert_well(report: str) -> None:
    marks = re.findall(r"^  (\S\S)  ", report, re.MULTILINE)
    assert marks.count("ok") == len(marks) - 1, report
    assert marks.count("??") == 1, report


async def assert_connects(stage: Stage, chapter: Page) -> None:
    """Whoever is asked for permission gives it at the portal, and the command is carried out."""
    await stage.say("/invite id15")
    await stage.faults(line={"id": 1, "queue": [OLGA, ANNA, DRIVER]})
    await stage.faults(events={"tokens": "none"})
    await stage.say("/invite id41", user=ANNA)
    button = (await stage.get(f"dialogs/{ANNA}"))["messages"][-1]["keyboard"][0]
    assert button["TEXT"] in chapter.prose
    jar = CookieJar(unsafe=True)
    jar.update_cookies({"sandbox_user": str(ANNA)})
    async with ClientSession(cookie_jar=jar) as browser, browser.get(button["LINK"]) as page:
        assert page.status == 200, await page.text()
    await stage.settled()
    assert DRIVER in await stage.members()


async def assert_nothing_lacks(stage: Stage) -> None:
    """The permissions of the form are enough for whatever a command asks of the portal."""
    for typed in ("/invite @Анна Орлова", "/escalate", "/who", "/group 15 @Анна", "/remove id15",
                  "/undo", "/why"):  # fmt: skip
        await stage.say(typed)
    await stage.whisper("/check")
    await stage.settled()
    calls = await stage.calls()
    assert {one["method"] for one in calls} >= {"user.search", "sonet_group.user.invite", "scope"}
    assert [one for one in calls if one["error"] == "insufficient_scope"] == []
    told = (await stage.told_privately())[-1]
    assert told.startswith("✔")
    assert "✖" not in told
