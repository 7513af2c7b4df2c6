"""Messages in the web chat, in a browser: written, shown, quoted, forwarded."""

import re

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import expect
from stage import ANNA, CHAT, CUSTOMER, GROUP_CHAT, OLGA
from webchat import *  # noqa: F403  # its page, open
from webchat import Desk

pytestmark = IN_BROWSER


async def test_a_mention_is_one_thing_to_the_keyboard(desk: Desk) -> None:
    await desk.text.focus()
    await desk.page.keyboard.type("Спросим @орл")
    await desk.page.keyboard.press("Tab")
    await expect(desk.text).to_have_value("Спросим @Анна Орлова ")
    await expect(desk.page.locator("#mirror mark")).to_have_text("@Анна Орлова")
    for _ in range(2):
        await desk.page.keyboard.press("Backspace")
    await expect(desk.text).to_have_value("Спросим ")

    await desk.page.keyboard.type("@орл")
    await desk.page.keyboard.press("Tab")
    await desk.page.keyboard.press("Enter")

    await expect(desk.messages.locator(".mention")).to_have_text("Анна Орлова")
    assert (await desk.stage.chat())["messages"][-1]["text"] == (
        f"Спросим [USER={ANNA}]Анна Орлова[/USER] "
    )


async def test_bb_code_is_shown_and_can_be_pressed(desk: Desk) -> None:
    await desk.stage.type(
        "[put=/who]спросить[/put] [send=Готово]сказать[/send] [code][b]как есть[/b][/code]\n"
        ">>цитата\n[chat=55]летучка[/chat] &#91;b&#93;скобки&#x5b;/b] &amp;#91;b] &lt;i&gt;"
    )
    code, quote = desk.messages.locator("code"), desk.messages.locator("blockquote")
    await expect(code).to_have_text("[b]как есть[/b]")
    await expect(quote).to_have_text("цитата")
    await expect(desk.messages.locator("strong")).to_have_text("скобки")
    await expect(desk.messages).to_contain_text("&#91;b] <i>")

    await desk.messages.get_by_role("button", name="спросить").click()
    await expect(desk.text).to_have_value("/who")
    await desk.messages.get_by_role("button", name="сказать").click()
    await expect(desk.messages.locator("li")).to_have_count(2)
    await desk.messages.get_by_role("button", name="летучка").click()
    await expect(desk.page.get_by_role("heading", name="Летучка")).to_be_visible()


async def test_a_message_is_quoted(desk: Desk) -> None:
    await desk.hide()
    number = await desk.stage.type("Здравствуйте", user=CUSTOMER)
    bar = desk.page.locator("#quoted")

    await desk.messages.get_by_role("button", name=re.compile("Цитировать: Клиент, ")).click()
    await expect(bar).to_contain_text("Цитата Клиент: Здравствуйте")
    await expect(desk.text).to_be_focused()
    await desk.page.get_by_role("button", name="Убрать цитату").click()
    await expect(bar).to_be_hidden()

    await desk.messages.get_by_role("button", name=re.compile("Цитировать: Клиент, ")).click()
    await desk.chat("Летучка")
    await expect(bar).to_be_hidden()
    await desk.chat("Клиент - Поддержка")
    await expect(bar).to_be_visible()
    await desk.page.keyboard.type("Кто это?")
    await desk.page.keyboard.press("Enter")

    await expect(bar).to_be_hidden()
    await expect(desk.messages.locator("blockquote")).to_contain_text("Здравствуйте")
    text = (await desk.stage.chat())["messages"][-1]["text"]
    assert f"] #chat{CHAT}/{number}\nЗдравствуйте\n" in text
    assert text.endswith("-\nКто это?")


async def test_a_message_is_forwarded_by_keyboard_alone(desk: Desk) -> None:
    await desk.hide()
    await desk.stage.type("раз", user=CUSTOMER)
    await desk.stage.type("два")
    keys = desk.page.keyboard
    await expect(desk.messages.locator("li")).to_have_count(2)

    await desk.messages.focus()
    await keys.press("Tab")
    await keys.press("Tab")
    await expect(desk.page.locator(":focus")).to_have_accessible_name(
        re.compile("Переслать: Ольга Смирнова, ")
    )
    await keys.press("ArrowUp")
    await expect(desk.page.locator(":focus")).to_have_accessible_name(
        re.compile("Переслать: Клиент, ")
    )
    await keys.press("Enter")
    await expect(desk.page.get_by_role("dialog", name="Куда переслать?")).to_be_visible()
    await keys.press("Escape")
    await expect(desk.page.get_by_role("dialog")).to_be_hidden()
    await keys.press("Enter")
    await desk.page.get_by_role("dialog").get_by_role("button", name="Летучка").focus()
    await keys.press("Enter")

    await expect(desk.page.get_by_role("heading", name="Летучка")).to_be_visible()
    await expect(desk.messages).to_contain_text("Переслано. Автор: Клиент")
    told = (await desk.stage.chat(GROUP_CHAT))["messages"][-1]
    assert (told["text"], told["author_id"], told["forward"]["userId"]) == ("раз", OLGA, CUSTOMER)


async def test_hostile_text_stays_text(desk: Desk) -> None:
    for words in (
        "<img src=x onerror=alert(1)><script>alert(1)</script>",
        "[url=javascript:alert(1)]x[/url][url=//evil.test]y[/url][b][i]z",
        "[user=1<b>]n[/user][color=red;x:1]c[/color]" + "[b]" * 500,
    ):
        await desk.stage.type(words)
    await desk.stage.type("[b]жирно[/b] [url=https://example.test/?a=1&b=2]ссылка[/url]")

    await expect(desk.messages.get_by_role("link")).to_have_attribute(
        "href", "https://example.test/?a=1&b=2"
    )
    await expect(desk.messages.locator("strong", has_text="жирно")).to_have_count(1)
    await expect(desk.messages).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(desk.messages).to_contain_text("[url=javascript:alert(1)]x[/url]")
    assert (
        await desk.page.locator("#messages img, #messages script, #messages [style]").count() == 0
    )


async def test_enter_sends_once(desk: Desk) -> None:
    await desk.hide()
    await desk.text.focus()
    await desk.page.keyboard.type("/who")
    await expect(desk.offers.get_by_role("option")).to_have_count(1)
    await desk.page.keyboard.down("Enter")
    for _ in range(3):  # held down, it comes again and again
        await desk.page.keyboard.down("Enter")
    await desk.page.keyboard.up("Enter")
    await expect(desk.text).to_have_value("")
    await desk.stage.settled()
    typed = [
        one["text"] for one in (await desk.stage.chat())["messages"] if one["author_id"] == OLGA
    ]
    assert typed == ["/who"]

    await desk.page.keyboard.type("/inv")
    await desk.page.keyboard.down("Enter")
    await desk.page.keyboard.down("Enter")
    await expect(desk.text).to_have_value("/invite ")


async def test_what_cannot_be_sent_comes_back(desk: Desk) -> None:
    await desk.page.route("**/sandbox/messages", lambda route: route.abort())
    await desk.write("Добрый день")
    await expect(desk.toasts).to_contain_text("Не получилось")
    await expect(desk.text).to_have_value("Добрый день")
