"""im.message.* and im.notify.personal.add: what a person says with his own token."""

from sandbox import amending
from sandbox.errors import RestRefused
from sandbox.messaging import Draft, post
from sandbox.model import Chat, Message
from sandbox.rest.im_chats import own_dialog
from sandbox.rest.registry import Call, Methods

methods = Methods()


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
    """Delete a message of the caller's own (`im.message.delete`)."""
    amending.delete(call.state, _own(call), call.user)
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
        text = "Time has expired for modification or you don't have access"
        raise RestRefused("CANT_EDIT_MESSAGE", text)
    return message
