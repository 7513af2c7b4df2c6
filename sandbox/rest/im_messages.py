"""im.message.* and im.notify.personal.add: what a person says with their own token."""

from sandbox import amending, entities_im
from sandbox.errors import RestRefused
from sandbox.messaging import Draft, post
from sandbox.model import Chat, Message
from sandbox.relay import can_be_taken_back
from sandbox.rest.im_chats import own_dialog
from sandbox.rest.registry import Call, Methods

methods = Methods()

_USUAL, _MOST = 20, 50


@methods.method("im.dialog.messages.get", "im")
def messages(call: Call) -> object:
    """The newest messages of a chat of the caller's, system lines too (`im.dialog.messages.get`).

    With FIRST_ID the oldest of those after it, with LAST_ID the newest of those before it.
    """
    chat = own_dialog(call)
    found = list(chat.messages)
    limit = max(1, min(call.params.number("LIMIT") or _USUAL, _MOST))
    if call.params.has("FIRST_ID"):
        after = call.params.number("FIRST_ID")
        found = [one for one in found if one.id > after][:limit]
    else:
        before = call.params.number("LAST_ID")
        found = [one for one in found if not before or one.id < before][-limit:][::-1]
    authors = sorted({one.author_id for one in found} - {0})
    return {
        "chat_id": chat.id,
        "messages": [entities_im.message(one) for one in found],
        "users": [entities_im.user(call.state.users[number]) for number in authors],
        "files": [],
    }


@methods.method("im.message.add", "im")
def add(call: Call) -> object:
    """Say something as the caller (`im.message.add`): relayed, and read for commands."""
    text = _text(call)
    system = call.params.flag("SYSTEM")
    return post(call.state, _dialog(call), Draft(text, call.user.id, system=system)).id


@methods.method("im.message.update", "im")
def update(call: Call) -> object:
    """Change a message of the caller's own (`im.message.update`)."""
    message = _own(call)
    amending.edit(call.state, message, call.user, _text(call))
    return True


@methods.method("im.message.delete", "im")
def delete(call: Call) -> object:
    """Delete a message of the caller's own (`im.message.delete`).

    In an open line it stays where its connector cannot take it back from the customer.
    """
    message = _own(call)
    if not can_be_taken_back(call.state.chats[message.chat_id]):
        raise _kept()
    amending.delete(call.state, message, call.user)
    return True


@methods.method("im.notify.personal.add", "im")
def notify(call: Call) -> object:
    """Notify a person in the caller's name (`im.notify.personal.add`)."""
    number = call.params.number("USER_ID") or call.params.number("TO")
    target = call.state.users.get(number)
    if target is None or target.connector:
        raise RestRefused("USER_ID_EMPTY", "User ID can't be empty")
    text = _text(call)
    call.state.journal.notifications.append(
        {"from": call.user.id, "to": number, "text": text, "at": call.state.clock.now()}
    )
    return call.state.number("other")


def _text(call: Call) -> str:
    text = call.params.text("MESSAGE")
    if not text.strip():
        raise RestRefused("MESSAGE_EMPTY", "Message can't be empty")
    return text


def _dialog(call: Call) -> Chat:
    """The chat that is meant; a talk with a bot begins when it has to."""
    bot = call.state.bots.get(call.params.number("DIALOG_ID"))
    if bot is not None:
        return call.state.open_private_chat(bot.id, call.user.id)
    return own_dialog(call)


def _own(call: Call) -> Message:
    number = call.params.number("MESSAGE_ID") or call.params.number("ID")
    if number <= 0:
        raise RestRefused("MESSAGE_ID_ERROR", "Message ID can't be empty")
    message = call.state.messages.get(number)
    if message is None or message.author_id != call.user.id:
        raise _kept()
    return message


def _kept() -> RestRefused:
    text = "Time has expired for modification or you don't have access"
    return RestRefused("CANT_EDIT_MESSAGE", text, 403)
