"""Users, chats, messages, bots and commands as `imbot.v2` shows them (camel case, real types)."""

import re

from sandbox.clock import iso
from sandbox.model import Bot, Chat, Command, Message, User
from sandbox.state import State

LANGUAGE = "ru"

# A mention without a name, or what is to be passed over: `im`, `Text::parse`.
_SHORT_MENTION = re.compile(
    r"\[CODE\].*?\[/CODE\]|\[(?P<tag>PUT|SEND)(?:=[^\n]+?)?\](?:[^\n]+?)?\[/(?P=tag)\]"
    r"|\[USER=(?P<id>[0-9]{1,9})\]\[/USER\]",
    re.IGNORECASE | re.DOTALL,
)


def user(person: User) -> dict[str, object]:
    """The User entity; the online fields are always false, as in events."""
    return {
        "id": person.id,
        "active": person.active,
        "name": person.full_name,
        "firstName": person.name,
        "lastName": person.last_name,
        "workPosition": person.work_position,
        "color": person.color,
        "avatar": "",
        "gender": person.gender,
        "birthday": "",
        "extranet": person.extranet,
        "bot": person.bot,
        "connector": person.connector,
        "externalAuthId": external_auth_id(person),
        "status": "online",
        "idle": False,
        "lastActivityDate": False,
        "mobileLastDate": False,
        "desktopLastDate": False,
        "absent": person.absent or False,
        "departments": list(person.departments),
        "phones": False,
        "website": "",
        "email": person.email,
        "type": "extranet" if person.connector else person.kind,
    }


def external_auth_id(person: User) -> str:
    """How the account signs in."""
    return {"bot": "bot", "connector": "imconnector"}.get(person.kind, "default")


def event_chat(chat: Chat, seen_by: int) -> dict[str, object]:
    """The Chat entity as events carry it."""
    return {
        "id": chat.id,
        "dialogId": chat.dialog_id(seen_by),
        "type": chat.kind,
        "messageType": chat.message_type,
        "name": chat.name,
        "owner": chat.owner,
        "avatar": "",
        "color": "#1eb4aa",
        "entityType": chat.entity_type,
        "entityId": chat.entity_id,
        "entityData1": chat.entity_data_1,
        "entityData2": chat.entity_data_2,
        "entityData3": chat.data_3,
        "entityLink": entity_link(chat),
    }


def full_chat(chat: Chat, seen_by: int) -> dict[str, object]:
    """The Chat entity as methods answer it."""
    last = chat.messages[-1].id if chat.messages else 0
    return {
        **event_chat(chat, seen_by),
        "description": "",
        "extranet": False,
        "containsCollaber": False,
        "isNew": False,
        "role": "owner" if chat.owner == seen_by else "member",
        "muteList": [],
        "diskFolderId": None,
        "parentChatId": None,
        "parentMessageId": None,
        "permissions": permissions_v2(),
        "textFieldEnabled": "Y",
        "backgroundId": None,
        "dateCreate": iso(chat.created),
        "lastMessageId": last,
        "lastId": last,
        "managerList": [chat.owner],
        "messageCount": len(chat.messages),
        "userCounter": len(chat.members),
        "unreadId": 0,
        "lastMessageViews": "{}",
        "markedId": 0,
        "public": "",
    }


def permissions_v2() -> dict[str, object]:
    """Who may do what in a chat; the same for every chat here."""
    return {
        "manageUsersAdd": "member",
        "manageUsersDelete": "manager",
        "manageUi": "member",
        "manageSettings": "owner",
        "manageMessages": "member",
        "canPost": "member",
    }


def entity_link(chat: Chat) -> dict[str, object]:
    """Where the thing that a chat belongs to is to be seen."""
    url = ""
    if chat.entity_type == "SONET_GROUP":
        url = f"/workgroups/group/{chat.entity_id}/"
    elif chat.entity_type == "CRM":
        kind, _, number = chat.entity_id.partition("|")
        url = f"/crm/{kind.lower()}/details/{number}/"
    return {"type": chat.entity_type, "url": url, "id": chat.entity_id}


def message(state: State, item: Message) -> dict[str, object]:
    """The Message entity as events carry it, its mentions spelled out."""
    params: dict[str, object] = {}
    if item.keyboard:
        params["KEYBOARD"] = item.keyboard
    if item.hidden:
        params["COMPONENT_ID"] = "HiddenMessage"
    return {
        "id": item.id,
        "chatId": item.chat_id,
        "authorId": item.author_id,
        "date": iso(item.at),
        "text": _spelled_out(state, item.text),
        "isSystem": item.system,
        "uuid": "",
        "forward": item.forward,
        "params": params,
        "viewedByOthers": False,
    }


def _spelled_out(state: State, text: str) -> str:
    """The text with a name in every short mention; code and the like are left as they are."""

    def name(found: re.Match[str]) -> str:
        if found["id"] is None:
            return found[0]
        person = state.users.get(int(found["id"]))
        return f"[USER={found['id']} REPLACE]{person.full_name if person else ''}[/USER]"

    return _SHORT_MENTION.sub(name, text)


def short_bot(bot: Bot) -> dict[str, object]:
    """The Bot entity for those who do not own it."""
    return {
        "id": bot.id,
        "code": bot.code,
        "type": bot.type,
        "isHidden": bot.hidden,
        "isSupportOpenline": bot.supports_lines,
        "isReactionsEnabled": bot.reactions,
        "backgroundId": bot.background_id,
    }


def full_bot(state: State, bot: Bot) -> dict[str, object]:
    """The Bot entity for its owner."""
    chats = [chat for chat in state.chats.values() if bot.id in chat.members]
    return {
        **short_bot(bot),
        "language": LANGUAGE,
        "moduleId": "rest",
        "eventMode": bot.event_mode,
        "countMessage": bot.counted.get("message", 0),
        "countCommand": bot.counted.get("command", 0),
        "countChat": sum(chat.kind != "private" for chat in chats),
        "countUser": sum(chat.kind == "private" for chat in chats),
    }


def command(item: Command) -> dict[str, object]:
    """The Command entity: here with its slash."""
    return {
        "id": item.id,
        "botId": item.bot_id,
        "command": f"/{item.name}",
        "common": item.common,
        "hidden": item.hidden,
        "extranetSupport": item.extranet_support,
    }
