"""Everybody can use the pages: axe-core looks at each of them, in two variants."""

import re

import pytest
from axe import findings, read_axe
from browser import window
from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, expect
from stage import ADMIN, CUSTOMER, OLGA, Stage
from test_browser import open_app

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return read_axe(tmp_path_factory.mktemp("axe"))


async def test_the_app_s_page(stage: Stage, browser: Browser, axe: str) -> None:
    await stage.say("/invite id12")
    await stage.say("/invite id33")

    async with window(browser) as (page, _):
        await open_app(page, stage, ADMIN, "ru")
        for view in ("home", "state", "settings", "journal"):
            await page.locator(f"nav button[value={view}]").click()
            await page.wait_for_selector(f"nav button[value={view}][aria-current]")
            assert await findings(page, axe) == []
        await page.locator("nav button[value=settings]").click()
        await page.locator("input[name=add]").fill("15, 3, Иван Петров")
        await page.get_by_role("button", name="Сохранить").click()
        await page.wait_for_selector("[role=alert]")
        assert await findings(page, axe) == []
        await stage.faults(tokens="revoked", user_id=ADMIN)
        await page.locator("nav button[value=home]").click()
        await expect(page.get_by_role("link", name="Подключить")).to_be_visible()
        assert await findings(page, axe) == []


async def test_the_tab_of_a_record(stage: Stage, browser: Browser, axe: str) -> None:
    card = {"placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}
    async with window(browser) as (page, _):
        await open_app(page, stage, OLGA, "ru", **card)
        await page.get_by_label("Имя или номер").fill("Петров")
        await page.get_by_role("button", name="Найти").click()
        await expect(page.get_by_role("list", name="Найденные коллеги")).to_be_visible()
        assert await findings(page, axe) == []
        await page.get_by_role("button", name="Эскалировать").click()
        await expect(page.get_by_role("button", name="Остановить").last).to_be_visible()
        assert await findings(page, axe) == []
        await page.get_by_role("button", name="Убрать: Ольга Смирнова").click()
        await expect(page.get_by_role("button", name="Всё равно убрать")).to_be_visible()
        assert await findings(page, axe) == []
        await stage.faults(tokens="revoked", user_id=OLGA)
        await page.get_by_role("button", name="Обновить").click()
        await expect(page.get_by_role("link", name="Подключить")).to_be_visible()
        assert await findings(page, axe) == []


async def test_the_installation(empty_stage: Stage, browser: Browser, axe: str) -> None:
    stage = empty_stage
    address = f"{stage.settings.public_url}/bitrix24"
    card = {"handler": f"{address}/install", "app": f"{address}/app",
            "redirect": f"{address}/oauth"}  # fmt: skip
    async with window(browser, locale="ru-RU") as (page, _):
        await open_app(page, stage, ADMIN, "ru", which="install", **card)
        assert await findings(page, axe) == []


async def test_the_pages_outside_of_a_portal(stage: Stage, browser: Browser, axe: str) -> None:
    address = stage.settings.public_url
    async with window(browser, locale="ru-RU") as (page, _):
        for path in ("", "bitrix24/install", "bitrix24/app", "bitrix24/connect?ticket=x"):
            await page.goto(f"{address}/{path}")
            assert await findings(page, axe) == []
        await page.goto(stage.portal.url)  # who signs in is who was chosen there
        await page.goto(await page_to_connect(stage))
        await expect(page.get_by_role("heading", name="Готово")).to_be_visible()
        assert await findings(page, axe) == []
        await page.goto(await page_to_connect(stage, bot_auth="none"))
        await expect(page.get_by_role("button", name="Выполнить")).to_be_visible()
        assert await findings(page, axe) == []
        await page.get_by_role("button", name="Выполнить").click()
        await expect(page.get_by_text("Бот уже выполняет команду")).to_be_visible()
        assert await findings(page, axe) == []


async def page_to_connect(stage: Stage, **less: str) -> str:
    """Have the bot ask for a permission, and give where its button leads."""
    await stage.faults(events={"tokens": "none", **less})
    assert (await stage.say("/invite id12")).startswith("🔑")
    dialog = await stage.get(f"dialogs/{OLGA}")
    return dialog["messages"][-1]["keyboard"][0]["LINK"]


async def test_the_web_chat(stage: Stage, browser: Browser, axe: str) -> None:
    await stage.say("Добрый день", user=CUSTOMER)
    await stage.say("/invite id12")
    await stage.say("/invite @Иван Петров")

    async with window(browser, reduced_motion="reduce", locale="ru-RU") as (page, _):
        await page.goto(stage.portal.url)
        await page.wait_for_selector("#messages li", state="attached")
        for view in ("chat", "chats", "phone", "panel"):
            await page.evaluate(f"document.body.dataset.view = '{view}'")
            assert await findings(page, axe) == []
        await page.evaluate("document.body.dataset.view = 'chats'")
        await page.get_by_role("button", name=re.compile("^Switchboard")).click()
        await page.get_by_role("textbox", name="Сообщение", exact=True).fill("/")
        await expect(page.locator("#suggestions")).to_be_visible()
        assert await findings(page, axe) == []
        await page.get_by_role("button", name=re.compile("^Переслать")).last.click()
        assert await findings(page, axe) == []
