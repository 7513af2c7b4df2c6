"""A real browser for the tests: Debian's Chromium, driven by playwright."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1180, "height": 860}, {"width": 390, "height": 844}


def chromium() -> str:
    """Give the path of the browser; without one a test is skipped, in CI it fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert "CI" not in os.environ, "CI has to install chromium"
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    return found


@asynccontextmanager
async def browser_open() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, size: dict[str, int] = WIDE, **more: object
) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a window, and note what its console complains of."""
    context: BrowserContext = await browser.new_context(viewport=size, **more)
    page = await context.new_page()
    complaints: list[str] = []

    def note(message: object) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page, complaints
    finally:
        await context.close()


async def picture(page: Page, folder: Path, name: str) -> Path:
    """Take a screenshot of everything there is to see."""
    path = folder / f"{name}.png"
    assert len(await page.screenshot(path=path, full_page=True)) > 5_000
    return path


async def fits(page: Page) -> bool:
    """Say whether nothing sticks out to the right."""
    return await page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
