"""Handlers of the app's own events: event.bind, event.unbind, event.get."""

from sandbox.errors import RestRefused, access_denied, missing_argument
from sandbox.rest.handlers import check_handler
from sandbox.rest.registry import Call, Methods

methods = Methods()

# Bot events are not among them: the portal keeps those subscriptions itself.
_KNOWN = {
    "ONAPPINSTALL",
    "ONAPPUPDATE",
    "ONAPPUNINSTALL",
    "ONAPPPAYMENT",
    "ONAPPMETHODCONFIRM",
    "ONAPPTEST",
    "ONUSERADD",
}


@methods.method("event.bind")
def bind(call: Call) -> object:
    """Bind a handler (`event.bind`); another user's authorisation is for administrators."""
    event, handler = _asked(call)
    check_handler(handler)
    foreign = call.params.number("auth_type") not in {0, call.user.id}
    if foreign and not call.user.admin:
        raise access_denied()
    if (event, handler) in call.app.handlers:
        raise RestRefused("ERROR_CORE", "Unable to set event handler")
    call.app.handlers.append((event, handler))
    return True


@methods.method("event.unbind")
def unbind(call: Call) -> object:
    """Take handlers away (`event.unbind`); tells how many."""
    event, handler = _asked(call)
    app = call.app
    kept = [bound for bound in app.handlers if bound != (event, handler)]
    gone = len(app.handlers) - len(kept)
    app.handlers = kept
    return {"count": gone}


@methods.method("event.get")
def bound(call: Call) -> object:
    """The handlers that are bound (`event.get`)."""
    return [
        {"event": event, "handler": handler, "auth_type": "0", "offline": 0}
        for event, handler in call.app.handlers
    ]


def _asked(call: Call) -> tuple[str, str]:
    event, handler = call.params.text("event").upper(), call.params.text("handler")
    if not event:
        raise missing_argument("EVENT")
    if event not in _KNOWN:
        raise RestRefused("ERROR_EVENT_NOT_FOUND", "Event not found")
    if not handler:
        raise missing_argument("HANDLER")
    return event, handler
