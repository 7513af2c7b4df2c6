"""ONAPPINSTALL as a portal sends it, and what the bot has stored of portals."""

from html import unescape
from typing import Any

from app_page import words_of
from sqlalchemy import text
from stage import CARD, Stage


def event_of(stage: Stage, user: int, changed: dict[str, str | None]) -> dict[str, str]:
    """Give the fields of the event; what is changed to None is left out."""
    state = stage.portal.state
    state.app.installed = True
    pair = state.tokens.issue(user, "app")
    fields: dict[str, str | None] = {
        "event": "ONAPPINSTALL",
        "data[VERSION]": "1",
        "data[ACTIVE]": "Y",
        "data[INSTALLED]": "Y",
        "data[LANGUAGE_ID]": "ru",
        "ts": "1789000000",
        "auth[access_token]": pair.access,
        "auth[refresh_token]": pair.refresh,
        "auth[expires_in]": "3600",
        "auth[scope]": "imbot imopenlines crm",
        "auth[domain]": "portal",
        "auth[server_endpoint]": f"{stage.portal.oauth_url}/rest/",
        "auth[client_endpoint]": f"{stage.portal.url}/rest/",
        "auth[member_id]": state.settings.member_id,
        "auth[status]": "L",
        "auth[application_token]": state.settings.application_token,
        **changed,
    }
    return {key: value for key, value in fields.items() if value is not None}


async def sent(stage: Stage, event: dict[str, str]) -> tuple[int, str]:
    """Send it to the bot, and give the status and the words of the answer."""
    url = f"{stage.settings.public_url}/bitrix24/install"
    async with stage.session.post(url, data=event) as response:
        return response.status, await response.text()


def portals(stage: Stage) -> list[Any]:
    """Give the portals that the bot knows."""
    question = (
        "SELECT member_id, client_endpoint, installer_id, bot_id, registered, said, trouble"
        " FROM portals WHERE left_at IS NULL"
    )
    with stage.engine.connect() as connection:
        return list(connection.execute(text(question)))


async def departed(stage: Stage) -> None:
    """Wait until the bot knows that the portal has left it."""

    async def has_left() -> bool:
        return portals(stage) == []

    await stage.until(has_left)


def address(stage: Stage, path: str) -> str:
    return f"{stage.settings.public_url}/bitrix24/{path}"


async def installed(stage: Stage, *, language: str = "en", **changed: str) -> tuple[int, str]:
    """Open the install page as the administrator; give what is read on it."""
    card = {name: address(stage, path) for name, path in CARD.items()}
    asked = {"user_id": 1, "which": "install", "language": language, **card}
    page = await stage.post("open", asked)
    async with stage.session.post(page["url"], data={**page["fields"], **changed}) as response:
        shown = unescape(words_of(await response.text()))
        if response.status == 200:
            await stage.post("finish", {"app_sid": page["name"].rpartition("|")[2]})
        return response.status, shown
