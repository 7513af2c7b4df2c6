"""imbot.v2.Command.*: registration, and the answer that needs no membership."""

from sandbox import entities_v2 as v2
from sandbox import keyboards
from sandbox.errors import RestRefused
from sandbox.messaging import Draft, post
from sandbox.model import Bot, Chat, Command
from sandbox.rest.bots import own_bot
from sandbox.rest.params import Params, integer
from sandbox.rest.registry import Call, Methods
from sandbox.rest.said import answered, attachment

methods = Methods()

_FIELDS_SINCE = 33
# The messenger's own, in every bot's list: name, title, where it can be typed.
_BUILT_IN = (("me", "Сообщение о себе", ""), ("rename", "Переименовать чат", "chat"))


@methods.method("imbot.v2.Command.register", "imbot", exact=True)
def register(call: Call) -> object:
    """Register a command; the same word again answers with the command as it is."""
    bot = own_bot(call)
    fields = _fields(call)
    name = _name(fields, "COMMAND_REQUIRED", "Command is required")
    existing = _of_bot(call, bot, name)
    if existing is not None:
        return {"command": v2.command(existing)}
    title = _texts(fields, "title")
    if not title and not fields.flag("hidden"):
        raise RestRefused("COMMAND_TITLE_REQUIRED", "Command title is required")
    command = Command(call.state.number("command"), bot.id, name)
    command.title, command.params = title, _texts(fields, "params")
    _apply(command, fields)
    call.state.commands[command.id] = command
    return {"command": v2.command(command)}


@methods.method("imbot.v2.Command.update", "imbot", exact=True)
def update(call: Call) -> object:
    """Change a command; in `title` a text sets, null deletes, a missing language keeps."""
    bot = own_bot(call)
    command = _command(call, bot)
    fields = Params(call.params.mapping("fields"), exact=True)
    if fields.has("command"):
        name = _name(fields, "COMMAND_NAME_EMPTY", "Command name is empty")
        if _of_bot(call, bot, name) not in (None, command):
            raise RestRefused("COMMAND_ALREADY_EXISTS", "Command already exists")
        command.name = name
    _retitle(command, fields)
    _apply(command, fields)
    return {"command": v2.command(command)}


@methods.method("imbot.v2.Command.list", "imbot", exact=True)
def list_commands(call: Call) -> object:
    """The messenger's own commands and the bot's, their words in the portal's language."""
    bot = own_bot(call)
    category = call.state.users[bot.id].full_name
    own = [
        {
            **v2.command(command),
            "title": _spoken(command.title),
            "params": _spoken(command.params),
            "category": category,
            "context": "",
        }
        for command in call.state.commands.values()
        if command.bot_id == bot.id
    ]
    return {"commands": [*map(_built_in, range(len(_BUILT_IN))), *own]}


@methods.method("imbot.v2.Command.unregister", "imbot", exact=True)
def unregister(call: Call) -> object:
    """Remove a command."""
    command = _command(call, own_bot(call))
    del call.state.commands[command.id]
    return {"result": True}


@methods.method("imbot.v2.Command.answer", "imbot", exact=True)
def answer(call: Call) -> object:
    """Answer a command, member of the chat or not (`imbot.v2.Command.answer`).

    True, and nothing posted, when the command fired more than ten minutes ago. The dialogue is
    that of the message, whatever `dialogId` says; a bot that is no member answers as the system.
    """
    bot = own_bot(call)
    _command(call, bot)
    message = call.state.messages.get(call.params.required_integer("messageId"))
    call.params.required_text("dialogId")
    if message is None:
        raise RestRefused("COMMAND_ANSWER_FAILED", "Command answer failed")
    chat = call.state.chats[message.chat_id]
    draft = _draft(bot, chat, Params(call.params.mapping("fields"), exact=True))
    if call.state.passes.get((bot.id, chat.id), 0.0) > call.state.clock.now():
        post(call.state, chat, answered(call.state, bot, draft))
    return {"result": True}


def _draft(bot: Bot, chat: Chat, fields: Params) -> Draft:
    buttons, keyboard_bot = keyboards.read(fields.raw("keyboard"), bot.id)
    draft = Draft(
        fields.text("message"),
        bot.id,
        system=fields.strict_flag("system", default=False) or bot.id not in chat.members,
        skip_command=True,
        keyboard=buttons,
        keyboard_bot=keyboard_bot,
        attach=attachment(fields),
    )
    if not draft.text.strip() and not draft.attach:
        raise RestRefused("COMMAND_ANSWER_FAILED", "Command answer failed")
    return draft


def _built_in(number: int) -> dict[str, object]:
    name, title, context = _BUILT_IN[number]
    return {
        "id": f"def{number}",
        "botId": 0,
        "command": f"/{name}",
        "common": True,
        "hidden": False,
        "extranetSupport": True,
        "title": title,
        "params": "",
        "category": "Мессенджер",
        "context": context,
    }


def _fields(call: Call) -> Params:
    """The command's fields; below revision 33 they lie flat beside `botId`, and only there."""
    if call.state.revision >= _FIELDS_SINCE:
        return Params(call.params.mapping("fields"), exact=True)
    call.params.required_text("command")
    return call.params


def _name(fields: Params, code: str, description: str) -> str:
    value = fields.raw("command")
    if value is not None and not isinstance(value, str):
        raise RestRefused("COMMAND_NAME_INVALID", "Command name is invalid")
    name = (value or "").strip().removeprefix("/")
    if not name:
        raise RestRefused(code, description)
    if len(name) > 255:
        raise RestRefused("COMMAND_NAME_INVALID", "Command name is invalid")
    return name


def _texts(fields: Params, name: str) -> dict[str, str]:
    return {key: str(value) for key, value in fields.mapping(name).items() if value is not None}


def _retitle(command: Command, fields: Params) -> None:
    hints = _texts(fields, "params")
    for language, text in fields.mapping("title").items():
        if text is None:
            command.title.pop(language, None)
            command.params.pop(language, None)
        else:
            command.title[language] = str(text)
            command.params[language] = hints.get(language, command.params.get(language, ""))


def _apply(command: Command, fields: Params) -> None:
    command.common = fields.strict_flag("common", default=command.common)
    command.hidden = fields.strict_flag("hidden", default=command.hidden)
    support = fields.strict_flag("extranetSupport", default=command.extranet_support)
    command.extranet_support = support


def _of_bot(call: Call, bot: Bot, name: str) -> Command | None:
    commands = call.state.commands.values()
    return next((c for c in commands if c.bot_id == bot.id and c.name == name), None)


def _command(call: Call, bot: Bot) -> Command:
    command = call.state.commands.get(integer(call.params.raw("commandId")) or 0)
    if command is None or command.bot_id != bot.id:
        raise RestRefused("COMMAND_NOT_FOUND", "Command not found")
    return command


def _spoken(texts: dict[str, str]) -> str:
    return texts.get(v2.LANGUAGE) or texts.get("en") or next(iter(texts.values()), "")
