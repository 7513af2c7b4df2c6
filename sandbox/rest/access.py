"""Who may see what: CRM items, open-line chats, the history of a line."""

from sandbox.model import Chat, Line, User
from sandbox.rest.registry import Call
from sandbox.state import State


def can_read(state: State, user: User, kind: str, item: int) -> bool:
    """Whether the person may read the item; what does not exist nobody may."""
    return (kind, item) in state.crm and user.crm


def has_access(state: State, user: User, chat: Chat) -> bool:
    """Whether the chat is open to the person: a member, in their list, or one they may join."""
    if user.id in chat.members or user.id in chat.recent:
        return True
    return chat.entity_type == "LINES" and may_join(state, user, chat)


def may_join(state: State, user: User, chat: Chat) -> bool:
    """Whether the role lets the person into the dialogues of lines, or the chat's item does."""
    if not user.employee:
        return False
    bound = chat.main_item
    return user.join or (bound is not None and can_read(state, user, *bound))


def may_be_shown_history(call: Call, line: Line, target: User) -> bool:
    """Whether the line's history is for the target: the caller's role says whose it looks at.

    The portal remembers the first verdict on a line until the request ends, whoever it was about.
    """
    if line.id not in call.verdicts:
        call.verdicts[line.id] = _looked_at(call, line, target)
    return call.verdicts[line.id]


def _looked_at(call: Call, line: Line, target: User) -> bool:
    level = "any" if call.user.admin else call.user.history
    if level in {"any", "none"}:
        return level == "any"
    people = {target.id} if level == "self" else _colleagues(call.state, target)
    return line.modified_by == target.id or not people.isdisjoint(line.queue)


def _colleagues(state: State, person: User) -> set[int]:
    """Everybody of the person's departments, and the person."""
    departments = set(person.departments)
    fellows = {user.id for user in state.users.values() if departments & set(user.departments)}
    return fellows | {person.id}
