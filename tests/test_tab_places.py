"""Where the tab is: put into the cards by the registration, and done without where it may not."""

from typing import Any

import pytest
from app_page import opened, posted, words_of
from stage import ADMIN, IVAN, OLGA, ON_SQLITE, Stage
from terminal import ran

CARDS = {f"CRM_{kind}_DETAIL_TAB" for kind in ("DEAL", "LEAD", "CONTACT", "COMPANY")}
WITHOUT = ["imbot", "imopenlines", "im", "crm", "user_basic", "department", "sonet_group"]


def bound(stage: Stage) -> dict[str, str]:
    return {one["placement"]: one["handler"] for one in stage.portal.state.app.placements}


def tab(stage: Stage) -> str:
    return f"{stage.settings.public_url}/bitrix24/tab"


@ON_SQLITE
async def test_an_installation_puts_it_into_every_card(stage: Stage) -> None:
    assert bound(stage) == dict.fromkeys(CARDS, tab(stage))
    assert {one["title"] for one in stage.portal.state.app.placements} == {"Коллеги в чате"}
    words = (await stage.calls("placement.bind"))[0]["params"]["LANG_ALL"]
    assert {language: one["TITLE"] for language, one in words.items()} == {
        "ru": "Коллеги в чате", "en": "Chat colleagues",
    }  # fmt: skip

    page = await state_of(stage)
    assert "Вкладка «Коллеги в чате» в карточках CRM" in page
    assert "не в порядке" not in page
    assert "placement" not in page


@ON_SQLITE
async def test_a_portal_without_the_scope_has_all_the_rest(empty_stage: Stage) -> None:
    stage = empty_stage
    await stage.faults(scopes=WITHOUT)
    assert await stage.install() == 200
    stage.seat_the_bot()

    assert bound(stage) == {}
    assert "теперь в этом чате" in await stage.say(f"/invite id{IVAN}")
    page = await state_of(stage)
    assert "placement Нужно это право, остальное работает и без него." in words_of(page)
    assert "не в порядке" not in page
    seen = await ran(stage.settings, "doctor")
    assert (seen.code, "??  The tab in CRM cards: placement" in seen.out) == (0, True), seen.out
    # Nothing is registered over and over for it.
    before = len(await stage.calls("imbot.v2.Bot.update"))
    assert await stage.install() == 200
    assert len(await stage.calls("imbot.v2.Bot.update")) == before


@ON_SQLITE
@pytest.mark.parametrize("how", ["repair", "reinstall", "update"])
async def test_with_the_scope_it_comes(empty_stage: Stage, how: str) -> None:
    stage = empty_stage
    await stage.faults(scopes=WITHOUT)
    assert await stage.install() == 200
    await stage.faults(scopes=[*WITHOUT, "placement"])
    assert "не в порядке" in await state_of(stage)

    if how == "repair":
        _, page = await opened(stage, ADMIN)
        await posted(stage, page, view="repair")
    elif how == "reinstall":
        assert await stage.install() == 200
    else:
        await stage.post("update", {"new_application_token": False})

    async def is_bound() -> bool:
        return bound(stage) == dict.fromkeys(CARDS, tab(stage))

    await stage.until(is_bound)


@ON_SQLITE
async def test_a_tab_that_is_gone_is_missed_and_put_back(stage: Stage) -> None:
    stage.portal.state.app.placements.pop()
    page = await state_of(stage)
    assert "Вкладка «Коллеги в чате» в карточках CRM Нажмите" in words_of(page)

    _, page = await opened(stage, ADMIN)
    page = await posted(stage, page, view="repair")

    assert bound(stage) == dict.fromkeys(CARDS, tab(stage))
    assert "не в порядке" not in page


@ON_SQLITE
async def test_those_of_an_older_address_are_taken_away(stage: Stage) -> None:
    others = {"placement": "CRM_DEAL_DETAIL_TAB", "handler": "https://other.example/x", "title": ""}
    old = {**others, "handler": "https://old.example/bitrix24/tab"}
    stage.portal.state.app.placements[:] = [old, others]

    _, page = await opened(stage, ADMIN)
    await posted(stage, page, view="repair")

    handlers = {one["handler"] for one in stage.portal.state.app.placements}
    assert handlers == {tab(stage), others["handler"]}


ANSWERS: dict[str, dict[str, Any]] = {
    "an empty list": {"method": "placement.get", "result": []},
    "a refusal": {"method": "placement.bind", "error": {"status": 400, "code": "ERROR_CORE",
                                                        "description": "x"}},
    "no such place": {"method": "placement.bind", "error": {
        "status": 400, "code": "ERROR_PLACEMENT_NOT_FOUND", "description": "x"}},
    "another's method": {"method": "placement.get", "error": {
        "status": 404, "code": "ERROR_METHOD_NOT_FOUND", "description": "x"}},
}  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_answer_about_it_stops_an_installation(stage: Stage, answer: str) -> None:
    await stage.faults(**ANSWERS[answer], times=None)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="repair")
    assert "зарегистрированы заново" in words_of(page)

    await stage.faults(clear=True)
    assert bound(stage) == dict.fromkeys(CARDS, tab(stage))
    assert await stage.say("/who")


@ON_SQLITE
async def test_it_goes_with_the_app(stage: Stage) -> None:
    await stage.post("uninstall", {"clean": False})
    await stage.settled()

    assert not await stage.calls("placement.unbind")
    opening = {"user_id": OLGA, "placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}
    url = f"{stage.portal.url}/sandbox/open"
    async with stage.session.post(url, json=opening) as response:
        assert response.status == 409


async def state_of(stage: Stage) -> str:
    _, page = await opened(stage, ADMIN)
    return await posted(stage, page, view="state")
