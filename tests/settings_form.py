"""The form of the settings page, as a browser fills and sends it."""

import re
from html import unescape

from app_page import opened, posted
from stage import ADMIN, Stage
from test_app_page import one_row

from bot.portals.settings import PortalSettings

STORED = "SELECT settings FROM portal_settings"


async def form(stage: Stage, language: str = "ru") -> dict[str, str]:
    """Open the settings as a browser has them: everything that its form would send."""
    _, page = await opened(stage, ADMIN, language=language)
    return fields_of(await posted(stage, page, view="settings"))


async def send(stage: Stage, fields: dict[str, str], **changed: str) -> str:
    """Send the form with what somebody has changed, or with the button that they pressed."""
    return await posted(
        stage, f'name="session" value="{fields["session"]}"', **{**fields, **changed}
    )


def fields_of(page: str) -> dict[str, str]:
    inside = page[page.index("</nav>") :]
    fields = {}
    for tag in re.findall(r"<input [^>]*>", inside):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if told["type"] not in ("checkbox", "radio") or re.search(r"\schecked", tag):
            fields[told["name"]] = unescape(told.get("value", ""))
    for name, options in re.findall(
        r'<select [^>]*name="([^"]+)">(.*?)</select>', inside, re.DOTALL
    ):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        fields[name] = chosen[0] if chosen else ""
    return fields


def on_duty(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'name="duty\[\d+\]" value="(\d+)"', page)]


def settings(stage: Stage) -> PortalSettings:
    return PortalSettings.model_validate_json(one_row(stage, STORED))
