"""Commands in the web chat, in a browser: who types, who answers, and who sees nothing of it."""

import re

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import expect
from stage import ANNA, CUSTOMER, IVAN, OLGA
from webchat import *  # noqa: F403  # its page, open
from webchat import Desk

pytestmark = IN_BROWSER


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
