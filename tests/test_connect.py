"""A person lets the bot act for them: the link, the portal's page, the way back."""

import asyncio
import re

import pytest
from connecting import authorized, code_of, connected, offered, opened, state_of, ticket_of
from sqlalchemy import text
from stage import ADD, ANNA, CHAT, DRIVER, IVAN, OLGA, ON_SQLITE, Stage, bot_running, settings_for

TYPED = "/invite id12"
LOOKS = "imopenlines.dialog.get"


@pytest.fixture
async def lonely(stage: Stage) -> Stage:
    """A stage whose portal sends no tokens with its events."""
    await stage.faults(events={"tokens": "none"})
    return stage


async def test_the_waiting_command_runs_once_right_after_connecting(lonely: Stage) -> None:
    asked = await lonely.say(TYPED)
    assert "нужно разрешение один раз" in asked
    assert not await lonely.calls(ADD)

    status, page = await connected(lonely, await offered(lonely))

    await lonely.joined(IVAN)
    await lonely.settled()
    assert (status, "Готово" in page, "уже выполняет вашу команду" in page) == (200, True, True)
    [added] = await lonely.calls(ADD)
    assert (added["user_id"], added["params"]["USER_ID"]) == (OLGA, str(IVAN))
    assert (await lonely.heard())[-1] == "✅ [USER=12][/USER] теперь в этом чате."


@ON_SQLITE
async def test_whoever_connects_takes_up_nothing_of_a_colleagues(lonely: Stage) -> None:
    await lonely.say(TYPED)
    lonely.portal.state.chats[CHAT].members.append(ANNA)
    await lonely.say("/who", user=ANNA)

    await connected(lonely, await offered(lonely, ANNA), visitor=ANNA)
    await lonely.settled()

    assert lonely.count("SELECT count(*) FROM inbox WHERE resumed_at IS NOT NULL") == 1


@ON_SQLITE
async def test_people_come_back_to_the_page_where_the_card_has_no_other_address(
    lonely: Stage,
) -> None:
    lonely.portal.state.app.redirect_url = lonely.portal.state.app.app_url
    await lonely.say(TYPED)

    status, _ = await connected(lonely, await offered(lonely))

    await lonely.joined(IVAN)
    await lonely.settled()
    assert status == 200


@ON_SQLITE
async def test_the_chat_is_looked_at_afresh(lonely: Stage) -> None:
    await lonely.say(TYPED)
    await lonely.faults(chat={"id": CHAT, "entity_data_2": "LEAD|0|COMPANY|0|CONTACT|0|DEAL|301"})

    await connected(lonely, await offered(lonely))

    await lonely.until(lambda: asked_for(lonely, LOOKS))
    await lonely.settled()
    [added] = await lonely.calls(ADD)
    assert added["params"]["CRM_ENTITY"] == "301"


async def test_several_waiting_commands_all_run_in_their_order(lonely: Stage) -> None:
    await lonely.say(TYPED)
    await lonely.say(f"/invite id{DRIVER}")

    _, page = await connected(lonely, await offered(lonely))

    await lonely.until(lambda: asked_for(lonely, ADD, 2))
    await lonely.settled()
    assert "2 ваши команды" in page
    added = [one["params"]["USER_ID"] for one in await lonely.calls(ADD)]
    assert added == [str(IVAN), str(DRIVER)]


@ON_SQLITE
async def test_once_connected_nobody_is_asked_again(lonely: Stage) -> None:
    await lonely.say(TYPED)
    await connected(lonely, await offered(lonely))
    await lonely.joined(IVAN)
    await lonely.settled()

    assert "теперь в этом чате" in await lonely.say(f"/invite id{DRIVER}")


@ON_SQLITE
async def test_somebody_else_cannot_connect_in_the_requesters_place(lonely: Stage) -> None:
    await lonely.say(TYPED)

    status, page = await connected(lonely, await offered(lonely), visitor=ANNA)

    assert (status, "Вход выполнен под другим именем" in page) == (403, True)
    assert vault(lonely) == vault_of_installation(lonely)
    assert (await lonely.say(TYPED)).startswith("🔑")
    assert not await lonely.calls(ADD)


async def test_a_state_comes_back_once(lonely: Stage) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))
    assert (await opened(lonely, back))[0] == 200
    again = await authorized(lonely, await offered(lonely))
    replayed = f"{back.partition('?')[0]}?code={code_of(again)}&state={state_of(back)}"

    status, page = await opened(lonely, replayed)

    assert (status, "уже завершено или устарело" in page) == (400, True)


async def test_a_state_that_comes_back_twice_at_the_same_moment_counts_once(
    lonely: Stage,
) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))

    answers = await asyncio.gather(*(opened(lonely, back) for _ in range(5)))

    assert sorted(status for status, _ in answers) == [200, 400, 400, 400, 400]
    exchanges = [one for one in await lonely.get("refreshes") if "code" in one["grant"]]
    assert len(exchanges) == 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("connect", "Ссылка устарела"),
        ("connect?ticket=made-up", "Ссылка устарела"),
        ("connect?ticket=выдумана", "Ссылка устарела"),
        ("oauth", "уже завершено или устарело"),
        ("oauth?code=x&state=made-up", "уже завершено или устарело"),
        ("oauth?code=x&state=%D1%91%ED%A0%80", "уже завершено или устарело"),
    ],
)
async def test_what_the_bot_did_not_make_is_refused(lonely: Stage, path: str, words: str) -> None:
    status, page = await opened(lonely, f"{lonely.settings.public_url}/bitrix24/{path}")

    assert (status, words in page) == (400, True)


@ON_SQLITE
async def test_a_link_is_no_state_and_a_state_no_link(lonely: Stage) -> None:
    await lonely.say(TYPED)
    link = await offered(lonely)
    back = await authorized(lonely, link)
    base = f"{lonely.settings.public_url}/bitrix24"

    assert (await opened(lonely, f"{base}/oauth?code={code_of(back)}&state={ticket_of(link)}"))[
        0
    ] == 400
    assert (await opened(lonely, f"{base}/connect?ticket={state_of(back)}"))[0] == 400


@ON_SQLITE
async def test_a_code_that_the_server_does_not_take(lonely: Stage) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))

    status, page = await opened(lonely, back.replace(code_of(back), "0" * 32))

    assert (status, "не подтвердил разрешение" in page) == (400, True)


@ON_SQLITE
async def test_a_server_that_is_closed(lonely: Stage) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))
    await lonely.faults(oauth="closed")

    status, page = await opened(lonely, back)

    assert (status, "Сейчас не получилось" in page) == (503, True)


@ON_SQLITE
async def test_the_pages_speak_the_visitors_language(lonely: Stage) -> None:
    url = f"{lonely.settings.public_url}/bitrix24/connect"

    _, page = await opened(lonely, url, languages="de-DE,en;q=0.8,ru;q=0.5")

    assert "This link is too old" in page


@ON_SQLITE
async def test_the_code_is_asked_of_the_known_server_only(lonely: Stage) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))
    changed = re.sub(r"server_domain=[^&]+", "server_domain=evil.example", back)
    changed = re.sub(r"([?&])domain=[^&]+", r"\1domain=evil.example", changed)

    status, _ = await opened(lonely, changed)

    assert status == 200
    await lonely.joined(IVAN)


@ON_SQLITE
async def test_pages_are_kept_by_nobody_and_framed_by_the_portal_alone(lonely: Stage) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))

    async with lonely.session.get(back) as response:
        policy = response.headers["Content-Security-Policy"]

    assert f"frame-ancestors {lonely.portal.url}" in policy.split("; ")
    assert "script-src 'none'" in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_a_command_that_waited_too_long_is_not_run(lonely: Stage) -> None:
    await lonely.say(TYPED)
    with lonely.engine.begin() as connection:
        # A quarter of an hour.
        connection.execute(text("UPDATE inbox SET parked_until = parked_until - 901"))

    _, page = await connected(lonely, await offered(lonely))

    assert "отправьте её ещё раз" in page
    await lonely.settled()
    assert not await lonely.calls(ADD)


async def test_a_bot_that_starts_again_finishes_what_a_dead_one_left(
    lonely: Stage,
) -> None:
    await lonely.say(TYPED)
    back = await authorized(lonely, await offered(lonely))
    # The dead one got as far as the token: it has stored it and taken nothing up.
    with lonely.engine.begin() as connection:
        [row] = connection.execute(text("SELECT * FROM inbox")).mappings().all()
        connection.execute(text("UPDATE inbox SET requester_id = 0"))
    assert (await opened(lonely, back))[0] == 200
    with lonely.engine.begin() as connection:
        question = text("UPDATE inbox SET requester_id = :who")
        connection.execute(question, {"who": row["requester_id"]})

    other = settings_for(lonely.portal, lonely.settings.database_url.get_secret_value())
    async with bot_running(other):
        await lonely.joined(IVAN)

    await lonely.settled()
    assert len(await lonely.calls(ADD)) == 1


async def asked_for(stage: Stage, method: str, times: int = 1) -> bool:
    return len(await stage.calls(method)) >= times


def vault(stage: Stage) -> list[int]:
    with stage.engine.connect() as connection:
        return list(connection.execute(text("SELECT user_id FROM tokens ORDER BY 1")).scalars())


def vault_of_installation(stage: Stage) -> list[int]:
    """The administrator's pair, and the bot's own that comes with every event."""
    return [1, 456]
