"""im.chat.*: the members of a chat, seen with a person's token."""

from sandbox.errors import RestRefused
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
