"""Two portals with the same numbers in one deployment: nothing crosses over."""

import pytest
from app_page import opened, posted, rows_of, sending, words_of
from attacking import TYPED
from connecting import authorized, code_of, offered, state_of
from pairs import NAMES, Pair
from sqlalchemy import text
from stage import ADD, ADMIN, IVAN, OLGA, ON_SQLITE, Stage, bot_running, settings_for


async def test_each_portal_gets_its_own_calls(pair: Pair) -> None:
    assert "теперь в этом чате" in await pair.left.say(TYPED)

    assert len(await pair.left.calls(ADD)) == 1
    assert not await pair.right.calls(ADD)
    assert IVAN not in await pair.right.members()


async def test_a_token_of_one_is_no_permission_at_the_other(pair: Pair) -> None:
    await pair.left.say(TYPED)
    await pair.right.faults(events={"tokens": "none"})

    assert (await pair.right.say(TYPED)).startswith("🔑")

    assert not await pair.right.calls(ADD)
    assert rows(pair, "tokens", OLGA) == [NAMES[0]]


async def test_one_connecting_takes_nothing_up_at_the_other(pair: Pair) -> None:
    for stage in (pair.left, pair.right):
        await stage.faults(events={"tokens": "none"})
        assert (await stage.say(TYPED)).startswith("🔑")

    await opened(pair.left, OLGA)

    await pair.left.joined(IVAN)
    await pair.left.settled()
    assert not await pair.right.calls(ADD)


async def test_a_state_of_one_does_not_connect_at_the_other(pair: Pair) -> None:
    for stage in (pair.left, pair.right):
        await stage.faults(events={"tokens": "none"})
        await stage.say(TYPED)
    left = await authorized(pair.left, await offered(pair.left))
    right = await authorized(pair.right, await offered(pair.right))

    crossed = left.replace(code_of(left), code_of(right))
    async with pair.left.session.get(crossed) as response:
        assert response.status in (400, 403)

    assert state_of(left) != state_of(right)
    assert rows(pair, "tokens", OLGA) == []


async def test_an_event_of_one_cannot_name_the_other(pair: Pair) -> None:
    forged = {
        "event": "ONAPPUNINSTALL",
        "data[CLEAN]": "1",
        "auth[member_id]": NAMES[1],
        "auth[application_token]": pair.left.portal.state.app.application_token,
    }
    url = f"{pair.left.settings.public_url}/bitrix24/events"
    async with pair.left.session.post(url, data=forged) as response:
        assert response.status == 403

    assert "теперь в этом чате" in await pair.right.say(TYPED)


@ON_SQLITE
async def test_a_visitor_of_one_is_a_stranger_at_the_other(pair: Pair) -> None:
    token = pair.right.portal.state.app.application_token

    status, page = await opened(pair.left, ADMIN, member_id=NAMES[1], APPLICATION_TOKEN=token)

    assert (status, "Не удалось узнать вас" in page) == (403, True)


@ON_SQLITE
async def test_an_install_page_of_one_does_not_touch_the_other(pair: Pair) -> None:
    before = pair.right.count("SELECT count(*) FROM portals")
    opening = {"user_id": ADMIN, "which": "install"}
    page = await pair.left.post("open", opening)
    fields = {**page["fields"], "member_id": NAMES[1]}

    async with pair.left.session.post(page["url"], data=fields) as response:
        assert response.status == 403

    assert pair.right.count("SELECT count(*) FROM portals") == before
    assert "теперь в этом чате" in await pair.right.say(TYPED)


async def test_a_copy_of_a_portal_is_told_that_it_is_one(pair: Pair) -> None:
    """A copied box has the application token of the one that it was copied from."""
    page = await pair.left.post("open", {"user_id": ADMIN, "which": "install", "language": "ru"})
    token = pair.right.portal.state.settings.application_token

    fields = {**page["fields"], "APPLICATION_TOKEN": token}
    async with pair.left.session.post(page["url"], data=fields) as response:
        told = await response.text()

    assert (response.status, token in told) == (403, False)
    assert "Портал похож на копию другого" in words_of(told)
    assert "теперь в этом чате" in await pair.right.say(TYPED)


async def test_settings_and_journal_are_each_portals_own(pair: Pair) -> None:
    await pair.left.say(TYPED)
    _, left = await opened(pair.left, ADMIN)
    _, right = await opened(pair.right, ADMIN)

    left = await posted(pair.left, left, view="settings")
    left = await posted(pair.left, left, view="save", errors_in_chat="1")
    assert "checked" in left.partition('name="errors_in_chat"')[2][:40]
    right = await posted(pair.right, right, view="settings")
    assert "checked" not in right.partition('name="errors_in_chat"')[2][:40]
    assert len(rows_of(await posted(pair.left, left, view="journal"))) == 1
    assert "Ничего не найдено" in words_of(await posted(pair.right, right, view="journal"))
    async with sending(pair.right, right, view="csv") as response:
        assert len((await response.text()).strip().splitlines()) == 1


@pytest.mark.parametrize("clean", [True, False])
async def test_one_leaving_leaves_the_other_alone(pair: Pair, clean: bool) -> None:
    await pair.left.say(TYPED)
    await pair.right.say(TYPED)

    await pair.left.post("uninstall", {"clean": clean})

    await pair.left.until(lambda: gone(pair))
    assert rows(pair, "tokens", OLGA) == [NAMES[1]]
    assert members(pair, "journal") == set(NAMES)
    assert "теперь в этом чате" in await pair.right.say("/invite id15")


async def test_the_same_message_number_is_two_commands(pair: Pair) -> None:
    assert "теперь в этом чате" in await pair.left.say(TYPED)
    assert "теперь в этом чате" in await pair.right.say(TYPED)

    question = "SELECT count(DISTINCT message_id) FROM inbox"
    assert (pair.left.count(question), pair.left.stored()) == (1, 2)


async def test_one_that_hangs_keeps_no_new_version_from_the_other(pair: Pair) -> None:
    with pair.left.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    await pair.left.faults(method="*", delay=30, times=None)
    new = settings_for(pair.left.portal, pair.left.settings.database_url.get_secret_value())

    async with bot_running(new):
        await pair.right.until(lambda: knows(pair.right, f"{new.public_url}/bitrix24/events"))


@ON_SQLITE
async def test_a_method_that_one_has_used_up_is_called_at_once_at_the_other(pair: Pair) -> None:
    told = {"status": 429, "code": "OPERATION_TIME_LIMIT", "operating_reset_in": 3}
    await pair.left.faults(method=ADD, error={**told, "description": ""})
    await pair.left.type("/invite id12")
    await pair.left.until(lambda: has_called(pair.left))

    await pair.right.type("/invite id12")

    await pair.right.joined(IVAN)
    refused, *_ = await pair.left.calls(ADD)
    [done] = await pair.right.calls(ADD)
    assert done["at"] < refused["at"] + 2
    await pair.left.settled()


async def has_called(stage: Stage) -> bool:
    return bool(await stage.calls(ADD))


def rows(pair: Pair, table: str, user: int) -> list[str]:
    question = text(f"SELECT member_id FROM {table} WHERE user_id = :user")  # noqa: S608
    with pair.left.engine.connect() as connection:
        return sorted(connection.execute(question, {"user": user}).scalars())


def members(pair: Pair, table: str) -> set[str]:
    with pair.left.engine.connect() as connection:
        return set(connection.execute(text(f"SELECT member_id FROM {table}")).scalars())  # noqa: S608


async def gone(pair: Pair) -> bool:
    here = text("SELECT member_id FROM portals WHERE left_at IS NULL")
    with pair.left.engine.connect() as connection:
        return set(connection.execute(here).scalars()) == {NAMES[1]}


async def knows(stage: Stage, address: str) -> bool:
    updates = await stage.calls("imbot.v2.Bot.update")
    return updates[-1]["params"]["fields"]["webhookUrl"] == address
