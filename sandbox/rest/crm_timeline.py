"""crm.timeline.comment.*: what people write into the timeline of an item."""

from sandbox.clock import iso
from sandbox.errors import RestRefused, access_denied
from sandbox.markup import mentioned
from sandbox.rest.crm_items import TYPE_IDS
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods, paged

methods = Methods()

_ORDERED = ("ID", "CREATED", "AUTHOR_ID")


@methods.method("crm.timeline.comment.add", "crm", exact=True)
def comment_add(call: Call) -> object:
    """A comment in an item's timeline (`crm.timeline.comment.add`); answers its id.

    For those who may change the item. Who is mentioned in it is notified in the caller's name.
    """
    fields = call.params.required_mapping("fields")
    kind, item = _owner(fields)
    if (kind, item) not in call.state.crm:
        raise RestRefused("OWNER_NOT_FOUND", "Owner not found")
    if not (call.user.crm and call.user.crm_change):
        raise access_denied("Access denied", 400)
    text = str(fields.get("COMMENT") or "").strip()
    if not text:
        raise RestRefused("INVALID_ARG_VALUE", "Empty comment message")
    number, now = call.state.number("other"), call.state.clock.now()
    comment = {"id": number, "by": call.user.id, "entity_type": kind, "entity_id": item,
               "text": text, "at": now}  # fmt: skip
    call.state.journal.comments.append(comment)
    for person in set(mentioned(text)) & set(call.state.users):
        call.state.journal.notifications.append(
            {"from": call.user.id, "to": person, "text": text, "at": now}
        )
    return number


@methods.method("crm.timeline.comment.list", "crm")
def comment_list(call: Call) -> object:
    """The comments of one item (`crm.timeline.comment.list`), fifty a page, all strings.

    For those who may read the item; the refusal has an empty code.
    """
    # Whatever else is in the filter is not looked at.
    owner = _owner(call.params.mapping("filter"))
    if owner not in call.state.crm or not call.user.crm:
        raise RestRefused("", "Access denied.")
    rows = [_row(one) for one in call.state.journal.comments
            if (one["entity_type"], one["entity_id"]) == owner]  # fmt: skip
    for name, direction in reversed(call.params.mapping("order").items()):
        if name in _ORDERED:
            down = str(direction).upper() == "DESC"
            rows.sort(key=lambda row: (len(row[name]), row[name]), reverse=down)
    return paged([_selected(call, row) for row in rows], call.params.number("start"))


def _owner(fields: dict[str, object]) -> tuple[str, int]:
    kind = str(fields.get("ENTITY_TYPE") or "").upper()
    kind = kind or TYPE_IDS.get(integer(fields.get("ENTITY_TYPE_ID")) or 0, "")
    return kind, integer(fields.get("ENTITY_ID")) or 0


def _row(comment: dict[str, object]) -> dict[str, str]:
    return {
        "ID": str(comment["id"]),
        "ENTITY_ID": str(comment["entity_id"]),
        "ENTITY_TYPE": str(comment["entity_type"]).lower(),
        "CREATED": iso(float(str(comment["at"]))),
        "COMMENT": str(comment["text"]),
        "AUTHOR_ID": str(comment["by"]),
    }


def _selected(call: Call, row: dict[str, str]) -> dict[str, str]:
    select = call.params.raw("select")
    names = select if isinstance(select, list) and select else list(row)
    return {name: value for name, value in row.items() if name in names or "*" in names}
