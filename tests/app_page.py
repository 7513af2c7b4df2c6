"""The app's page as a browser has it: opened, its forms sent, its words read."""

import re
from contextlib import AbstractAsyncContextManager
from html import unescape

from aiohttp import ClientResponse
from stage import Stage


async def opened(
    stage: Stage, user: int, *, language: str = "ru", **changed: str
) -> tuple[int, str]:
    page = await stage.post("open", {"user_id": user, "language": language})
    async with stage.session.post(page["url"], data={**page["fields"], **changed}) as response:
        return response.status, await response.text()


async def posted(stage: Stage, page: str, **fields: str) -> str:
    """Send a form of a page; that of the settings says what it was filled with."""
    filled = re.search(r'name="was" value="([^"]+)"', page)
    was = {"was": unescape(filled[1])} if filled else {}
    async with sending(stage, page, **{**was, **fields}) as response:
        assert response.status == 200, await response.text()
        return await response.text()


def sending(stage: Stage, page: str, **fields: str) -> AbstractAsyncContextManager[ClientResponse]:
    """Send a form of a page, whatever comes of it."""
    return stage.session.post(address(stage), data={"session": session_of(page), **fields})


def address(stage: Stage) -> str:
    return f"{stage.settings.public_url}/bitrix24/app"


def session_of(page: str) -> str:
    found = re.search(r'name="session" value="([^"]+)"', page)
    assert found, page
    return found[1]


def words_of(page: str) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL).replace("<br>", " ")
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


def rows_of(page: str) -> list[str]:
    table = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert table, page
    return [words_of(row.replace("</td>", " "))
            for row in table[1].split("</tr>") if "<td" in row]  # fmt: skip
