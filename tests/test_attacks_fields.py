"""Fields of an event that no portal sends: odd types, numbers beyond all bounds."""

from attacking import TYPED, Watch, forged, garbage, own, post
from stage import ADD, ADMIN, ANNA, BOT, OLGA, ON_SQLITE, Stage


@ON_SQLITE
async def test_a_context_that_no_portal_sends_is_no_event(known: Stage) -> None:
    before = known.stored()

    for context in ("timer", "menu2", "Textarea", "textarea ", "text\u0000area"):
        event = forged(known, TYPED, user=OLGA, data__command__context=context)
        await post(known, {**event, **own(known, OLGA), **known.bots_token()})

        assert known.stored() == before, context
    assert not await known.calls(ADD)


@ON_SQLITE
async def test_an_event_whose_author_is_not_its_user_does_nothing(known: Stage) -> None:
    watch, before = await Watch.over(known), known.stored()
    event = forged(known, TYPED, user=ANNA, data__message__authorId=str(OLGA))

    await post(known, {**event, **own(known), **known.bots_token()})

    assert known.stored() == before
    assert await watch.requests() == []


ODD = [
    {"member_id": "  "}, {"member_id": ["x"]}, {"member_id": None}, {"member_id": True},
    {"user_id": True}, {"user_id": 1e400}, {"user_id": 7.0}, {"user_id": "7\u200b"},
    {"user_id": 2**63}, {"user_id": -1}, {"user_id": {"0": 7}}, {"user_id": "٧"},
    {"access_token": True}, {"access_token": ["x"]}, {"access_token": {"a": 1}},
    {"application_token": True}, {"application_token": ["x"]}, {"refresh_token": 5},
]  # fmt: skip
ODD_BOTS = [
    True, [], [1], "x", {"auth": []}, {"auth": [1]}, {"auth": "x"}, {"auth": True},
    {"id": BOT, "auth": {"access_token": True}}, {"id": BOT, "AUTH": {"access_token": ["x"]}},
    {"id": 2**63, "auth": {"access_token": "x"}}, {"id": True, "auth": {"access_token": "x"}},
    {"id": "456 ", "access_token": "x"}, {"id": 456.0, "access_token": "x"},
]  # fmt: skip


@ON_SQLITE
async def test_json_of_odd_types_gives_nobody_rights(known: Stage) -> None:
    watch = await Watch.over(known)
    url = f"{known.settings.public_url}/bitrix24/events"
    events = [tree({**forged(known, "/group 15 id15", user=OLGA), **garbage(OLGA)}) for _ in ODD]
    for event, odd in zip(events, ODD, strict=True):
        event["auth"] |= odd
    for bots in ODD_BOTS:
        events.append(tree(forged(known, "/group 15 id15", user=OLGA)))
        events[-1]["data"]["bot"] = bots

    for event in events:
        async with known.session.post(url, json=event) as response:
            assert response.status in (200, 400, 403), event
    await known.settled(20)

    await watch.nothing_done(OLGA, ADMIN)


@ON_SQLITE
async def test_numbers_beyond_all_bounds(known: Stage) -> None:
    watch = await Watch.over(known)
    url = f"{known.settings.public_url}/bitrix24/events"

    for field in ("data[user][id]", "data[message][id]", "data[command][id]", "data[chat][id]",
                  "data[bot][id]", "auth[user_id]"):  # fmt: skip
        for number in ("0", str(2**63 - 1), str(2**63), "9" * 40, "-1", "1e3", "0x7"):
            fields = {**forged(known, "/group 15 id15", user=OLGA), field: number}
            async with known.session.post(url, data=fields) as response:
                assert response.status in (200, 400), (field, number)
    await known.settled(20)

    await watch.nothing_done(OLGA)


@ON_SQLITE
async def test_the_portals_number_is_taken_as_it_is(known: Stage) -> None:
    mine = known.portal.state.settings.member_id
    watch, before = await Watch.over(known), known.stored()

    for said in (mine.upper(), f" {mine}", f"{mine} ", f"{mine}/", f"{mine}\u0000", ""):
        elsewhere = {"auth__member_id": said, "auth__client_endpoint": "http://evil.example/rest/"}
        event = {**forged(known, TYPED, user=OLGA, **elsewhere), **own(known, OLGA)}
        await post(known, event, 403)

    assert known.stored() == before
    assert await watch.requests() == []


def tree(fields: dict[str, str]) -> dict:
    whole: dict = {}
    for key, value in fields.items():
        *path, last = key.replace("]", "").split("[")
        node = whole
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return whole
