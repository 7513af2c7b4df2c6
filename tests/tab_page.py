"""The tab in a record's card as a browser has it: opened, its buttons pressed, its words read."""

import re
from typing import Any

from app_page import session_of, words_of
from stage import CHAT, OLGA, Stage

DEAL = "CRM_DEAL_DETAIL_TAB"


def address(stage: Stage) -> str:
    return f"{stage.settings.public_url}/bitrix24/tab"


async def opened(
    stage: Stage,
    user: int = OLGA,
    *,
    place: str = DEAL,
    item: int | str = 288,
    language: str = "ru",
    **changed: str,
) -> tuple[int, str]:
    """Open the tab as the portal's frame does."""
    asked: dict[str, Any] = {"user_id": user, "language": language, "placement": place}
    page = await stage.post("open", {**asked, "options": {"ID": str(item), "URI": ""}})
    async with stage.session.post(page["url"], data={**page["fields"], **changed}) as response:
        return response.status, await response.text()


async def pressed(stage: Stage, page: str, **fields: str) -> str:
    """Press a button of a page."""
    status, told = await sent(stage, page, **fields)
    assert status == 200, words_of(told)
    return told


async def sent(stage: Stage, page: str, **fields: str) -> tuple[int, str]:
    """Send a form of a page, whatever comes of it."""
    known = {"session": session_of(page), "record": record_of(page), "chat": str(CHAT)}
    async with stage.session.post(address(stage), data={**known, **fields}) as response:
        return response.status, await response.text()


def record_of(page: str) -> str:
    found = re.search(r'name="record" value="([^"]+)"', page)
    assert found, page
    return found[1]


def offered(page: str, label: str) -> str:
    """Give what a button of the bot's answer carries."""
    found = re.search(rf'name="press" value="([^"]+)">{label}<', page)
    assert found, words_of(page)
    return found[1]


def number_of(page: str, name: str) -> str:
    """Give what a button of the page stands for."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, words_of(page)
    return found[1]
