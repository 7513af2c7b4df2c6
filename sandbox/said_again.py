"""What somebody else has said, said again: a message forwarded, or quoted before one's own words.

Neither keeps the portal from finding commands in it.
"""

from sandbox.clock import hour
from sandbox.entities_v2 import LANGUAGE
from sandbox.messaging import Draft
from sandbox.model import Chat, Message, User
from sandbox.state import State

_RULE = "-" * 54
_TODAY = {"ru": "сегодня", "en": "today"}
_NOBODY = {"ru": "Цитата", "en": "Quote"}  # who has said a line of the system


def forward(state: State, message: Message, person: User) -> Draft:
    """The message once more, as the forwarder's own: its text and attachment, not its buttons.

    What has been forwarded before keeps saying where it was said at first.
    """
    origin = message.forward or {
        "id": _context(state.chats[message.chat_id], message),
        "userId": message.author_id,
        "chatTitle": None,
        "chatType": state.chats[message.chat_id].kind,
    }
    return Draft(message.text, person.id, attach=message.attach, forward=origin)


def quotation(state: State, message: Message, person: User) -> str:
    """The message between two rules, as the messenger puts it before what one writes."""
    language = state.faults.events.language or LANGUAGE
    author = state.users.get(message.author_id)
    who = author.full_name if author else _said(_NOBODY, language)
    chat = state.chats[message.chat_id]
    mine = f":{person.id}" if chat.kind == "private" else ""
    place = f"#{chat.dialog_id(person.id)}{mine}/{message.id}"
    head = f"{who} [{_said(_TODAY, language)}, {hour(message.at)}] {place}"
    return f"{_RULE}\n{head}\n{message.text}\n{_RULE}\n"


def _context(chat: Chat, message: Message) -> str:
    members = ":".join(str(member) for member in chat.members)
    return f"{members if chat.kind == 'private' else f'chat{chat.id}'}/{message.id}"


def _said(words: dict[str, str], language: str) -> str:
    return words.get(language, words["en"])
