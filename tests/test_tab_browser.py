"""The tab of a CRM record in a real browser: in the web chat, by keyboard, on a phone."""

from pathlib import Path

import pytest
from browser import fits, picture, window
from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, Page, expect
from stage import ADD, ANNA, CHAT, IVAN, OLGA, Stage
from test_browser import open_app
from webchat import LONG, Desk, desk_open

pytestmark = IN_BROWSER

CARD = {"placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}


async def test_from_the_record_panel_by_keyboard_alone(
    stage: Stage, browser: Browser, pictures: Path | None
) -> None:
    async with desk_open(stage, browser) as desk:
        await tabbed_to(desk.page, "сделка 288: Коллеги в чате")
        await desk.page.keyboard.press("Enter")
        frame = desk.page.frame_locator("#app-frame iframe")
        await expect(frame.get_by_role("heading", name="Коллеги в чате")).to_be_visible()

        await tabbed_to(desk.page, "Позвать: Анна Орлова")
        await desk.page.keyboard.press("Enter")
        await expect(frame.get_by_role("status")).to_contain_text("Анна Орлова теперь в чате")
        await picture(desk.page, pictures, "tab-webchat")
        # Who cannot see the page is where the answer is, and one step from what it offers.
        assert await focused(desk.page) == "answer"
        await tabbed_to(desk.page, "Отменить", within=1)

        await tabbed_to(desk.page, "Имя или номер")
        await desk.page.keyboard.type("Петров")
        await desk.page.keyboard.press("Enter")
        await expect(frame.get_by_role("list", name="Найденные коллеги")).to_contain_text("Юрист")
        await tabbed_to(desk.page, "Причина")
        await desk.page.keyboard.type("Нужен юрист")
        await desk.page.keyboard.press("Enter")
        await expect(frame.get_by_role("status")).to_contain_text("Эскалация, сделка № 288")

        await desk.page.keyboard.press("Escape")
        await nothing_reached_the_customer(desk)

    assert {call["user_id"] for call in await stage.calls(ADD)} == {OLGA}
    assert ANNA in await stage.members()


async def nothing_reached_the_customer(desk: Desk) -> None:
    await desk.page.locator("#app-dialog-close").click()
    await expect(desk.page.locator("#app-dialog")).to_be_hidden()
    assert await desk.phone.locator("li").count() == 0
    assert not [one for one in (await desk.stage.chat())["messages"] if one["to_customer"]]


async def test_from_the_record_panel_on_a_phone(stage: Stage, browser: Browser) -> None:
    async with desk_open(stage, browser, width=360) as desk:
        await desk.page.get_by_role("button", name="Портал", exact=True).click()
        await desk.page.get_by_role("button", name="контакт 91: Коллеги в чате").click()
        frame = desk.page.frame_locator("#app-frame iframe")
        await frame.get_by_role("button", name="Позвать: Анна Орлова").click()
        await expect(frame.get_by_role("status")).to_contain_text("Анна Орлова теперь в чате")
        assert await fits(desk.page)
        assert await desk.page.frames[-1].evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    assert ANNA in await stage.members()


@pytest.mark.parametrize("width", [320, 400])
async def test_on_a_phone_and_without_scripts(
    stage: Stage, browser: Browser, pictures: Path | None, width: int
) -> None:
    stage.portal.state.users[ANNA].name, stage.portal.state.users[ANNA].last_name = LONG.split()
    stage.portal.state.crm["DEAL", 288].title = "Поставка" * 20
    await stage.faults(user={"id": OLGA, "history": "self"})
    size = {"width": width, "height": 700}
    async with window(browser, size, java_script_enabled=False, has_touch=True) as (page, said):
        await open_app(page, stage, OLGA, "ru", **CARD)
        assert await fits(page)
        await page.get_by_label("Имя или номер").fill("Петров")
        await page.get_by_role("button", name="Найти").tap()
        await expect(page.get_by_role("list", name="Найденные коллеги")).to_be_visible()
        await picture(page, pictures, f"tab-found-{width}")
        await page.get_by_role("button", name="Позвать: Иван Петров").first.tap()
        await page.get_by_role("button", name="Добавить через чат").tap()
        await expect(page.get_by_role("status")).to_contain_text("Иван Петров")
        await stage.faults(user={"id": OLGA, "history": "any"})
        await page.get_by_role("button", name="Эскалировать").tap()
        await expect(page.get_by_role("heading", name="Последняя эскалация")).to_be_visible()
        assert await fits(page)
        await picture(page, pictures, f"tab-{width}")
        for button in await page.get_by_role("button").all():
            assert (await button.bounding_box() or {})["height"] >= 44
    assert said == []
    assert IVAN in await stage.members(CHAT)


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_wide_and_with_scripts_it_says_nothing_to_the_console(
    stage: Stage, browser: Browser, pictures: Path | None, language: str
) -> None:
    async with window(browser) as (page, complaints):
        await open_app(page, stage, OLGA, language, **CARD)
        await page.locator(f"button[name=invite][value='{ANNA}']").click()
        await expect(page.get_by_role("status")).to_be_visible()
        assert await fits(page)
        await picture(page, pictures, f"tab-{language}")
    assert complaints == []


async def test_its_times_are_the_browser_s_where_the_portal_knows_none(
    stage: Stage, browser: Browser
) -> None:
    async with window(browser, timezone_id="Asia/Yekaterinburg") as (page, complaints):
        await open_app(page, stage, OLGA, "ru", **CARD)
        await page.get_by_role("button", name="Эскалировать").click()
        await expect(page.locator("time")).to_contain_text("GMT+5")
    assert complaints == []


async def tabbed_to(page: Page, name: str, *, within: int = 60) -> None:
    """Press the tabulator until something of this name has the focus."""
    for _ in range(within):
        await page.keyboard.press("Tab")
        if await focused(page) == name:
            return
    raise AssertionError(f"{name} is not to be reached by keyboard")


_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one.tagName === "IFRAME") return "";
  const label = one.labels?.[0]?.querySelector("span")?.textContent;
  return one.getAttribute("aria-label") || label || (one.matches("a, button") && one.textContent)
    || one.id;
}"""


async def focused(page: Page) -> str:
    """Name what has the focus, in the page or in a frame of it."""
    named = [await frame.evaluate(_FOCUSED) for frame in page.frames]
    return next(filter(None, reversed(named)), "").strip()
