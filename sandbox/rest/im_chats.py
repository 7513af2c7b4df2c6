"""im.chat.* and im.dialog.*: chats and their members, seen with a person's token."""

from sandbox import entities_im, membership
from sandbox.errors import RestRefused
from sandbox.model import Chat
from sandbox.rest.access import has_access
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("im.chat.user.list", "im")
def list_members(call: Call) -> object:
    """The members' ids (`im.chat.user.list`); [] where the chat is not open to the caller."""
    chat = call.state.chats.get(_number(call))
    if chat is None or not has_access(call.state, call.user, chat):
        return []
    return list(chat.members)


@methods.method("im.chat.user.add", "im")
def add_members(call: Call) -> object:
    """Bring people in as the messenger's own "+" does (`im.chat.user.add`); any member may.

    True also for who was in already or is nobody the chat takes. Neither the CRM item, the
    history right nor the state of a dialogue is looked at.
    """
    chat = call.state.chats.get(_number(call))
    if chat is not None and chat.entity_type == "SONET_GROUP":
        raise RestRefused("ACCESS_ERROR", "It is forbidden to add users to this chat", 403)
    if chat is None or chat.kind == "private" or call.user.id not in chat.members:
        text = "You don't have access or user already member in chat"
        raise RestRefused("WRONG_REQUEST", text)
    for number in call.params.ids("USERS"):
        person = call.state.users.get(number)
        if person is not None and person.active:
            membership.join(call.state, chat, person, call.user)
    return True


@methods.method("im.chat.user.delete", "im")
def delete_member(call: Call) -> object:
    """Take somebody out (`im.chat.user.delete`): oneself, or anybody as the chat's owner.

    The owner of an open line's or a CRM item's chat cannot leave it.
    """
    chat = call.state.chats.get(_number(call))
    if chat is not None and chat.entity_type == "SONET_GROUP":
        raise RestRefused("ACCESS_ERROR", "It is forbidden to delete users of this chat", 403)
    number = call.params.number("USER_ID")
    if number <= 0:
        raise RestRefused("USER_ID_EMPTY", "User ID can't be empty")
    person = call.state.users.get(number)
    if chat is None or person is None or not _may_kick(chat, call.user.id, person.id):
        text = "You don't have access or user isn't member in chat"
        raise RestRefused("WRONG_REQUEST", text)
    if person.id == chat.owner and chat.entity_type in {"LINES", "CRM"}:
        raise RestRefused("ACCESS_ERROR", "The owner cannot leave the chat", 403)
    membership.leave(call.state, chat, person, call.user)
    return True


def _may_kick(chat: Chat, caller: int, person: int) -> bool:
    if chat.kind == "private" or not {caller, person} <= set(chat.members):
        return False
    return caller in {person, chat.owner}


def _number(call: Call) -> int:
    number = call.params.number("CHAT_ID")
    dialog = call.params.text("DIALOG_ID")
    if dialog:
        chat = _named(call, dialog)
        number = chat.id if chat is not None and dialog.startswith(("chat", "sg")) else 0
    if number <= 0:
        raise RestRefused("CHAT_ID_EMPTY", "Chat ID can't be empty")
    return number


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
