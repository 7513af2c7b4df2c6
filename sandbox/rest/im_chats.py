"""im.chat.* and im.dialog.*: chats and their members, seen with a person's token."""

from sandbox import entities_im
from sandbox.errors import RestRefused
from sandbox.model import Chat
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("im.chat.user.list", "im")
def list_members(call: Call) -> object:
    """The members' ids (`im.chat.user.list`); [] when the caller may not see them."""
    number = call.params.number("CHAT_ID")
    if number <= 0:
        raise RestRefused("CHAT_ID_EMPTY", "Chat ID can't be empty")
    chat = call.state.chats.get(number)
    if chat is None or call.user.id not in chat.members:
        return []
    return list(chat.members)


@methods.method("im.dialog.get", "im")
def dialog_get(call: Call) -> object:
    """A chat of the caller's (`im.dialog.get`)."""
    return entities_im.dialog(own_dialog(call), call.user.id)


@methods.method("im.dialog.users.list", "im")
def dialog_users(call: Call) -> object:
    """The members as people (`im.dialog.users.list`), LIMIT of them after LAST_ID."""
    chat = own_dialog(call)
    limit = max(1, min(call.params.number("LIMIT") or 50, 200))
    after = call.params.number("LAST_ID")
    people = [call.state.users[member] for member in sorted(chat.members) if member > after]
    if call.params.flag("SKIP_EXTERNAL"):
        people = [person for person in people if not person.extranet]
    return [entities_im.user(person) for person in people[:limit]]


def own_dialog(call: Call) -> Chat:
    """The chat that DIALOG_ID names: `chat<id>`, `sg<group id>` or another person's id."""
    dialog = call.params.text("DIALOG_ID")
    if not dialog:
        raise RestRefused("DIALOG_ID_EMPTY", "Dialog ID can't be empty")
    chat = _named(call, dialog)
    if chat is None or call.user.id not in chat.members:
        text = "You do not have access to the specified dialog"
        raise RestRefused("ACCESS_ERROR", text, 403)
    return chat


def _named(call: Call, dialog: str) -> Chat | None:
    chats = call.state.chats
    if dialog.startswith("chat"):
        return chats.get(integer(dialog.removeprefix("chat")) or 0)
    if dialog.startswith("sg"):
        group = dialog.removeprefix("sg")
        found = (
            c for c in chats.values() if (c.entity_type, c.entity_id) == ("SONET_GROUP", group)
        )
        return next(found, None)
    return call.state.private_chat(integer(dialog) or 0, call.user.id)
