"""imopenlines.crm.chat.*: the people in the open-line chats of a CRM item.

The order of the checks is that of `imopenlines`, `crmChatUserAdd` and `crmChatUserDelete`. Its
check whether the caller may join the line is left out: who reads the item always may.
"""

from sandbox import membership
from sandbox.errors import RestRefused, access_denied, invalid_argument, missing_argument
from sandbox.model import CRM_TYPES, Chat, User
from sandbox.rest import access
from sandbox.rest.access import can_read
from sandbox.rest.registry import Call, Methods

methods = Methods()

_JOIN = "Access denied! You don't have access to join user to chat"
_TARGET_CRM = (
    "Access denied! This user does not have access to the chat because he does not have access "
    "to this CRM entity"
)
_TARGET_HISTORY = (
    "Access denied! This user does not have access to the chat because he does not have access "
    "to this view chat history"
)


@methods.method("imopenlines.crm.chat.user.add", "imopenlines")
def add(call: Call) -> object:
    """Add USER_ID; answers the chat's id even when the person was in, or could not get in.

    0 when CHAT_ID is left out and the item has no chat: USER_ID is then not looked at.
    """
    kind, item = _item(call)
    _may_read(call, kind, item)
    chat = _chat(call, kind, item)
    if chat is None:
        return 0
    number = call.params.number("USER_ID")
    if number <= 0:
        raise missing_argument("Empty USER_ID")
    target = _active(call, number)
    if not can_read(call.state, target, kind, item):
        raise access_denied(_TARGET_CRM)
    if not access.may_be_shown_history(call, call.state.lines[chat.line_id], target):
        raise access_denied(_TARGET_HISTORY)
    _let_in(call, chat, target)
    return chat.id


@methods.method("imopenlines.crm.chat.user.delete", "imopenlines")
def delete(call: Call) -> object:
    """Take USER_ID out; their own rights do not matter."""
    number = call.params.number("USER_ID")
    if number <= 0:
        raise RestRefused("CRM_CHAT_EMPTY_USER", "Empty User ID")
    if not call.params.text("CRM_ENTITY_TYPE") or not call.params.text("CRM_ENTITY"):
        raise RestRefused("CRM_CHAT_EMPTY_CRM_DATA", "Empty CRM data")
    kind, item = _item(call)
    _may_read(call, kind, item)
    chat = _chat(call, kind, item)
    if chat is None:
        return 0
    if not membership.leave(call.state, chat, _active(call, number), call.user):
        text = "You don't have access or user already not in chat"
        raise RestRefused("WRONG_REQUEST", text)
    return chat.id


@methods.method("imopenlines.crm.chat.get", "imopenlines")
def get(call: Call) -> object:
    """The item's open-line chats of connectors that work, those used last first; ids as strings.

    Without ACTIVE_ONLY=N only dialogues that take people. CHAT_ID is null where the session of an
    activity is no more.
    """
    kind, item = _item(call)
    if kind not in CRM_TYPES or not call.user.crm:
        raise access_denied("Access denied! You dont have access to this action")
    every = call.params.text("ACTIVE_ONLY") == "N"
    chats = sorted(call.state.line_chats(kind, item), key=lambda chat: -chat.activity_at)
    return [_row(chat) for chat in chats if _listed(chat, every=every)]


@methods.method("imopenlines.crm.chat.getLastId", "imopenlines")
def get_last_id(call: Call) -> object:
    """The id of the item's most recently used open-line chat."""
    if not call.params.text("CRM_ENTITY_TYPE") or not call.params.text("CRM_ENTITY"):
        raise RestRefused("CRM_CHAT_EMPTY_CRM_DATA", "Empty CRM data")
    if call.params.number("CRM_ENTITY") <= 0:
        text = "The value of an argument CRM_ENTITY has an invalid type"
        raise RestRefused("ERROR_ARGUMENT", text)
    kind, item = _item(call)
    chat = last_chat(call, kind, item) if can_read(call.state, call.user, kind, item) else None
    if chat is None:
        raise RestRefused("CRM_CHAT_EMPTY_CRM_DATA", "Could not find CRM entity")
    return chat.id


def last_chat(call: Call, kind: str, item: int) -> Chat | None:
    """The chat of the item's latest open-line activity, open or closed."""
    chats = call.state.line_chats(kind, item)
    return max(chats, key=lambda chat: chat.activity_at, default=None)


def title(chat: Chat) -> str:
    """What the portal calls the chat's connector."""
    names = {"telegrambot": "Telegram", "whatsapp": "WhatsApp", "livechat": "Онлайн-чат"}
    return names.get(_connector(chat), _connector(chat))


def _listed(chat: Chat, *, every: bool) -> bool:
    if chat.session is None:
        return every
    return chat.session.connector_active and (every or chat.session.takes_people)


def _row(chat: Chat) -> dict[str, object]:
    number = None if chat.session is None else str(chat.id)
    return {"CHAT_ID": number, "CONNECTOR_ID": _connector(chat), "CONNECTOR_TITLE": title(chat)}


def _connector(chat: Chat) -> str:
    return chat.entity_id.partition("|")[0]


def _item(call: Call) -> tuple[str, int]:
    kind = call.params.text("CRM_ENTITY_TYPE").upper()
    if not kind:
        raise missing_argument("CRM_ENTITY_TYPE")
    if not call.params.text("CRM_ENTITY"):
        raise missing_argument("CRM_ENTITY")
    item = call.params.number("CRM_ENTITY")
    if item <= 0:
        raise invalid_argument("CRM_ENTITY")
    return kind, item


def _may_read(call: Call, kind: str, item: int) -> None:
    if kind not in CRM_TYPES or not can_read(call.state, call.user, kind, item):
        raise access_denied(_JOIN)


def _chat(call: Call, kind: str, item: int) -> Chat | None:
    """The chat that is meant: named, or the item's last one; it has to take people."""
    if call.params.has("CHAT_ID") and call.params.raw("CHAT_ID") not in (None, "", 0, "0"):
        chat = call.state.chats.get(call.params.number("CHAT_ID"))
    else:
        chat = last_chat(call, kind, item)
        if chat is None:
            return None
    bound = chat is not None and chat in call.state.line_chats(kind, item)
    if chat is None or not bound or chat.session is None or not chat.session.takes_people:
        text = "Chat does not belong to the CRM entity being checked"
        raise RestRefused("CHAT_NOT_IN_CRM", text)
    return chat


def _active(call: Call, number: int) -> User:
    user = call.state.users.get(number)
    if user is None or not user.active:
        raise RestRefused("CRM_CHAT_USER_NOT_ACTIVE", "User not active")
    return user


def _let_in(call: Call, chat: Chat, target: User) -> None:
    if not membership.join(call.state, chat, target, call.user) and call.state.faults.older:
        text = "You don't have access or user already member in chat"
        raise RestRefused("WRONG_REQUEST", text)
