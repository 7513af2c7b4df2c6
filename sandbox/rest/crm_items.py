"""crm.*: leads, deals, contacts and companies, as far as the caller may read CRM."""

from sandbox.errors import RestRefused, access_denied
from sandbox.model import CRM_TYPES, CrmItem
from sandbox.rest.filters import matches
from sandbox.rest.registry import Call, Methods, Page, paged

methods = Methods()

TYPE_IDS = {1: "LEAD", 2: "DEAL", 3: "CONTACT", 4: "COMPANY"}


@methods.method("crm.item.get", "crm", exact=True)
def item_get(call: Call) -> object:
    """An item (`crm.item.get`); a refusal has status 400 here."""
    kind = _kind(call)
    item = call.state.crm.get((kind, call.params.required_integer("id")))
    if item is None:
        raise _not_found()
    if not call.user.crm:
        raise access_denied("Доступ запрещен", 400)
    return {"item": _camel(item)}


@methods.method("crm.item.list", "crm", exact=True)
def item_list(call: Call) -> object:
    """Items by a filter (`crm.item.list`), fifty a page."""
    kind = _kind(call)
    items = [item for item in call.state.crm.values() if item.kind == kind and call.user.crm]
    wanted = call.params.mapping("filter")
    rows = [row for row in map(_camel, items) if matches(row, wanted)]
    page = paged(_selected(call, rows), call.params.number("start"))
    return Page({"items": page.items}, page.total, page.next)


def _declare_older(kind: str) -> None:
    """crm.deal.get and its siblings: flat, all strings, errors with an empty code."""

    @methods.method(f"crm.{kind.lower()}.get", "crm")
    def get(call: Call) -> object:
        number = call.params.number("ID")
        if number <= 0:
            raise RestRefused("", "ID is not defined or invalid")
        item = call.state.crm.get((kind, number))
        if not call.user.crm:
            raise RestRefused("", "Access denied")
        if item is None:
            raise RestRefused("", "Not found")
        return _upper(item)


for _each in CRM_TYPES:
    _declare_older(_each)


def _kind(call: Call) -> str:
    if not call.user.employee and not call.user.bot:
        raise RestRefused("allowed_only_intranet_user", "Доступно только сотрудникам", 403)
    kind = TYPE_IDS.get(call.params.required_integer("entityTypeId"))
    if kind is None:
        raise _not_found()
    return kind


def _not_found() -> RestRefused:
    return RestRefused("NOT_FOUND", "Элемент не найден")


def _selected(call: Call, rows: list[dict[str, object]]) -> list[object]:
    select = call.params.raw("select")
    if not isinstance(select, list) or not select or "*" in select:
        return list(rows)
    return [{key: value for key, value in row.items() if key in select} for row in rows]


def _camel(item: CrmItem) -> dict[str, object]:
    name, _, last_name = item.title.partition(" ")
    is_person = item.kind == "CONTACT"
    row: dict[str, object] = {
        "id": item.id,
        **({"name": name, "lastName": last_name} if is_person else {"title": item.title}),
        "assignedById": item.assigned_by,
        "companyId": item.company_id,
        "observers": list(item.observers),
        "stageId": item.stage,
        "imol": item.imol,
    }
    if not is_person:
        row["contactId"] = item.contact_id
        row["contactIds"] = [item.contact_id] if item.contact_id else []
    return row


def _upper(item: CrmItem) -> dict[str, object]:
    return {
        "ID": str(item.id),
        "NAME" if item.kind == "CONTACT" else "TITLE": item.title,
        "ASSIGNED_BY_ID": str(item.assigned_by),
        "CONTACT_ID": str(item.contact_id),
        "COMPANY_ID": str(item.company_id),
        "STAGE_ID": item.stage,
    }
