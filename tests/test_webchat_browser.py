"""The web chat in a real browser, with the real bot: what people see and press."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER, fixture
from playwright.async_api import Browser, Page, expect
from stage import ANNA, CHAT, CUSTOMER, GROUP_CHAT, IVAN, OLGA, Stage

pytestmark = IN_BROWSER

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


async def test_a_colleague_comes_by_keyboard_alone_and_the_phone_stays_silent(desk: Desk) -> None:
    await desk.hide()

    await desk.text.focus()
    await desk.page.keyboard.type("/inv")
    await expect(desk.offers.get_by_role("option")).to_have_count(1)
    await desk.page.keyboard.press("Enter")
    await desk.page.keyboard.type("@пет")
    await expect(desk.offers.get_by_role("option")).to_have_count(2)
    await desk.page.keyboard.press("ArrowDown")
    await desk.page.keyboard.press("ArrowUp")
    await expect(desk.offers.get_by_role("option", selected=True)).to_contain_text("Юрист")
    await desk.page.keyboard.press("Enter")
    await expect(desk.text).to_have_value("/invite @Иван Петров ")
    await desk.page.keyboard.press("Enter")

    await expect(desk.members).to_contain_text("Юрист")
    await expect(desk.page.locator("#said")).to_have_text("Иван Петров теперь в этом чате")
    await expect(desk.messages).to_contain_text("✅ Иван Петров теперь в этом чате.")
    await expect(desk.messages.locator(".internal")).to_have_count(2)
    assert await desk.phone.locator("li").count() == 0
    assert await desk.stage.members() == [OLGA, CUSTOMER, IVAN]
    calls = desk.page.locator("#calls")
    await expect(calls).to_contain_text("imopenlines.crm.chat.user.add")
    await expect(calls).to_contain_text("токен: Ольга Смирнова")


async def test_the_customer_gets_what_is_not_hidden(desk: Desk) -> None:
    await desk.write("Добрый день!")
    await expect(desk.phone).to_contain_text("Добрый день!")
    await desk.page.get_by_label("Написать от имени клиента").fill("Здравствуйте")
    await desk.page.keyboard.press("Enter")

    await expect(desk.messages).to_contain_text("Здравствуйте")
    assert (await desk.stage.chat())["messages"][-1]["author_id"] == CUSTOMER


async def test_a_refusal_is_told_privately(desk: Desk) -> None:
    await desk.hide()
    await desk.page.get_by_role("button", name="позвать уволенного").click()
    await desk.text.press("Enter")

    await expect(desk.toasts).to_contain_text("Switchboard пишет вам лично: 🚫 Павел Лебедев")
    await desk.toasts.get_by_role("button", name="Открыть").click()
    await expect(desk.messages).to_contain_text("сотрудник уволен")


async def test_the_picker_asks_who_is_meant(desk: Desk) -> None:
    await desk.hide()
    await desk.write("/invite @Иван Петров")
    await expect(desk.toasts).to_contain_text("найдено несколько человек")
    await desk.chat("Switchboard")

    await desk.messages.get_by_role("button", name=re.compile("Водитель")).click()

    await desk.chat("Клиент - Поддержка")
    await expect(desk.members).to_contain_text("Водитель")


async def test_another_operator_s_press_is_refused(desk: Desk) -> None:
    await desk.hide()
    await desk.write(f"/invite [USER={ANNA}]Анна Орлова[/USER]")
    await expect(desk.members).to_contain_text("Анна Орлова")

    await desk.be(ANNA)
    await desk.chat("Клиент - Поддержка")
    await desk.messages.get_by_role("button", name="Отменить").click()

    await expect(desk.toasts).to_contain_text("Эта кнопка не для вас")
    assert ANNA in await desk.stage.members()


async def test_undo_takes_back_what_was_done(desk: Desk) -> None:
    await desk.hide()
    await desk.write("/invite id12")
    await expect(desk.members).to_contain_text("Иван Петров")

    await desk.messages.get_by_role("button", name="Отменить").click()

    await expect(desk.members).not_to_contain_text("Иван Петров")
    await expect(desk.messages).to_contain_text("Отменено")


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


async def test_faults_are_set_and_mended(desk: Desk) -> None:
    await desk.hide()
    finished = desk.page.get_by_role("button", name="Диалог завершён", exact=True)
    await finished.click()
    await expect(finished).to_have_attribute("aria-pressed", "true")
    await desk.write("/invite id12")
    await expect(desk.toasts).to_contain_text("Диалог завершён")
    assert IVAN not in await desk.stage.members()

    await desk.page.get_by_role("button", name="Всё снова хорошо").click()
    await expect(finished).to_have_attribute("aria-pressed", "false")
    await desk.page.get_by_role("button", name="Токены истекли").click()
    await expect(desk.toasts).to_contain_text("Все выданные токены истекли")
    await desk.write("/invite id12")

    await expect(desk.members).to_contain_text("Иван Петров")


async def test_the_role_is_set_and_the_queue_is_shown(desk: Desk) -> None:
    level = desk.page.get_by_role("combobox", name="Просмотр истории")
    await expect(level).to_have_value("any")
    await expect(desk.page.locator("#queue")).to_have_text(
        "В очереди линии: Ольга Смирнова, Анна Орлова"
    )

    await level.select_option("none")

    await expect(desk.toasts).to_contain_text("Роль изменена")
    assert desk.stage.portal.state.users[OLGA].history == "none"
    await desk.be(1)
    await expect(level).to_be_disabled()
    await desk.be(ANNA)
    await expect(level).to_have_value("self")


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


async def test_the_app_is_installed_in_a_frame(empty_stage: Stage, browser: Browser) -> None:
    app = empty_stage.portal.state.app
    app.install_url = f"{empty_stage.settings.public_url}/bitrix24/install"
    async with desk_open(empty_stage, browser) as desk:
        await expect(desk.page.locator("#chats")).not_to_contain_text("Switchboard")
        await desk.be(1)
        await desk.page.get_by_role("button", name="Установка").click()

        await expect(desk.page.locator("#chats")).to_contain_text("Switchboard")
        await empty_stage.until(lambda: _is_installed(empty_stage))


async def test_the_app_s_page_is_shown_in_a_frame(desk: Desk) -> None:
    await desk.page.get_by_role("button", name="Приложение").click()

    shown = desk.page.frame_locator("#app-frame iframe")
    await expect(shown.get_by_text("Ольга Смирнова")).to_be_visible()
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.get_by_role("dialog")).to_be_hidden()
    await expect(desk.page.locator("#app-frame iframe")).to_have_count(0)


async def _is_installed(stage: Stage) -> bool:
    return stage.portal.state.app.installed


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


async def test_the_timeline_of_the_chats_deal_is_beside_it(stage: Stage, browser: Browser) -> None:
    stage.portal.state.journal.comments.append(
        {"id": 1, "by": OLGA, "entity_type": "DEAL", "entity_id": 288, "at": 1.0,
         "text": "Позван [b]юрист[/b] <i>"}
    )  # fmt: skip
    async with desk_open(stage, browser) as desk:
        timeline = desk.page.get_by_role("region", name="Лента CRM")
        await expect(timeline).to_contain_text("Ольга Смирнова")
        await expect(timeline.locator(".words")).to_have_text("Позван юрист <i>")
        await desk.page.locator("#chats button").last.click()
        await expect(timeline).to_be_hidden()
