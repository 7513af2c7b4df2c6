"""What an employee may try with the tab of a CRM record: in another's name, elsewhere, once more.

Anna has the tab open, with her own session and note, and knows every number there is.
"""

import asyncio
import time
from typing import Any

import pytest
from acting import DELETE
from app_page import session_of, words_of
from attacking import Watch, as_bots, forged, own, post
from pydantic import SecretStr
from stage import ADD, ANNA, BOSS, CHAT, IVAN, KEY, OLGA, ON_SQLITE, UNHURRIED, Stage
from tab_page import address, number_of, offered, opened, pressed, record_of, sent

from bot.store.cipher import Cipher

pytestmark = ON_SQLITE

DINA = 18
CIPHER = Cipher([SecretStr(KEY)])


def sealed(stage: Stage, purpose: str, user: int, **more: Any) -> str:
    """What only the bot can make: the tests try what it would be worth in wrong hands."""
    told = {"portal": stage.portal.state.settings.member_id, "user": user, **more}
    return CIPHER.seal(purpose, told)


def session(stage: Stage, user: int) -> str:
    return sealed(stage, "page", user, language="ru", since=time.time())


def record(stage: Stage, user: int, number: int = 288, **more: Any) -> str:
    return sealed(stage, "record", user, **{"type": "deal", "id": number, "once": "a" * 32, **more})


def aged(note: str) -> str:
    """Give a note as it would be that was made an hour ago."""
    told = CIPHER._fernet.decrypt(note.encode())
    return CIPHER._fernet.encrypt_at_time(told, int(time.time()) - 3700).decode()


@pytest.mark.parametrize("name", ["user", "user_id", "USER_ID", "data[user][id]", "requester"])
async def test_a_form_that_names_another_person_acts_as_its_visitor(
    stage: Stage, name: str
) -> None:
    _, page = await opened(stage, ANNA)
    before = len(await stage.calls())

    await pressed(stage, page, invite=str(ANNA), **{name: str(OLGA)})

    by = {call["user_id"] for call in (await stage.calls())[before:] if call["auth"] == "user"}
    assert by == {ANNA}


async def test_a_visit_that_names_another_person_is_its_token_s(stage: Stage) -> None:
    _, page = await opened(stage, ANNA, USER_ID=str(OLGA), user_id=str(OLGA))

    assert "Анна Орлова это вы" in words_of(page)


async def test_another_s_note_with_one_s_own_session(stage: Stage) -> None:
    _, hers = await opened(stage, ANNA)
    _, olgas = await opened(stage)
    watch = await Watch.over(stage)

    for fields in (
        {"record": record_of(olgas)},
        {"record": record(stage, OLGA)},
        {"record": record(stage, ANNA, portal="f" * 32)},
        {"record": session_of(hers)},
        {"record": record_of(olgas)[:-4]},
        {"record": ""},
    ):
        status, told = await sent(stage, hers, invite=str(IVAN), **fields)
        assert status == 403, words_of(told)

    await watch.nothing_done(OLGA)


@pytest.mark.parametrize("made", ["", "made-up", "выдумана"])
async def test_without_a_session_nothing_is_done(stage: Stage, made: str) -> None:
    _, page = await opened(stage, ANNA)
    watch = await Watch.over(stage)

    for text in (made, record_of(page), sealed(stage, "connect", ANNA)):
        status, _ = await sent(stage, page, invite=str(IVAN), session=text)
        assert status == 403

    await watch.nothing_done(OLGA)


async def test_a_chat_of_another_record(stage: Stage) -> None:
    _, page = await opened(stage, ANNA)
    watch = await Watch.over(stage)

    for chat in ("8774", "9001", "8800", "55", "1439", "0", "", "x", "8773; 8774"):
        status, told = await sent(stage, page, invite=str(IVAN), chat=chat)
        assert (status, "ничего не сделано" in told) == (403, True), chat
    await watch.nothing_done(OLGA)

    # What else a form may name of a record is not looked at.
    await pressed(stage, page, invite=str(ANNA), id="301", item="301", type="deal", ID="301")
    assert ANNA in await stage.members(CHAT)
    assert ANNA not in await stage.members(8774)


async def test_a_record_that_its_visitor_may_not_read(stage: Stage) -> None:
    _, page = await opened(stage, BOSS)
    await stage.faults(user={"id": BOSS, "crm": False})
    watch = await Watch.over(stage)

    status, told = await sent(stage, page, invite=str(IVAN))

    assert (status, "Карточка вам недоступна" in told) == (403, True)
    await watch.nothing_done(OLGA)


async def test_a_note_is_good_once(stage: Stage) -> None:
    _, page = await opened(stage)
    await pressed(stage, page, invite=str(ANNA))
    watch = await Watch.over(stage)

    for fields in ({"invite": str(ANNA)}, {"invite": str(IVAN)}, {"remove": str(ANNA)},
                   {"escalate": "1"}, {"press": "1.0.x"}):  # fmt: skip
        told = await pressed(stage, page, **fields)
        assert "второй раз ничего не сделано" in words_of(told)

    await watch.nothing_done()
    assert len(await stage.calls(ADD)) == 1


async def test_a_form_sent_many_times_at_once_is_carried_out_once(stage: Stage) -> None:
    _, page = await opened(stage)

    told = await asyncio.gather(*(sent(stage, page, invite=str(ANNA)) for _ in range(5)))

    assert len(await stage.calls(ADD)) == 1
    assert sum("теперь в чате" in words_of(one) for _, one in told) == 1
    assert stage.stored() == 1


async def test_a_note_that_is_too_old(stage: Stage) -> None:
    _, page = await opened(stage)
    watch = await Watch.over(stage)

    status, told = await sent(stage, page, invite=str(ANNA), record=aged(record_of(page)))

    assert (status, "Страница открыта давно" in told) == (403, True)
    await watch.nothing_done()


@pytest.mark.parametrize("path", ["tab", "app"])
async def test_a_session_that_is_too_old_is_told_in_its_portal_s_frame(
    stage: Stage, path: str
) -> None:
    _, page = await opened(stage)
    watch = await Watch.over(stage)
    fields = {"session": aged(session(stage, OLGA)), "record": record_of(page), "invite": "15"}

    url = f"{stage.settings.public_url}/bitrix24/{path}"
    async with stage.session.post(url, data={**fields, "chat": str(CHAT)}) as response:
        told, policy = await response.text(), response.headers["Content-Security-Policy"]

    assert (response.status, "Страница открыта давно" in told) == (403, True)
    assert f"frame-ancestors {stage.portal.url}" in policy
    await watch.nothing_done(OLGA)


async def test_a_portal_that_is_not_the_token_s(stage: Stage) -> None:
    watch = await Watch.over(stage)

    for member in ("f" * 32, "", "x"):
        status, _ = await opened(stage, ANNA, member_id=member)
        assert status in (400, 403)
    for portal in ("f" * 32, ""):
        made = sealed(stage, "page", ANNA, portal=portal, language="ru", since=time.time())
        fields = {"session": made, "record": record(stage, ANNA, portal=portal), "chat": str(CHAT)}
        async with stage.session.post(address(stage), data={**fields, "invite": "12"}) as response:
            assert response.status == 403

    await watch.nothing_done(OLGA)


async def test_external_people_see_and_do_nothing(stage: Stage) -> None:
    """The portal lets them open no app, but their tokens may come by another way."""
    pair = stage.portal.state.tokens.issue(DINA, "user")
    watch = await Watch.over(stage)

    status, page = await opened(stage, ANNA, AUTH_ID=pair.access, REFRESH_ID=pair.refresh)
    assert status == 403
    assert "Поставка" not in page
    fields = {"session": session(stage, DINA), "record": record(stage, DINA), "chat": str(CHAT)}
    async with stage.session.post(address(stage), data={**fields, "invite": "12"}) as response:
        assert response.status == 403

    now = {call["user_id"] for call in await stage.calls(ADD)}
    assert now == set()
    assert (await Watch.over(stage))._seen["members"] == watch._seen["members"]


async def test_who_was_dismissed_does_nothing_from_an_open_page(stage: Stage) -> None:
    _, page = await opened(stage, BOSS)
    await stage.faults(user={"id": BOSS, "active": False})
    watch = await Watch.over(stage)

    status, told = await sent(stage, page, invite=str(IVAN))

    assert status == 403 or "не может действовать" in words_of(told)
    await watch.nothing_done(OLGA)


async def test_another_s_button_does_nothing_and_stays_theirs(stage: Stage) -> None:
    _, olgas = await opened(stage)
    olgas = await pressed(stage, olgas, invite=str(ANNA))
    carried = offered(olgas, "Отменить")
    _, hers = await opened(stage, ANNA)

    told = await pressed(stage, hers, press=carried)

    assert "Ольга Смирнова" in words_of(told)
    assert ANNA in await stage.members()
    assert not await stage.calls(DELETE)
    # It is still Olga's.
    await pressed(stage, olgas, press=carried)
    assert ANNA not in await stage.members()


@UNHURRIED
async def test_another_s_escalation_is_not_touched(stage: Stage) -> None:
    _, olgas = await opened(stage)
    olgas = await pressed(stage, olgas, escalate="1")
    number = number_of(olgas, "stop")
    _, maria = await opened(stage, ANNA, item=301)
    watch = await Watch.over(stage)

    for name in ("stop", "take", "pass_on"):
        _, hers = await opened(stage, ANNA)
        assert f'name="{name}"' not in hers
        await pressed(stage, hers, **{name: number})
        _, hers = await opened(stage, ANNA)
        await pressed(stage, hers, **{name: str(int(number) + 1)})
        # Its number is worth nothing in the chat of another record.
        await pressed(stage, maria, chat="8774", **{name: number})
        _, maria = await opened(stage, ANNA, item=301)

    await watch.nothing_done(OLGA)
    _, olgas = await opened(stage)
    assert "Ответа ждём до" in words_of(olgas)


async def test_no_event_comes_as_if_from_the_page(stage: Stage) -> None:
    await opened(stage)
    watch = await Watch.over(stage)
    params = '{"people":[{"id":12}],"chat_id":8773,"item":{"type":"deal","id":288}}'

    for context in ("page", "PAGE", "timer"):
        about = {"data__command__context": context, "data__command__params": params}
        for tokens in ({}, own(stage, said=OLGA), as_bots(own(stage)), stage.bots_token()):
            await post(stage, {**forged(stage, "/invite", user=OLGA, **about), **tokens})

    assert stage.stored() == 0
    await watch.nothing_done(OLGA)


async def test_what_others_wrote_is_text_on_the_page(stage: Stage) -> None:
    hostile = '"><script>alert(1)</script>[b]x[/b]'
    stage.portal.state.users[ANNA].last_name = hostile
    stage.portal.state.crm["DEAL", 288].title = hostile
    stage.portal.state.chats[CHAT].name = hostile
    _, page = await opened(stage)

    for fields in ({"find": hostile}, {"invite": str(ANNA)}, {"remove": str(ANNA)},
                   {"escalate": "1", "reason": hostile}):  # fmt: skip
        page = await pressed(stage, page, **fields)
        assert "<script>" not in page
        assert hostile not in page


async def test_no_name_turns_the_words_beside_it_around(stage: Stage) -> None:
    steering = "\u202e\u2066\u200f\x1b\u2028"
    for user in stage.portal.state.users.values():
        user.last_name, user.position = f"{steering}Орлова", f"юрист{steering}"
    stage.portal.state.crm["DEAL", 288].title = f"{steering}Поставка"
    stage.portal.state.chats[CHAT].name = f"{steering}Клиент"
    _, page = await opened(stage)

    for fields in ({"find": f"Анна{steering}"}, {"remove": str(OLGA)}):
        assert not set(page) & set(steering)
        assert "Анна Орлова" in words_of(page)
        page = await pressed(stage, page, **fields)
    assert not set(page) & set(steering)
