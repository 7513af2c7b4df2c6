"""placement.*: where the app's page is to be seen beside its own menu item."""

from sandbox.courier import is_http_url
from sandbox.errors import RestRefused, access_denied, missing_argument
from sandbox.rest.registry import Call, Methods

methods = Methods()

_KNOWN = {
    "IM_TEXTAREA", "IM_CONTEXT_MENU", "IM_SIDEBAR", "IM_NAVIGATION", "IM_SMILES_SELECTOR",
    "CRM_DEAL_DETAIL_TAB", "CRM_LEAD_DETAIL_TAB", "CRM_CONTACT_DETAIL_TAB",
}  # fmt: skip


@methods.method("placement.bind", "placement")
def bind(call: Call) -> object:
    """Bind a handler to a place (`placement.bind`); for administrators."""
    place, handler = _asked(call)
    if not is_http_url(handler):
        raise RestRefused("ERROR_ARGUMENT", "Wrong handler URL", argument="HANDLER")
    placed = {"placement": place, "handler": handler, "title": call.params.text("TITLE")}
    if any(_is(other, place, handler) for other in call.state.app.placements):
        text = "Unable to set placement handler: Handler already binded"
        raise RestRefused("ERROR_CORE", text)
    call.state.app.placements.append(placed)
    return True


@methods.method("placement.unbind", "placement")
def unbind(call: Call) -> object:
    """Take handlers away (`placement.unbind`): that one, or all of the place."""
    place, handler = _asked(call)
    app = call.state.app
    kept = [placed for placed in app.placements if not _is(placed, place, handler)]
    gone = len(app.placements) - len(kept)
    app.placements = kept
    return {"count": gone}


@methods.method("placement.get", "placement")
def bound(call: Call) -> object:
    """The handlers that are bound (`placement.get`)."""
    return list(call.state.app.placements)


def _asked(call: Call) -> tuple[str, str]:
    if not call.user.admin:
        raise access_denied()
    place = call.params.text("PLACEMENT").upper()
    if not place:
        raise missing_argument("PLACEMENT")
    if place not in _KNOWN:
        raise RestRefused("ERROR_PLACEMENT_NOT_FOUND", "Placement not found")
    return place, call.params.text("HANDLER")


def _is(placed: dict[str, str], place: str, handler: str) -> bool:
    return placed["placement"] == place and handler in {"", placed["handler"]}
