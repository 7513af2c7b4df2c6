"""What a visitor may write into the fields of the tab of a CRM card."""

from io import BytesIO
from urllib.parse import urlencode

import pytest
from app_page import session_of, words_of
from attacking import Watch
from escalating import ends, in_chat
from installing import departed
from stage import ADD, ANNA, BOT, CHAT, CUSTOMER, DINA, IVAN, OLGA, ON_SQLITE, Stage
from tab_page import address, opened, pressed, record_of, sent

pytestmark = ON_SQLITE

ODD = ["9" * 400, "12\x00\u202e"]
FIELDS = ["invite", "remove", "who", "chat", "find", "reason", "press", "session", "record"]


@pytest.mark.parametrize("field", FIELDS)
async def test_odd_values_break_nothing(stage: Stage, field: str) -> None:
    _, page = await opened(stage)
    more = {"escalate": "1"} if field in ("who", "reason") else {}
    # A page has its share of the portal's pace: not more at once than that gives.
    shapes = [*((field, one) for one in ODD), (f"{field}[a][b]", "12")]
    for shape, value in shapes:
        status, told = await sent(stage, page, **more, **{shape: value})
        assert status < 500, (shape, value, words_of(told))
        page = told if status == 200 else page
    await stage.settled()
    await in_chat(stage)
    assert CUSTOMER in await stage.members()


@pytest.mark.parametrize("who", [CUSTOMER, DINA, BOT, OLGA, 987654])
async def test_who_is_not_to_be_brought_or_taken(stage: Stage, who: int) -> None:
    _, page = await opened(stage)
    before = await stage.members()
    for fields in ({"invite": str(who)}, {"escalate": "1", "who": str(who)}):
        page = await pressed(stage, page, **fields)
    assert await stage.members() == before
    assert ends(stage) == []
    if who != OLGA:
        page = await pressed(stage, page, remove=str(who))
        assert (await stage.chat())["members"].count(who) == [*before, BOT].count(who)
        assert not await stage.told_privately(who)
    await in_chat(stage)


@pytest.mark.parametrize("options", ["{}", "[]", "null", '{"ID": "0"}', '{"ID": -1}', "[" * 900,
                                     '{"ID": [288]}', '{"ID": "288x"}', '{"ID": 1e400}',
                                     '{"ID": "999999999"}', "x" * 2000])  # fmt: skip
async def test_a_card_that_is_none(stage: Stage, options: str) -> None:
    status, told = await opened(stage, PLACEMENT_OPTIONS=options)
    assert status in (400, 403), words_of(told)


PLACES = ["", "DEFAULT", "CRM_INVOICE_DETAIL_TAB", "CRM_DEAL_LIST_MENU", "CRM_DEAL_DETAIL_TAB\n",
          "CRM_DYNAMIC_177_DETAIL_TAB"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_a_page_for_another_place_is_refused(stage: Stage, place: str) -> None:
    status, told = await opened(stage, PLACEMENT=place)
    assert status == 400, words_of(told)


@pytest.mark.parametrize("domain", ["evil.test; script-src *", "evil.test\r\nX: y", "*", "",
                                    "evil.test *", "'self'"])  # fmt: skip
async def test_the_frame_is_the_portal_s_alone(stage: Stage, domain: str) -> None:
    asked = {"user_id": OLGA, "language": "ru", "placement": "CRM_DEAL_DETAIL_TAB"}
    page = await stage.post("open", {**asked, "options": {"ID": "288"}})
    for token in (page["fields"]["AUTH_ID"], "wrong"):
        fields = {**page["fields"], "DOMAIN": domain, "AUTH_ID": token}
        async with stage.session.post(
            address(stage), params={"DOMAIN": domain}, data=fields
        ) as response:
            policy = response.headers.get("Content-Security-Policy", "")
            told = await response.text()
        ancestors = [one for one in policy.split(";") if "frame-ancestors" in one]
        if response.status == 200:
            assert ancestors == [f" frame-ancestors {stage.portal.url}"], policy
        else:
            assert "evil" not in policy, policy
            assert "script-src *" not in policy
            assert "Поставка" not in told
        assert "evil" not in told


async def test_after_the_app_has_left(stage: Stage) -> None:
    _, page = await opened(stage)
    await stage.post("uninstall", {"clean": True})
    await departed(stage)

    status, told = await sent(stage, page, invite=str(IVAN))

    assert status == 403, words_of(told)
    assert not await stage.calls(ADD)


async def test_what_is_too_big_is_not_read(stage: Stage) -> None:
    _, page = await opened(stage)
    watch = await Watch.over(stage)

    known = {"session": session_of(page), "record": record_of(page), "chat": str(CHAT)}
    body = urlencode({**known, "invite": str(ANNA), "reason": "x" * 1_100_000}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = address(stage)
    async with stage.session.post(url, data=BytesIO(body), headers=headers) as response:
        status = response.status

    assert status == 413
    await watch.nothing_done()
    told = await pressed(stage, page, escalate="1", reason="ы" * 20_000)
    assert "ы" * 1000 not in told


async def test_names_of_lines_and_connectors_are_text(stage: Stage) -> None:
    evil = '"><img src=x onerror=alert(1)>{{ 7 * 7 }}'
    for user in stage.portal.state.users.values():
        user.last_name, user.position = evil, evil
    for line in stage.portal.state.lines.values():
        line.name = evil
    stage.portal.state.chats[CHAT].name = evil
    _, page = await opened(stage)

    assert "<img" not in page
    assert "49" not in words_of(page)
    page = await pressed(stage, page, find=evil, chat=evil)
    assert "<img" not in page
