"""Where the forms and links of a page lead: on, at whichever of its addresses it was opened."""

import re
from urllib.parse import urljoin

import pytest
from attacking import TYPED, consent_of, forged, post
from connecting import authorized, offered
from stage import ADD, ADMIN, OLGA, ON_SQLITE, Stage
from yarl import URL


def actions(url: str, page: str) -> set[str]:
    """Give where the forms of a page are sent that stands at this address."""
    forms = re.findall(r"<form [^>]*>", page)
    told = [re.search(r'action="([^"]*)"', form) for form in forms]
    buttons = re.findall(r'formaction="([^"]*)"', page)
    return {urljoin(url, one).partition("#")[0] for one in
            [*(found[1] if found else url for found in told), *buttons]}  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("slash", ["", "/"])
async def test_forms_of_the_app_s_page_come_back_to_it(stage: Stage, slash: str) -> None:
    opened = await stage.post("open", {"user_id": ADMIN})
    url = opened["url"].replace("/app?", f"/app{slash}?")
    async with stage.session.post(url, data=opened["fields"]) as response:
        page = await response.text()

    for view in ("home", "state", "settings", "journal"):
        [back] = actions(url, page)
        session = re.search(r'name="session" value="([^"]+)"', page)
        assert session
        fields = {"session": session[1], "view": view}
        async with stage.session.post(back, data=fields) as response:
            page = await response.text()
            assert (response.status, f'value="{view}" aria-current' in page) == (200, True)


@ON_SQLITE
@pytest.mark.parametrize("odd", [{"LANG": "x" * 17}, {"DOMAIN": "x" * 256}, {"PROTOCOL": "1" * 9}])
async def test_what_the_address_says_and_nobody_can_read_keeps_nobody_out(
    stage: Stage, odd: dict[str, str]
) -> None:
    opened = await stage.post("open", {"user_id": OLGA})
    url = URL(opened["url"]).update_query(odd)

    async with stage.session.post(url, data=opened["fields"]) as response:
        assert (response.status, "Switchboard" in await response.text()) == (200, True)


@ON_SQLITE
@pytest.mark.parametrize("slash", ["", "/"])
async def test_forms_of_the_tab_come_back_to_it(stage: Stage, slash: str) -> None:
    asked = {"user_id": OLGA, "placement": "CRM_DEAL_DETAIL_TAB", "options": {"ID": "288"}}
    opened = await stage.post("open", asked)
    url = opened["url"].replace("/tab?", f"/tab{slash}?")
    async with stage.session.post(url, data=opened["fields"]) as response:
        [back] = actions(url, await response.text())

    assert back == url


@ON_SQLITE
@pytest.mark.parametrize("path", ["oauth", "oauth/", "app", "app/"])
async def test_who_comes_back_consents_from_wherever_the_card_sends_them(
    stage: Stage, path: str
) -> None:
    await post(stage, forged(stage, TYPED, user=OLGA))
    back = await authorized(stage, await offered(stage))
    url = back.replace("/bitrix24/oauth?", f"/bitrix24/{path}?")
    async with stage.session.get(url) as response:
        page, url = await response.text(), str(response.url)
        framed_by = response.headers["Content-Security-Policy"].split("; ")[-1]

    [consenting] = actions(url, page)
    for status in (200, 400):
        async with stage.session.post(consenting, data={"consent": consent_of(page)}) as response:
            assert response.status == status
            # Whatever showed them the question shows them what comes of it.
            assert response.headers["Content-Security-Policy"].split("; ")[-1] == framed_by
    await stage.settled()

    assert [call["user_id"] for call in await stage.calls(ADD)] == [OLGA]
