"""The bot's own pages in frames of the web chat, in a browser: install, connect, app, journal."""

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, expect
from stage import CUSTOMER, IVAN, OLGA, Stage
from webchat import *  # noqa: F403  # its page, open
from webchat import Desk, desk_open

pytestmark = IN_BROWSER


async def test_a_command_waits_for_the_connect_flow(desk: Desk) -> None:
    await desk.hide()
    await desk.page.get_by_role("button", name="События без токенов").click()
    await expect(desk.page.get_by_role("button", name="События без токенов")).to_have_attribute(
        "aria-pressed", "true"
    )
    await desk.write("/invite id12")
    await expect(desk.toasts).to_contain_text("🔑")
    await desk.chat("Switchboard")

    await desk.messages.get_by_role("button", name="Подключить").click()
    framed = desk.page.frame_locator("#app-frame iframe")
    await expect(framed.locator("body")).to_contain_text("можно закрыть")
    await desk.page.locator("#app-dialog-close").click()

    await desk.chat("Клиент - Поддержка")
    await expect(desk.members).to_contain_text("Иван Петров")
    assert await desk.stage.members() == [OLGA, CUSTOMER, IVAN]


async def test_the_app_is_installed_in_a_frame(empty_stage: Stage, browser: Browser) -> None:
    app = empty_stage.portal.state.app
    app.install_url = f"{empty_stage.settings.public_url}/bitrix24/install"
    async with desk_open(empty_stage, browser) as desk:
        await expect(desk.page.locator("#chats")).not_to_contain_text("Switchboard")
        await desk.be(1)
        await desk.page.get_by_role("button", name="Установка").click()

        await expect(desk.page.locator("#chats")).to_contain_text("Switchboard")
        await empty_stage.until(lambda: _is_installed(empty_stage))


async def _is_installed(stage: Stage) -> bool:
    return stage.portal.state.app.installed


async def test_the_app_s_page_is_shown_in_a_frame(desk: Desk) -> None:
    await desk.page.get_by_role("button", name="Приложение").click()

    shown = desk.page.frame_locator("#app-frame iframe")
    await expect(shown.get_by_text("Ольга Смирнова")).to_be_visible()
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.get_by_role("dialog")).to_be_hidden()
    await expect(desk.page.locator("#app-frame iframe")).to_have_count(0)


async def test_the_journal_is_read_and_downloaded_in_the_frame(
    stage: Stage, browser: Browser
) -> None:
    await stage.say("/invite id12")
    async with desk_open(stage, browser) as desk:
        await desk.be(1)
        await desk.page.get_by_role("button", name="Приложение").click()
        shown = desk.page.frame_locator("#app-frame iframe")
        await shown.get_by_role("button", name="Журнал").click()
        await expect(shown.locator("tbody time")).to_contain_text("GMT+5")
        async with desk.page.expect_download() as download:
            await shown.get_by_role("button", name="Скачать CSV").click()
        assert (await download.value).suggested_filename == "switchboard.csv"
        async with desk.page.context.expect_page() as other:
            await shown.get_by_role("link", name="chat8773").click()
        await expect((await other.value).locator("#chat-name")).to_have_text("Клиент - Поддержка")
