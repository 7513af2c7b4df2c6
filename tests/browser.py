"""A real browser for the tests: Debian's Chromium, driven by playwright."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

# The first costs half the processor time of the others.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
# The second half is what playwright itself starts a browser with.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-software-rasterizer",
    "--renderer-process-limit=1",
    "--process-per-site",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-popup-blocking",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--password-store=basic",
]
WIDE, NARROW = {"width": 1180, "height": 860}, {"width": 390, "height": 844}
PATIENCE = 60.0


def chromium() -> str:
    """Give the path of the browser; without one a test is skipped, in CI it fails."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        assert "CI" not in os.environ, "CI has to install chromium"
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    return found


@contextmanager
def running_chromium(folder: Path) -> Iterator[str]:
    """Run a browser while the block lasts, and give the address it is driven at."""
    command = [chromium(), *ARGUMENTS, f"--user-data-dir={folder}", "--remote-debugging-port=0"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet, start_new_session=True) as process:
        try:
            yield _address(folder / "DevToolsActivePort")
        finally:
            # What is started may be a script, and the browser its child.
            os.killpg(process.pid, signal.SIGTERM)


def _address(file: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while len(lines := file.read_text().split() if file.exists() else []) < 2:
        assert time.monotonic() < deadline, "chromium does not start"
        time.sleep(0.02)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Browser]:
    """Drive a running browser; the windows opened meanwhile are closed with the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(address)
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


async def picture(page: Page, folder: Path | None, name: str) -> None:
    """Take a screenshot of everything there is to see, where somebody wants it."""
    if folder:
        await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def fits(page: Page) -> bool:
    """Say whether nothing sticks out to the right."""
    return await page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
