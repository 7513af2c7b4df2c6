"""A message's way through the portal: stored, relayed to the customer, read for commands."""

from dataclasses import dataclass

from sandbox import events
from sandbox.command_lines import commands_in
from sandbox.markup import mentions
from sandbox.model import Bot, Chat, Command, Message, User
from sandbox.relay import reaches_customer
from sandbox.state import State

MOST_TEXT = 20_000
ANSWER_LIFETIME = 600
_MOST_PASSES = 10
_KINDS_THAT_HEAR_ALL = {"supervisor", "personal"}


@dataclass
class Draft:
    """What somebody is about to say; `author_id` is 0 for a message of the system."""

    text: str
    author_id: int
    system: bool = False
    silent: bool = False  # hidden from the customer (SILENT_CONNECTOR)
    skip: bool = False  # not for the connector (SKIP_CONNECTOR)
    skip_command: bool = False
    keyboard: list[dict[str, object]] | None = None
    keyboard_bot: int = 0
    attach: object = None
    forward: dict[str, object] | None = None
    hit: User | None = None  # whose request it is, when not the author's own


def post(state: State, chat: Chat, draft: Draft) -> Message:
    """Put a message into a chat, in the order of `im`: relay first, commands afterwards."""
    author = state.users.get(draft.author_id)
    message = _store(state, chat, draft)
    message.to_customer = reaches_customer(
        chat, author, message, silent=draft.silent, skip=draft.skip
    )
    if message.system or author is None:
        return message
    if chat.session is not None and not chat.session.closed:
        chat.activity_at = message.at
    fired = not draft.skip_command and _run_commands(state, chat, message, author, draft.hit)
    if not fired:
        _tell_bots(state, chat, message, author, draft.hit)
    return message


def notice(state: State, chat: Chat, text: str) -> Message:
    """A system line of the portal itself."""
    return post(state, chat, Draft(text, 0, system=True))


def press(
    state: State, chat: Chat, message: Message, button: dict[str, object], person: User
) -> bool:
    """Run the command of a button; no message is written. False: nobody's command."""
    name = str(button.get("COMMAND", "")).removeprefix("/")
    params = str(button.get("COMMAND_PARAMS", ""))
    for command, bot in list(state.commands_named(name)):
        if bot.id == message.keyboard_bot and _may_run(chat, bot, command, person):
            _open_pass(state, bot.id, chat)
            events.command_added(state, bot, command, params, "keyboard", message, person)
            return True
    return False


def cut(text: str) -> str:
    """The text as long as a message may be."""
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " (...)"


def _store(state: State, chat: Chat, draft: Draft) -> Message:
    message = Message(
        id=state.number("message"),
        chat_id=chat.id,
        author_id=0 if draft.system else draft.author_id,
        text=cut(draft.text),
        at=state.clock.now(),
        system=draft.system,
        hidden=draft.silent,
        keyboard=draft.keyboard,
        keyboard_bot=draft.keyboard_bot,
        attach=draft.attach,
        forward=draft.forward,
    )
    chat.messages.append(message)
    state.messages[message.id] = message
    return message


def _run_commands(
    state: State, chat: Chat, message: Message, author: User, hit: User | None
) -> bool:
    """Send an event for each matched line; only the first ten different ones open a pass."""
    called = [
        (command, bot, params)
        for name, params in commands_in(message.text)
        for command, bot in state.commands_named(name)
        if _may_run(chat, bot, command, author)
    ]
    different = dict.fromkeys((command.id, params, bot.id) for command, bot, params in called)
    for _, _, bot_id in list(different)[:_MOST_PASSES]:
        _open_pass(state, bot_id, chat)
    for command, bot, params in called[:: -1 if state.faults.events.reversed else 1]:
        events.command_added(state, bot, command, params, "textarea", message, author, hit)
    return bool(called)


def _may_run(chat: Chat, bot: Bot, command: Command, person: User) -> bool:
    if person.extranet and not command.extranet_support:
        return False
    if chat.entity_type == "LIVECHAT":
        return False
    if chat.entity_type == "LINES" and not bot.supports_lines:
        return False
    return command.common or bot.id in chat.members


def _open_pass(state: State, bot_id: int, chat: Chat) -> None:
    state.passes[bot_id, chat.id] = state.clock.now() + ANSWER_LIFETIME


def _tell_bots(state: State, chat: Chat, message: Message, author: User, hit: User | None) -> None:
    for bot in list(state.bots.values()):
        if bot.id in chat.members and bot.id != author.id and _hears(bot, chat, message):
            events.message_added(state, bot, message, author, hit)


def _hears(bot: Bot, chat: Chat, message: Message) -> bool:
    if chat.kind == "private" or bot.type in _KINDS_THAT_HEAR_ALL:
        return True
    return mentions(message.text, bot.id)
