"""Pages, sessions, states and links: what is no note of ours, or too old a one, and by whom."""

import time

import pytest
from app_page import address, opened, sending, session_of
from attacking import change, forged, own, post, rows, vault
from connecting import authorized, code_of, connected, offered, state_of, ticket_of
from connecting import opened as visited
from pydantic import SecretStr
from stage import ADD, ADMIN, ANNA, BOSS, KEY, OLGA, ON_SQLITE, Stage

from bot.store.cipher import Cipher

TYPED = "/invite id12"
ODD = [
    "", "é", "ключ", "\u202e", "\u0000", "\ufffd", "%ff", "%ed%a0%80", "a" * 3000, "gAAAAA",
    "gAAAAA=é", "=" * 300, "[]", "\r\nX: y", "😀", "../..", "-1", "null",
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_note_of_ours_is_refused_politely(
    stage: Stage, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    base, session = f"{stage.settings.public_url}/bitrix24", stage.session
    told = []
    for path, fields in (
        ("app", {"session": odd}),
        ("app", {"session": odd, "view": "csv"}),
        ("app", {"session": odd, "view": odd}),
        ("connect", {"consent": odd}),
        ("app", {"AUTH_ID": odd, "member_id": odd, "APPLICATION_TOKEN": odd, "REFRESH_ID": odd}),
        ("install", {"AUTH_ID": odd, "member_id": odd, "APPLICATION_TOKEN": odd}),
    ):
        async with session.post(f"{base}/{path}", data=fields) as response:
            told.append((path, response.status))
        async with session.post(f"{base}/{path}", json=fields) as response:
            told.append((path, response.status))
    for path, query in (
        ("connect", {"ticket": odd}),
        ("oauth", {"code": odd, "state": odd}),
        ("app", {"code": odd, "state": odd}),
    ):
        async with session.get(f"{base}/{path}", params=query, allow_redirects=False) as response:
            told.append((path, response.status))
            assert "Traceback" not in await response.text()

    assert all(400 <= status < 500 for _, status in told), told
    assert "Traceback" not in caplog.text
    assert not [one for one in caplog.records if one.exc_info]


@ON_SQLITE
async def test_addresses_that_are_no_text(stage: Stage) -> None:
    from yarl import URL

    base = f"{stage.settings.public_url}/bitrix24"
    for raw in ("%ff", "%ed%a0%80", "%00", "%C3%28", "+", "%F0%9F%98%80"):
        for path in (f"connect?ticket={raw}", f"oauth?code={raw}&state={raw}", f"app?state={raw}"):
            async with stage.session.get(URL(f"{base}/{path}", encoded=True)) as response:
                assert response.status == 400, path
        for path, body in (
            ("app", f"session={raw}"),
            ("connect", f"consent={raw}"),
            ("app", f"AUTH_ID=1&member_id={raw}&APPLICATION_TOKEN={raw}"),
        ):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            async with stage.session.post(f"{base}/{path}", data=body, headers=headers) as response:
                assert response.status in (400, 403), (path, body)


@ON_SQLITE
async def test_failed_exchanges_of_codes_are_charged(stage: Stage) -> None:
    """Anna has a link of her own: each visit of it gives her a state to try a code with."""
    await post(stage, forged(stage, TYPED, user=ANNA))
    link = await offered(stage, ANNA)
    base = f"{stage.settings.public_url}/bitrix24/oauth"
    statuses = []
    for _ in range(130):
        async with stage.session.get(link, allow_redirects=False) as response:
            if response.status != 302:
                statuses.append(response.status)
                continue
            state = state_of(response.headers["Location"])
        async with stage.session.get(base, params={"code": "0" * 32, "state": state}) as response:
            statuses.append(response.status)

    assert 429 in statuses
    assert len([one for one in await stage.get("refreshes") if "code" in one["grant"]]) < 130


def note(purpose: str, **told: object) -> str:
    return Cipher([SecretStr(KEY)]).seal(purpose, told)


@ON_SQLITE
async def test_a_session_has_an_end_however_often_it_is_used(stage: Stage) -> None:
    await opened(stage, ADMIN)
    member = stage.portal.state.settings.member_id
    told = {"portal": member, "user": ADMIN, "language": "ru"}
    for hours, expected in ((11, 200), (13, 403), (1000, 403)):
        session = note("page", **told, since=time.time() - hours * 3600)
        fields = {"session": session, "view": "settings"}
        async with stage.session.post(address(stage), data=fields) as response:
            assert response.status == expected, hours
            page = await response.text()
        if expected == 200:
            # The next form's note is no younger.
            again = Cipher([SecretStr(KEY)]).unseal("page", session_of(page), 3600)
            assert float(again["since"]) < time.time() - 10 * 3600
    async with stage.session.post(address(stage), data={"session": note("page", **told)}) as told_:
        assert told_.status == 403


@ON_SQLITE
@pytest.mark.parametrize("purpose", ["page", "connect", "oauth", "consent"])
async def test_a_note_is_good_for_one_purpose(stage: Stage, purpose: str) -> None:
    await opened(stage, OLGA)
    await post(stage, forged(stage, TYPED, user=OLGA))
    [(command,)] = rows(stage, "SELECT id FROM inbox")
    member = stage.portal.state.settings.member_id
    made = note(purpose, portal=member, user=OLGA, command=command, nonce="n", language="ru",
                since=time.time())  # fmt: skip
    base = f"{stage.settings.public_url}/bitrix24"
    told = {}
    async with stage.session.post(f"{base}/app", data={"session": made}) as response:
        told["page"] = response.status
    async with stage.session.get(
        f"{base}/connect", params={"ticket": made}, allow_redirects=False
    ) as response:
        told["connect"] = response.status
    async with stage.session.get(f"{base}/oauth", params={"state": made, "code": "x"}) as response:
        told["oauth"] = response.status
    async with stage.session.post(f"{base}/connect", data={"consent": made}) as response:
        told["consent"] = response.status
    await stage.settled()

    good = {"page": 200, "connect": 302, "consent": 200}
    assert {name for name, status in told.items() if status < 400} == {purpose} & good.keys()


@ON_SQLITE
async def test_a_consent_is_of_its_person_portal_and_command_alone(stage: Stage) -> None:
    await opened(stage, OLGA)
    await post(stage, forged(stage, TYPED, user=OLGA))
    [(command,)] = rows(stage, "SELECT id FROM inbox")
    member = stage.portal.state.settings.member_id
    right = {"portal": member, "user": OLGA, "command": command}
    url = f"{stage.settings.public_url}/bitrix24/connect"

    for wrong in ({"portal": "f" * 32}, {"user": ANNA}, {"user": BOSS}, {"command": command + 1},
                  {"command": 0}):  # fmt: skip
        sealed = note("consent", **{**right, **wrong})
        async with stage.session.post(url, data={"consent": sealed}) as response:
            assert response.status == 400, wrong
    await stage.settled()
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_a_consent_comes_too_late(stage: Stage) -> None:
    await post(stage, forged(stage, TYPED, user=OLGA))
    link = await offered(stage)
    change(stage, "UPDATE inbox SET received_at = received_at - 90000")

    _, page = await connected(stage, link)

    assert 'name="consent"' not in page
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_annas_link_in_olgas_browser_keeps_nothing_of_olgas(stage: Stage) -> None:
    """Olga is led to Anna's own link, and signs in at the portal as herself."""
    await post(stage, forged(stage, TYPED, user=ANNA))
    before = vault(stage)

    status, page = await connected(stage, await offered(stage, ANNA), visitor=OLGA)

    assert (status, 'name="consent"' in page) == (403, False)
    assert vault(stage) == before


@ON_SQLITE
async def test_a_code_of_olgas_in_annas_way_back(stage: Stage) -> None:
    await post(stage, forged(stage, TYPED, user=ANNA))
    link = await offered(stage, ANNA)
    annas, olgas = await authorized(stage, link, ANNA), await authorized(stage, link, OLGA)
    before = vault(stage)

    crossed = annas.replace(code_of(annas), code_of(olgas))
    status, _ = await visited(stage, crossed)

    assert status == 403
    assert vault(stage) == before
    assert ticket_of(link)


@ON_SQLITE
async def test_anna_opens_the_app_page_as_the_boss(stage: Stage) -> None:
    before = vault(stage)
    hers = own(stage)

    for changed in (
        {"AUTH_ID": "a" * 70},
        {"AUTH_ID": "a" * 70, "REFRESH_ID": hers["auth[refresh_token]"]},
        {"USER_ID": str(BOSS)},
        {"user_id": str(BOSS), "AUTH_ID": hers["auth[access_token]"]},
    ):
        await opened(stage, ANNA, **changed)

    assert {row[0] for row in vault(stage)} <= {row[0] for row in before} | {ANNA}


@ON_SQLITE
async def test_anna_sees_nothing_that_is_for_administrators(stage: Stage) -> None:
    await opened(stage, ANNA)
    member = stage.portal.state.settings.member_id
    session = note("page", portal=member, user=ANNA, language="ru", since=time.time())
    registered = len(await stage.calls("imbot.v2.Bot.register"))

    for view in ("state", "repair", "settings", "save", "journal", "csv"):
        fields = {"session": session, "view": view, "errors_in_chat": "1"}
        async with stage.session.post(address(stage), data=fields) as response:
            assert "attachment" not in response.headers.get("Content-Disposition", ""), view

    assert rows(stage, "SELECT 1 FROM portal_settings") == []
    assert len(await stage.calls("imbot.v2.Bot.register")) == registered


@ON_SQLITE
async def test_a_session_of_somebody_who_has_left_opens_nothing(stage: Stage) -> None:
    await stage.faults(user={"id": BOSS, "admin": True})
    _, page = await opened(stage, BOSS)
    await stage.faults(user={"id": BOSS, "active": False})

    async with sending(stage, page, view="journal") as response:
        text = await response.text()

    assert response.status == 403 or "<tbody>" not in text


@ON_SQLITE
async def test_a_session_of_an_administrator_no_more_shows_no_journal(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.faults(user={"id": BOSS, "admin": True})
    _, page = await opened(stage, BOSS)
    await stage.faults(user={"id": BOSS, "admin": False})

    async with sending(stage, page, view="journal") as response:
        assert "<tbody>" not in await response.text()
