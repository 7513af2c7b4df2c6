"""The pages in a real browser: installed, connected, looked at."""

from pathlib import Path
from typing import Any

import pytest
from browser import NARROW, WIDE, fits, picture, window
from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, ConsoleMessage, Page, expect
from stage import ADD, ADMIN, CHAT, IVAN, OLGA, Stage

PATIENCE = 20_000

pytestmark = IN_BROWSER


async def test_from_the_private_message_to_the_command(
    stage: Stage, browser: Browser, pictures: Path | None
) -> None:
    await stage.faults(events={"tokens": "none"})
    await stage.say("/invite id12")

    async with window(browser, locale="ru-RU") as (page, _):
        await page.goto(f"{stage.portal.url}/?lang=ru")
        await page.locator("#me").select_option(str(OLGA))
        await page.get_by_role("button", name="Switchboard").first.click()
        await page.get_by_text("Подключить", exact=True).last.click()
        frame = page.frame_locator("#app-frame iframe")
        await expect(frame.get_by_role("heading", name="Готово")).to_be_visible(timeout=PATIENCE)
        await expect(frame.get_by_text("уже выполняет вашу команду")).to_be_visible()
        await picture(page, pictures, "connected")
        await stage.joined(IVAN)

    await stage.settled()
    assert [call["user_id"] for call in await stage.calls(ADD)] == [OLGA]
    assert "теперь в этом чате" in (await stage.chat(CHAT))["messages"][-1]["text"]


async def test_an_installation_in_the_portals_frame(
    empty_stage: Stage, browser: Browser, pictures: Path | None
) -> None:
    stage = empty_stage
    address = f"{stage.settings.public_url}/bitrix24"
    card = {"handler": f"{address}/install", "app": f"{address}/app",
            "redirect": f"{address}/oauth"}  # fmt: skip
    await stage.post("open", {"user_id": ADMIN, "which": "install", **card})

    async with window(browser) as (page, complaints):
        await page.goto(f"{stage.portal.url}/?lang=ru")
        await page.locator("#me").select_option(str(ADMIN))
        await page.locator("#open-install").click()
        frame = page.frame_locator("#app-frame iframe")
        await expect(frame.get_by_text("Ваше разрешение")).to_be_visible(timeout=PATIENCE)
        await picture(page, pictures, "installed")

    assert stage.portal.state.app.installed
    assert not [one for one in complaints if "Content Security Policy" in one], complaints
    assert "теперь в этом чате" in await stage.say("/invite id12")


@pytest.mark.parametrize(("language", "size"), [("ru", NARROW), ("en", WIDE)], ids=["ru", "en"])
async def test_an_administrator_looks_at_everything(
    stage: Stage, browser: Browser, pictures: Path | None, language: str, size: dict[str, int]
) -> None:
    await stage.say("/invite id12")
    await stage.say("/invite id33")

    async with window(browser, size) as (page, complaints):
        await open_app(page, stage, ADMIN, language)
        for view in ("home", "state", "settings", "journal"):
            await page.locator(f"nav button[value={view}]").click()
            await expect(page.locator(f"nav button[value={view}]")).to_have_attribute(
                "aria-current", "page"
            )
            assert await fits(page), view
            name = f"admin-{view}-{language}-{size['width']}"
            await picture(page, pictures, name)
        await page.locator("nav button[value=settings]").click()
        await page.locator("input[name=add]").fill("15")
        await page.locator("input[name=add]").press("Enter")
        await expect(page.get_by_role("status")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator(".person .who")).to_contain_text("Анна Орлова")
        await picture(page, pictures, f"admin-saved-{language}-{size['width']}")

    assert not complaints


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_duty_list_is_ordered_by_keyboard_and_without_scripts(
    stage: Stage, browser: Browser, pictures: Path | None, size: dict[str, int]
) -> None:
    async with window(browser, size, java_script_enabled=False) as (page, _):
        await open_app(page, stage, ADMIN, "ru")
        await page.locator("nav button[value=settings]").press("Enter")
        await page.locator("input[name=add]").fill("15, 3, 12")
        await page.locator("input[name=add]").press("Enter")
        names = page.locator(".person .who")
        await expect(names).to_contain_text(["Анна", "Борис", "Иван"], timeout=PATIENCE)

        await page.get_by_role("button", name="Выше: Иван Петров").press("Enter")
        await expect(names).to_contain_text(["Анна", "Иван", "Борис"], timeout=PATIENCE)
        # What comes next by the keyboard is there: the one who has been moved.
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Выше: Иван Петров")).to_be_focused()
        await page.get_by_role("button", name="Убрать: Анна Орлова").press("Enter")
        await expect(names).to_contain_text(["Иван", "Борис"], timeout=PATIENCE)

        await page.get_by_label("пн").check()
        await page.get_by_role("button", name="Сохранить").click()
        await expect(page.get_by_label("пн")).to_be_checked(timeout=PATIENCE)
        assert await names.count() == 2
        assert await fits(page)
        await picture(page, pictures, f"duty-{size['width']}")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_an_employee_sees_what_is_for_everybody(
    stage: Stage, browser: Browser, pictures: Path | None, size: dict[str, int]
) -> None:
    async with window(browser, size, java_script_enabled=False) as (page, _):
        await open_app(page, stage, OLGA, "ru")
        assert await page.locator("nav").count() == 0
        assert await page.get_by_text("Бот может действовать от вашего имени").is_visible()
        await picture(page, pictures, f"employee-{size['width']}")


async def test_nobody_else_can_frame_the_page(stage: Stage, browser: Browser) -> None:
    opened = await stage.post("open", {"user_id": ADMIN})
    fields = "".join(f"<input name='{k}' value='{v}'>" for k, v in opened["fields"].items())
    async with window(browser) as (page, _):
        await page.goto(f"{stage.settings.public_url}/healthz")
        await page.set_content(
            f"<iframe name=f></iframe><form method=post target=f action='{opened['url']}'>"
            f"{fields}<button>Go</button></form>"
        )
        async with page.expect_console_message(_forbids_framing, timeout=PATIENCE):
            await page.get_by_role("button").click()


def _forbids_framing(message: ConsoleMessage) -> bool:
    return message.type == "error" and "frame-ancestors" in message.text


async def open_app(page: Page, stage: Stage, user: int, language: str, **more: str) -> None:
    """Open the app's page the way the portal's frame does."""
    opened: dict[str, Any] = await stage.post(
        "open", {"user_id": user, "language": language, **more}
    )
    inputs = "".join(
        f"<input type=hidden name='{key}' value='{value}'>"
        for key, value in opened["fields"].items()
    )
    await page.set_content(
        f"<form method=post action='{opened['url']}'>{inputs}<button>Go</button></form>"
    )
    await page.get_by_role("button").click()
    await page.wait_for_selector("h1")


async def test_namesakes_with_long_names_fit_on_a_phone(stage: Stage, browser: Browser) -> None:
    for number in (IVAN, 41):
        stage.portal.state.users[number].last_name = "Очень" * 40
    async with window(browser, NARROW) as (page, complaints):
        await open_app(page, stage, ADMIN, "ru")
        await page.locator("nav button[value=settings]").click()
        await page.locator("input[name=add]").fill("Иван")
        await page.get_by_role("button", name="Добавить", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("Выберите нужного")
        assert await fits(page)
        # Enter sends the form as well, and the page stays where it was opened.
        await page.get_by_role("button", name="Очень").first.press("Enter")
        await expect(page.locator(".person")).to_contain_text("Очень")
        assert "/bitrix24/app?" in page.url
    assert complaints == []
