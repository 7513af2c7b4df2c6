"""imbot.v2.Chat.*: a bot's messages, and the chats it is a member of."""

from sandbox import entities_v2 as v2
from sandbox import keyboards
from sandbox.errors import RestRefused, access_denied
from sandbox.messaging import Draft, cut, post
from sandbox.model import Bot, Chat, Message
from sandbox.rest.bots import own_bot
from sandbox.rest.params import Params, integer
from sandbox.rest.registry import Call, Methods
from sandbox.rest.said import attachment, named

methods = Methods()

_BOOLEANS_SINCE = 33
_ACTIONS = {
    "THINKING", "SEARCHING", "GENERATING", "ANALYZING", "PROCESSING", "TRANSLATING",
    "CONNECTING", "CHECKING", "CALCULATING", "READING_DOCS", "COMPOSING",
}  # fmt: skip


@methods.method("imbot.v2.Chat.Message.send", "imbot", exact=True)
def send(call: Call) -> object:
    """Say something in a chat of the bot's, or privately to a person.

    Unlike `Command.answer`, a line that begins with a command fires it.
    """
    bot = own_bot(call)
    dialog = call.params.required_text("dialogId")
    fields = Params(call.params.mapping("fields"), exact=True)
    draft = _draft(call, bot, fields)
    message = post(call.state, _open_dialog(call, bot, dialog), named(call.state, bot, draft))
    return {"id": message.id, "uuidMap": []}


@methods.method("imbot.v2.Chat.Message.update", "imbot", exact=True)
def update(call: Call) -> object:
    """Change a message of the bot's own; a system message is nobody's."""
    bot = own_bot(call)
    message = _own_message(call, bot)
    fields = Params(call.params.mapping("fields"), exact=True)
    if fields.has("message"):
        message.text = cut(fields.text("message"))
    if fields.has("keyboard"):
        buttons = keyboards.read(fields.raw("keyboard"), bot.id)
        message.keyboard, message.keyboard_bot = buttons
    if fields.has("attach"):
        message.attach = attachment(fields)
    return {"result": True}


@methods.method("imbot.v2.Chat.Message.delete", "imbot", exact=True)
def delete(call: Call) -> object:
    """Delete a message of the bot's own: its text, or with `complete` the whole of it."""
    bot = own_bot(call)
    message = _own_message(call, bot)
    complete = call.params.strict_flag("complete", default=False)
    call.state.delete_message(message, complete=complete)
    return {"result": True}


@methods.method("imbot.v2.Chat.get", "imbot", exact=True)
def get(call: Call) -> object:
    """A chat of the bot's, with its entity strings."""
    bot = own_bot(call)
    chat = _chat(call, bot, call.params.required_text("dialogId"))
    return {"chat": v2.full_chat(chat, bot.id)}


@methods.method("imbot.v2.Chat.User.list", "imbot", exact=True)
def list_users(call: Call) -> object:
    """The members of a chat of the bot's, as a plain list."""
    bot = own_bot(call)
    chat = _chat(call, bot, call.params.required_text("dialogId"))
    limit = max(1, min(call.params.number("limit") or 50, 200))
    members = sorted(chat.members)
    if str(call.params.mapping("order").get("userId", "")).upper() == "DESC":
        members.reverse()
    return [v2.user(call.state.users[member]) for member in members[:limit]]


@methods.method("imbot.v2.Chat.leave", "imbot", exact=True)
def leave(call: Call) -> object:
    """The bot goes out of a chat."""
    bot = own_bot(call)
    _chat(call, bot, call.params.required_text("dialogId")).members.remove(bot.id)
    return {"result": True}


@methods.method("imbot.v2.Chat.InputAction.notify", "imbot", exact=True)
def notify(call: Call) -> object:
    """Show that the bot is writing; in an open line the customer sees it, too."""
    bot = own_bot(call)
    chat = _open_dialog(call, bot, call.params.required_text("dialogId"))
    code = call.params.text("statusMessageCode").removeprefix("IMBOT_AGENT_ACTION_")
    if code and code not in _ACTIONS:
        raise RestRefused("100", "Invalid value to match with parameter {statusMessageCode}")
    call.state.journal.typing.append(
        {"chat_id": chat.id, "to_customer": chat.entity_type == "LINES" and not chat.silent}
    )
    return {"result": True}


def _draft(call: Call, bot: Bot, fields: Params) -> Draft:
    buttons, keyboard_bot = keyboards.read(fields.raw("keyboard"), bot.id)
    draft = Draft(
        fields.text("message"),
        bot.id,
        system=_is_set(call, fields, "system"),
        skip=_is_set(call, fields, "skipConnector"),
        silent=_is_set(call, fields, "silentConnector"),
        keyboard=buttons,
        keyboard_bot=keyboard_bot,
        attach=attachment(fields),
        hit=call.user,
    )
    if not draft.text.strip() and not draft.attach:
        raise RestRefused("EMPTY_MESSAGE", "Message is empty")
    return draft


def _is_set(call: Call, fields: Params, name: str) -> bool:
    """Whether a flag is set; as a JSON boolean it is passed over by boxes that lag behind."""
    if isinstance(fields.raw(name), bool) and call.state.revision < _BOOLEANS_SINCE:
        return False
    return fields.strict_flag(name, default=False)


def _open_dialog(call: Call, bot: Bot, dialog: str) -> Chat:
    """The chat, or the private talk with a person: that begins when it has to."""
    person = call.state.users.get(integer(dialog) or 0)
    if person is not None and person.active and not person.connector and person.id != bot.id:
        return call.state.open_private_chat(bot.id, person.id)
    return _chat(call, bot, dialog)


def _chat(call: Call, bot: Bot, dialog: str) -> Chat:
    number = integer(dialog.removeprefix("chat")) if dialog.startswith("chat") else None
    if number is None:
        chat = call.state.private_chat(bot.id, integer(dialog) or 0)
    else:
        chat = call.state.chats.get(number)
    if chat is None or bot.id not in chat.members:
        raise access_denied()
    return chat


def _own_message(call: Call, bot: Bot) -> Message:
    message = call.state.messages.get(call.params.required_integer("messageId"))
    if message is None or message.author_id != bot.id:
        raise access_denied()
    return message
