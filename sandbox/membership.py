"""People coming into chats and leaving them, with the notice and the event that follow."""

from sandbox import events
from sandbox.messaging import notice
from sandbox.model import Chat, User
from sandbox.state import State


def join(state: State, chat: Chat, person: User, by: User) -> bool:
    """Add a person; False when they are in already or the chat refuses them.

    An open line's chat refuses people of the extranet, and takes customers: any, and any bot.
    """
    is_guest = person.extranet and not person.connector
    if person.id in chat.members or (is_guest and chat.entity_type == "LINES"):
        return False
    chat.members.append(person.id)
    _note(state, chat, person, by, joined=True)
    verb = "пригласила" if by.gender == "F" else "пригласил"
    notice(state, chat, f"{mention(by)} {verb} {mention(person)} в чат")
    bot = state.bots.get(person.id)
    if bot is not None:
        events.joined_chat(state, bot, chat, by)
    return True


def leave(state: State, chat: Chat, person: User, by: User) -> bool:
    """Take a person out; False when they are not in."""
    if person.id not in chat.members:
        return False
    chat.members.remove(person.id)
    _note(state, chat, person, by, joined=False)
    notice(state, chat, _left(person, by))
    return True


def _left(person: User, by: User) -> str:
    if person.id == by.id:
        verb = "покинула" if by.gender == "F" else "покинул"
        return f"{mention(by)} {verb} чат"
    verb = "исключила" if by.gender == "F" else "исключил"
    return f"{mention(by)} {verb} {mention(person)} из чата"


def mention(person: User) -> str:
    """A person in a system line, in the form the messenger stores."""
    return f"[USER={person.id} REPLACE]{person.full_name}[/USER]"


def _note(state: State, chat: Chat, person: User, by: User, *, joined: bool) -> None:
    state.journal.memberships.append(
        {
            "chat_id": chat.id,
            "user_id": person.id,
            "by": by.id,
            "joined": joined,
            "at": state.clock.now(),
        }
    )
