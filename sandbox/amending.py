"""Messages changed and deleted by their authors, and the bots that hear of it.

Neither runs a command again, and what the customer has got stays with them.
"""

from sandbox import events
from sandbox.messaging import cut
from sandbox.model import Bot, Message, User
from sandbox.state import State


def edit(state: State, message: Message, person: User, text: str) -> None:
    """Change the text (`ONIMBOTV2MESSAGEUPDATE` to the bots in the chat)."""
    message.text = cut(text)
    for bot in _bots_in(state, message):
        events.message_updated(state, bot, message, person)


def delete(state: State, message: Message, person: User) -> None:
    """Blank the message (`ONIMBOTV2MESSAGEDELETE` to the bots in the chat)."""
    for bot in _bots_in(state, message):
        events.message_deleted(state, bot, message, person)
    state.delete_message(message, complete=False)


def _bots_in(state: State, message: Message) -> list[Bot]:
    members = state.chats[message.chat_id].members
    return [bot for bot in state.bots.values() if bot.id in members]
