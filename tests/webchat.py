"""The web chat in a real browser, with the real bot: its page, worked as a person works it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browsing import fixture
from playwright.async_api import Browser, Page, expect
from stage import Stage

__all__ = ["desk"]

# A name that is longer than most places for it.
LONG = "Константин-Александр Преображенский-Водохлёбов-Сопровождающий"

expect.set_options(timeout=20_000)  # the machine may be busy with other tests


class Desk:
    """The open page, worked as a person works it."""

    def __init__(self, stage: Stage, page: Page) -> None:
        self.stage = stage
        self.page = page
        self.text = page.get_by_role("textbox", name="Сообщение", exact=True)
        self.messages = page.get_by_role("log", name="Сообщения")
        self.phone = page.get_by_role("log", name="Только то, что видит клиент")
        self.members = page.locator("#members")
        self.offers = page.get_by_role("listbox", name="Подсказки")
        self.mark = page.locator("#new-messages")
        self.toasts = page.locator("#toasts")

    async def write(self, words: str) -> None:
        """Type into the text box and send; the completion is not asked."""
        await self.text.fill(words)
        await self.text.press("Escape")
        await self.text.press("Enter")

    async def hide(self) -> None:
        await self.page.get_by_role("switch", name="Скрытый режим").click()
        await expect(self.page.get_by_role("switch")).to_be_checked()

    async def chat(self, name: str) -> None:
        await self.page.locator("#chats").get_by_role("button", name=re.compile(name)).first.click()

    async def be(self, person: int) -> None:
        await self.page.get_by_role("combobox", name="Вы").select_option(str(person))


@asynccontextmanager
async def desk_open(
    stage: Stage, browser: Browser, *, width: int = 1440, language: str = "ru"
) -> AsyncIterator[Desk]:
    stage.portal.state.app.app_url = f"{stage.settings.public_url}/bitrix24/app"
    stage.portal.state.app.redirect_url = f"{stage.settings.public_url}/bitrix24/oauth"
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, locale=language, reduced_motion="reduce",
        timezone_id="Asia/Yekaterinburg",
    )  # fmt: skip
    page, broken = await context.new_page(), []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Policy" in said.text else None)
    try:
        await page.goto(stage.portal.url)
        await page.wait_for_selector("#chats button", state="attached")
        yield Desk(stage, page)
        assert broken == []
    finally:
        await context.close()


@fixture()
async def desk(stage: Stage, browser: Browser) -> AsyncIterator[Desk]:
    async with desk_open(stage, browser) as desk:
        yield desk
