"""How the web chat stands on a screen, in a browser: on a phone, in its room, at its end."""

import re
from dataclasses import replace

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, Page, expect
from stage import ANNA, CHAT, CUSTOMER, Stage
from webchat import *  # noqa: F403  # its page, open
from webchat import LONG, Desk, desk_open

pytestmark = IN_BROWSER


async def test_the_page_is_usable_on_a_phone_and_in_english(stage: Stage, browser: Browser) -> None:
    async with desk_open(stage, browser, width=360, language="en") as desk:
        page = desk.page
        for view in ("Chats", "Chat", "Customer", "Portal"):
            await page.get_by_role("button", name=view, exact=True).click()
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await expect(page.get_by_role("heading", name="REST calls")).to_be_visible()
        await page.get_by_role("button", name="Chats", exact=True).click()
        await page.get_by_role("button", name=re.compile("Клиент - Поддержка")).first.click()
        await page.get_by_role("textbox", name="Message", exact=True).fill("/invite id12")
        await page.keyboard.press("Enter")
        messages = page.get_by_role("log", name="Messages")
        await expect(messages).to_contain_text("now in this chat")

        await messages.get_by_role("button", name=re.compile("Forward: Ольга")).click()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await page.get_by_role("dialog").get_by_role("button", name="Switchboard").click()
        await expect(messages).to_contain_text("Forwarded. Author: Ольга Смирнова")


async def test_the_chat_is_open_at_its_end_and_follows(stage: Stage, browser: Browser) -> None:
    for number in range(40):
        await stage.type(f"Строка {number}", user=CUSTOMER)
    for width in (1440, 390):
        async with desk_open(stage, browser, width=width) as desk:
            last = desk.messages.locator("li").last
            await expect(last).to_be_in_viewport()
            await stage.type(f"Ещё одна на {width}", user=CUSTOMER)
            await expect(last).to_contain_text(f"Ещё одна на {width}")
            await expect(last).to_be_in_viewport()
            await expect(desk.mark).to_be_hidden()

            await desk.messages.evaluate("log => log.scrollTo(0, 0)")
            await expect(last).not_to_be_in_viewport()
            for words in ("Ау", "Вы здесь?"):
                await stage.type(words, user=CUSTOMER)
            await expect(desk.mark).to_have_text("2 новых сообщения")
            await expect(last).not_to_be_in_viewport()
            await desk.mark.click()
            await expect(last).to_be_in_viewport()
            await expect(desk.mark).to_be_hidden()

            await desk.messages.evaluate("log => log.scrollTo(0, 0)")
            await desk.write("Да")
            await expect(last).to_contain_text("Да")
            await expect(last).to_be_in_viewport()


async def test_the_chat_has_most_of_the_room(stage: Stage, browser: Browser) -> None:
    crowd = [replace(stage.portal.state.users[ANNA], id=700 + one, name=LONG) for one in range(23)]
    stage.portal.state.users |= {one.id: one for one in crowd}
    stage.portal.state.chats[CHAT].members += [one.id for one in crowd]
    await stage.type("Добрый день", user=crowd[0].id)

    async with desk_open(stage, browser, width=1280) as desk:
        await expect(desk.page.locator("#chat-members")).to_contain_text("26 участников")
        widths = await desk.page.evaluate(
            "[...document.getElementById('desk').children].map((one) => one.offsetWidth)"
        )
        assert widths[1] == max(widths)
        assert widths[1] > 1280 * 0.4, widths
        assert await _sticking_out(desk.page) == []
    async with desk_open(stage, browser, width=360) as desk:
        for view in ("Чаты", "Чат", "Клиент", "Портал"):
            await desk.page.locator("#views").get_by_role("button", name=view, exact=True).click()
            assert await _sticking_out(desk.page) == [], view


async def _sticking_out(page: Page) -> list[str]:
    """What is wider than what it stands in, and not cut with an ellipsis."""
    return await page.evaluate(
        """[document.documentElement, ...document.querySelectorAll("#desk > *, #messages, #members,"
          + " #calls, #panel > *, #composer, #chat-head")]
        .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
        .map((one) => one.id || one.tagName)"""
    )


async def test_whatever_can_be_pressed_has_a_name(desk: Desk) -> None:
    await desk.write("/invite id12")
    await expect(desk.members).to_contain_text("Иван Петров")

    names = await desk.page.evaluate(
        """[...document.querySelectorAll("button, a, input, textarea, select")]
        .filter((one) => one.checkVisibility())
        .map((one) => one.getAttribute("aria-label") || one.textContent.trim()
          || one.labels?.[0]?.textContent.trim() || one.outerHTML)"""
    )

    assert not [name for name in names if name.startswith("<")]
    for landmark in ("banner", "main", "navigation", "complementary"):
        assert await desk.page.get_by_role(landmark).count() >= 1
    assert str(CHAT) in await desk.page.evaluate("sessionStorage.desk")
