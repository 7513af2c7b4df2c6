"""CRM items and workgroups."""

from collections.abc import AsyncIterator

import pytest
from test_sandbox import Desk, bot_desk

INVITE = "sonet_group.user.invite"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_desk() as desk:
        yield desk


async def test_an_item_has_its_responsible(desk: Desk) -> None:
    token = await desk.token(7)

    item = (await desk.ask("crm.item.get", token, entityTypeId=2, id=288))["item"]

    assert (item["id"], item["assignedById"], item["observers"]) == (288, 21, [3])
    assert item["contactIds"] == [91]
    older = await desk.ask("crm.deal.get", token, id="288")
    assert (older["ID"], older["ASSIGNED_BY_ID"]) == ("288", "21")
    assert (await desk.ask("crm.contact.get", token, id=91))["NAME"] == "Клиент"
    await desk.fault(item={"type": "contact", "id": 91, "title": "Мария Ким"})
    person = (await desk.ask("crm.item.get", token, entityTypeId=3, id=91))["item"]
    assert (person["name"], person["lastName"], "title" in person) == ("Мария", "Ким", False)


async def test_items_that_are_refused(desk: Desk) -> None:
    token, method = await desk.token(7), "crm.item.get"
    assert (await desk.refusal(method, token, entityTypeId=2, id=999))[:2] == (400, "NOT_FOUND")
    assert (await desk.refusal(method, token, entityTypeId=77, id=1))[:2] == (400, "NOT_FOUND")
    assert (await desk.refusal(method, token, entityTypeId=2))[:2] == (400, "100")
    assert (await desk.refusal("crm.deal.get", token, id=999)) == (400, "", "Not found")
    assert (await desk.refusal("crm.deal.get", token))[2] == "ID is not defined or invalid"

    await desk.fault(user={"id": 7, "crm": False})

    assert (await desk.refusal(method, token, entityTypeId=2, id=288))[:2] == (
        400, "ACCESS_DENIED",
    )  # fmt: skip
    assert (await desk.refusal("crm.deal.get", token, id=288)) == (400, "", "Access denied")
    assert (await desk.ask("crm.item.list", token, entityTypeId=2))["items"] == []


async def test_lists_of_items(desk: Desk) -> None:
    asked = {"entityTypeId": 2, "filter": {"assignedById": 21}, "select": ["id"]}

    status, body = await desk.rest("crm.item.list", desk.app_token, **asked)

    assert status == 200
    assert body["result"] == {"items": [{"id": 288}, {"id": 300}]}
    assert body["total"] == 2


async def test_a_comment_in_the_timeline(desk: Desk) -> None:
    token, method = await desk.token(7), "crm.timeline.comment.add"
    fields = {"ENTITY_ID": 288, "ENTITY_TYPE": "deal", "COMMENT": "Подключён юрист"}

    assert await desk.ask(method, token, fields=fields) > 0

    comment = (await desk.look("comments"))[0]
    assert (comment["by"], comment["entity_id"]) == (7, 288)
    await desk.ask(method, token, fields={"ENTITY_ID": "288", "ENTITY_TYPE_ID": 2, "COMMENT": "x"})
    assert (await desk.look("comments"))[1]["entity_type"] == "DEAL"


async def test_the_comments_of_an_item_are_listed(desk: Desk) -> None:
    token = await desk.token(7)
    for item, text in ((288, "a"), (301, "b"), (288, " c ")):
        fields = {"ENTITY_ID": item, "ENTITY_TYPE": "deal", "COMMENT": text}
        await desk.ask("crm.timeline.comment.add", token, fields=fields)
    asked = {"filter": {"ENTITY_ID": 288, "ENTITY_TYPE": "deal", ">ID": 10**9},
             "order": {"ID": "DESC"}}  # fmt: skip

    status, body = await desk.rest("crm.timeline.comment.list", token, **asked)

    assert (status, body["total"]) == (200, 2)
    assert [one["COMMENT"] for one in body["result"]] == ["c", "a"]
    first = body["result"][0]
    assert (first["ENTITY_ID"], first["ENTITY_TYPE"], first["AUTHOR_ID"]) == ("288", "deal", "7")
    assert first["CREATED"].endswith("+03:00")
    chosen = await desk.ask("crm.timeline.comment.list", token, **asked, select=["ID"])
    assert [list(one) for one in chosen] == [["ID"], ["ID"]]


async def test_comments_are_listed_for_those_who_read_the_item(desk: Desk) -> None:
    token, method = await desk.token(7), "crm.timeline.comment.list"
    asked = {"filter": {"ENTITY_ID": 288, "ENTITY_TYPE": "deal"}}
    await desk.fault(user={"id": 7, "crm_change": False})
    assert await desk.ask(method, token, **asked) == []
    assert (await desk.refusal(method, token))[:2] == (400, "")

    await desk.fault(user={"id": 7, "crm": False})

    assert (await desk.refusal(method, token, **asked))[:2] == (400, "")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "100"),
        ({"fields": "x"}, "100"),
        ({"fields": {}}, "OWNER_NOT_FOUND"),
        ({"fields": {"ENTITY_ID": 288, "ENTITY_TYPE": "invoice", "COMMENT": "x"}},
         "OWNER_NOT_FOUND"),
        ({"fields": {"entity_id": 288, "entity_type": "deal", "comment": "x"}}, "OWNER_NOT_FOUND"),
        ({"fields": {"ENTITY_ID": 288, "ENTITY_TYPE": "deal", "COMMENT": " "}},
         "INVALID_ARG_VALUE"),
    ],
)  # fmt: skip
async def test_comments_that_are_refused(desk: Desk, asked: dict[str, object], code: str) -> None:
    refused = await desk.refusal("crm.timeline.comment.add", await desk.token(7), **asked)

    assert refused[:2] == (400, code)


@pytest.mark.parametrize("right", ["crm", "crm_change"])
async def test_comments_are_for_those_who_may_change_the_item(desk: Desk, right: str) -> None:
    token, method = await desk.token(7), "crm.timeline.comment.add"
    await desk.fault(user={"id": 7, right: False})

    fields = {"ENTITY_ID": 288, "ENTITY_TYPE": "deal", "COMMENT": ""}
    assert (await desk.refusal(method, token, fields=fields))[:2] == (400, "ACCESS_DENIED")


async def test_who_is_mentioned_in_a_comment_is_notified(desk: Desk) -> None:
    text = "[USER=12]Иван[/USER] &#91;user=15]Анна[/USER] [USER=21][/USER] [USER=999]x[/USER]"
    fields = {"ENTITY_ID": 288, "ENTITY_TYPE": "deal", "COMMENT": text}

    await desk.ask("crm.timeline.comment.add", await desk.token(7), fields=fields)

    rows = await desk.look("notifications")
    assert sorted((row["from"], row["to"]) for row in rows) == [(7, 12), (7, 15)]


async def test_items_can_be_put_there_and_changed(desk: Desk) -> None:
    token = await desk.token(7)
    await desk.fault(item={"type": "deal", "id": 288, "title": "[b]x[/b]", "assigned_by": 3})
    await desk.fault(item={"type": "lead", "id": 1300, "observers": [12]})

    deal = (await desk.ask("crm.item.get", token, entityTypeId=2, id=288))["item"]
    lead = (await desk.ask("crm.item.get", token, entityTypeId=1, id=1300))["item"]

    assert (deal["title"], deal["assignedById"]) == ("[b]x[/b]", 3)
    assert (lead["title"], lead["observers"]) == ("LEAD 1300", [12])
    assert (await desk.control("faults", item={"type": "invoice", "id": 1}))[0] == 400


async def test_invitations_go_to_those_who_can_be_invited(desk: Desk) -> None:
    token = await desk.token(7)
    people = ["12", 15, 3, 7, 33, 599, 999, "12"]

    assert await desk.ask(INVITE, token, GROUP_ID=15, USER_ID=people, MESSAGE="нужен") == ["12", 15]
    assert await desk.ask(INVITE, token, GROUP_ID=15, USER_ID="12") == []
    assert await desk.ask(INVITE, token, GROUP_ID=15, USER_ID=["x", 0, None, 21]) == [21]

    rows = await desk.look("invitations")
    assert [(r["group_id"], r["user_id"], r["by"], r["message"]) for r in rows] == [
        (15, 12, 7, "нужен"), (15, 15, 7, "нужен"), (15, 21, 7, ""),
    ]  # fmt: skip


async def test_outsiders_invite_nobody(desk: Desk) -> None:
    assert await desk.ask(INVITE, await desk.token(15), GROUP_ID=15, USER_ID=12) == []


async def test_the_errors_of_groups_have_no_code(desk: Desk) -> None:
    token = await desk.token(7)

    assert await desk.refusal(INVITE, token, USER_ID=12) == (400, "", "Wrong group ID")
    assert await desk.refusal(INVITE, token, GROUP_ID=15) == (400, "", "Wrong user IDs")
    for wrong in ([], 0, "x", {}):
        refused = await desk.refusal(INVITE, token, GROUP_ID=15, USER_ID=wrong)
        assert refused == (400, "", "Wrong user IDs")
    not_found = (400, "", "Socialnetwork group not found")
    assert await desk.refusal(INVITE, token, GROUP_ID=999, USER_ID=12) == not_found
    assert await desk.refusal("sonet_group.user.get", token, ID=999) == not_found
    assert (await desk.refusal("sonet_group.user.get", token))[2] == (
        "Wrong socialnetwork group ID"
    )


async def test_groups_and_their_members(desk: Desk) -> None:
    token = await desk.token(7)

    assert await desk.ask("sonet_group.user.get", token, ID=15) == [
        {"USER_ID": "3", "ROLE": "A"}, {"USER_ID": "7", "ROLE": "K"},
    ]  # fmt: skip
    own = await desk.ask("sonet_group.user.groups", token)
    assert [(group["GROUP_ID"], group["ROLE"]) for group in own] == [("15", "K")]
    found = await desk.ask("sonet_group.get", token, FILTER={"%NAME": "юрис"})
    assert [(group["ID"], group["OWNER_ID"]) for group in found] == [("15", "3")]
    assert await desk.ask("sonet_group.get", token, FILTER={"NAME": "x"}) == []
