"""Every method of the portal, and the three methods that tell which there are."""

from sandbox.rest import (
    appevents,
    bot_events,
    bots,
    crm_chats,
    crm_items,
    crm_timeline,
    dialogs,
    groups,
    im_chats,
    im_departments,
    im_messages,
    im_users,
    leads,
    lines,
    messages_v2,
    placements,
    sessions,
    slash_commands,
    system,
    users,
)
from sandbox.rest.registry import Call, Methods

METHODS = Methods(
    system.methods,
    users.methods,
    appevents.methods,
    bots.methods,
    slash_commands.methods,
    messages_v2.methods,
    crm_chats.methods,
    dialogs.methods,
    im_chats.methods,
    im_users.methods,
    bot_events.methods,
    crm_items.methods,
    crm_timeline.methods,
    groups.methods,
    im_departments.methods,
    im_messages.methods,
    leads.methods,
    lines.methods,
    placements.methods,
    sessions.methods,
)


@METHODS.method("methods")
def all_methods(call: Call) -> object:
    """Names of the methods the app may call (`methods`)."""
    return [
        "batch",
        *(m.name for m in METHODS if _granted(call, m.scopes) and m.since <= call.state.revision),
    ]


@METHODS.method("method.get")
def method_get(call: Call) -> object:
    """Whether a method exists and whether the app may call it (`method.get`)."""
    name = call.params.text("name")
    method = METHODS.find(name, call.state.revision)
    exists = method is not None or name == "batch"
    available = name == "batch" or (method is not None and _granted(call, method.scopes))
    return {"isExisting": exists, "isAvailable": available}


def _granted(call: Call, scopes: tuple[str, ...]) -> bool:
    return not scopes or bool(set(scopes) & set(call.app.scopes))
