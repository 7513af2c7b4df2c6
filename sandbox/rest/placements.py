"""placement.*: where the app's page is to be seen beside its own menu item."""

from sandbox.entities_v2 import LANGUAGE
from sandbox.errors import RestRefused, access_denied, missing_argument
from sandbox.model import CRM_TYPES
from sandbox.rest.handlers import check_handler
from sandbox.rest.placement_options import wrong_option
from sandbox.rest.registry import Call, Methods

methods = Methods()

_SCOPES = {
    **dict.fromkeys(("IM_TEXTAREA", "IM_SIDEBAR", "IM_NAVIGATION", "IM_CONTEXT_MENU"), "im"),
    **dict.fromkeys(("IM_SMILES_SELECTOR", "IMMOBILE_CONTEXT_MENU"), "im"),
    **{f"CRM_{kind}_DETAIL_TAB": "crm" for kind in CRM_TYPES},
}


@methods.method("placement.bind", "placement")
def bind(call: Call) -> object:
    """Bind a handler to a place (`placement.bind`); for administrators.

    Options that the place does not take are told in the result, with status 200.
    """
    place, handler = _asked(call)
    if not handler:
        raise missing_argument("HANDLER")
    check_handler(handler)
    _check_place(call, place)
    if (wrong := wrong_option(place, call.params.mapping("OPTIONS"))) is not None:
        return wrong
    placed = {"placement": place, "handler": handler, "title": _title(call)}
    if any(_is(other, place, handler) for other in call.app.placements):
        text = "Unable to set placement handler: Handler already binded"
        raise RestRefused("ERROR_CORE", text)
    call.app.placements.append(placed)
    return True


@methods.method("placement.unbind", "placement")
def unbind(call: Call) -> object:
    """Take handlers away (`placement.unbind`): that one, or all of the place."""
    place, handler = _asked(call)
    _check_place(call, place)
    app = call.app
    kept = [placed for placed in app.placements if not _is(placed, place, handler)]
    gone = len(app.placements) - len(kept)
    app.placements = kept
    return {"count": gone}


@methods.method("placement.get", "placement")
def bound(call: Call) -> object:
    """The handlers that are bound (`placement.get`)."""
    return list(call.app.placements)


@methods.method("placement.list", "placement")
def places(call: Call) -> object:
    """The places that the app may bind handlers to (`placement.list`), by its permissions."""
    return [place for place, scope in _SCOPES.items() if scope in call.app.scopes]


def _asked(call: Call) -> tuple[str, str]:
    if not call.user.admin:
        raise access_denied()
    place = call.params.text("PLACEMENT").upper()
    if place in {"", "DEFAULT"}:
        raise missing_argument("PLACEMENT")
    return place, call.params.text("HANDLER")


def _check_place(call: Call, place: str) -> None:
    if _SCOPES.get(place) not in call.app.scopes:
        raise RestRefused("ERROR_PLACEMENT_NOT_FOUND", "Placement not found")


def _title(call: Call) -> str:
    """The title in the portal's language, if there are titles by language."""
    texts = call.params.mapping("LANG_ALL")
    if not texts:
        return call.params.text("TITLE")
    given = texts.get(LANGUAGE) or next(iter(texts.values()))
    return str(given.get("TITLE") or "") if isinstance(given, dict) else ""


def _is(placed: dict[str, str], place: str, handler: str) -> bool:
    return placed["placement"] == place and handler in {"", placed["handler"]}
