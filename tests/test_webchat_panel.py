"""The panel beside the web chat, in a browser: faults, roles, the queue, the CRM's timeline."""

from browsing import *  # noqa: F403  # a browser for all of these tests
from browsing import IN_BROWSER
from playwright.async_api import Browser, expect
from stage import ANNA, IVAN, OLGA, Stage
from webchat import *  # noqa: F403  # its page, open
from webchat import Desk, desk_open

pytestmark = IN_BROWSER


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
