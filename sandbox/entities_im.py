"""Users and chats as `im.*` and `imopenlines.*` show them (snake case, numbers as numbers)."""

from sandbox import entities_v2 as v2
from sandbox.clock import iso
from sandbox.model import Chat, Message, User


def user(person: User) -> dict[str, object]:
    """A person as `im.user.get` shows them."""
    return {
        "id": person.id,
        "active": person.active,
        "name": person.full_name,
        "first_name": person.name,
        "last_name": person.last_name,
        "work_position": person.work_position,
        "color": person.color,
        "avatar": "",
        "avatar_hr": "",
        "gender": person.gender,
        "birthday": "",
        "extranet": person.extranet,
        "network": False,
        "bot": person.bot,
        "connector": person.connector,
        "external_auth_id": v2.external_auth_id(person),
        "status": "online",
        "idle": False,
        "last_activity_date": False,
        "mobile_last_date": False,
        "desktop_last_date": False,
        "absent": person.absent or False,
        "departments": list(person.departments),
        "phones": False,
        "type": "extranet" if person.connector else person.kind,
    }


def dialog(chat: Chat, seen_by: int) -> dict[str, object]:
    """A chat as `im.dialog.get` and `imopenlines.dialog.get` show it."""
    last = chat.messages[-1].id if chat.messages else 0
    return {
        "id": chat.id,
        "parent_chat_id": 0,
        "parent_message_id": 0,
        "name": chat.name,
        "description": None,
        "owner": chat.owner,
        "extranet": False,
        "avatar": "",
        "color": "#1eb4aa",
        "type": chat.kind,
        "counter": 0,
        "user_counter": len(chat.members),
        "message_count": len(chat.messages),
        "unread_id": 0,
        "restrictions": dict.fromkeys(_RESTRICTIONS, True),
        "last_message_id": last,
        "last_id": last,
        "marked_id": 0,
        "disk_folder_id": 0,
        **_entity(chat),
        "mute_list": [],
        "date_create": iso(chat.created),
        "message_type": chat.message_type,
        "public": "",
        "role": _role(chat, seen_by),
        "text_field_enabled": True,
        "background_id": None,
        "permissions": _PERMISSIONS,
        "is_new": False,
        "readed_list": [],
        "manager_list": [chat.owner],
        "last_message_views": {"message_id": last, "first_viewers": [], "count_of_viewers": 0},
        "dialog_id": chat.dialog_id(seen_by),
    }


_RESTRICTIONS = (
    "avatar", "rename", "extend", "call", "mute", "leave", "leave_owner", "send", "user_list",
)  # fmt: skip
_PERMISSIONS = {
    "manage_users_add": "member",
    "manage_users_delete": "manager",
    "manage_ui": "member",
    "manage_settings": "owner",
    "manage_messages": "member",
    "can_post": "member",
}


def message(item: Message) -> dict[str, object]:
    """A message as `im.dialog.messages.get` shows it: a system line has no author."""
    return {
        "id": item.id,
        "chat_id": item.chat_id,
        "author_id": 0 if item.system else item.author_id,
        "date": iso(item.at),
        "text": item.text,
        "unread": False,
        "uuid": None,
        "replaces": [],
        "params": {},
    }


def _entity(chat: Chat) -> dict[str, object]:
    return {
        "entity_type": chat.entity_type,
        "entity_id": chat.entity_id,
        "entity_data_1": chat.entity_data_1,
        "entity_data_2": chat.entity_data_2,
        "entity_data_3": chat.data_3,
        "entity_link": v2.entity_link(chat),
    }


def _role(chat: Chat, seen_by: int) -> str:
    if chat.owner == seen_by:
        return "owner"
    return "member" if seen_by in chat.members else "none"
