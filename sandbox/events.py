"""The events of bots: what is in them, and onto which queue they go.

Keys and types are those of the `imbot.v2` events page; the serialisation into a form is
`phpform`'s. In fetch mode the same data waits for `imbot.v2.Event.get`, without any token.
"""

from sandbox import auth_blocks, phpform
from sandbox import entities_v2 as v2
from sandbox.apps import App
from sandbox.model import Bot, Chat, Command, Message, User
from sandbox.outbox import Delivery
from sandbox.state import State

MOST_QUEUED = 5000


def command_added(
    state: State,
    bot: Bot,
    command: Command,
    params: str,
    context: str,
    message: Message,
    actor: User,
    hit: User | None = None,
) -> None:
    """ONIMBOTV2COMMANDADD: one for every matched line and for every pressed button.

    The token is that of the request's user, `hit`: not always the one who has said it.
    """
    _count(bot, "command")
    called = {"id": command.id, "command": f"/{command.name}", "params": params, "context": context}
    data = {"command": called, **_about(state, bot, message, actor)}
    if context == "keyboard":
        data["chat"] = _pressed_in(state, bot, message, data["chat"])
    _to_bot(state, bot, "ONIMBOTV2COMMANDADD", data, hit or actor)


def message_added(
    state: State, bot: Bot, message: Message, actor: User, hit: User | None = None
) -> None:
    """ONIMBOTV2MESSAGEADD, with the token of the request's user."""
    _count(bot, "message")
    data = _about(state, bot, message, actor)
    _to_bot(state, bot, "ONIMBOTV2MESSAGEADD", data, hit or actor)


def message_updated(state: State, bot: Bot, message: Message, actor: User) -> None:
    """ONIMBOTV2MESSAGEUPDATE."""
    _to_bot(state, bot, "ONIMBOTV2MESSAGEUPDATE", _about(state, bot, message, actor), actor)


def message_deleted(state: State, bot: Bot, message: Message, actor: User) -> None:
    """ONIMBOTV2MESSAGEDELETE: `user` is the author, the token the deleting user's."""
    author = state.users.get(message.author_id, actor)
    data = {"messageId": message.id, **_place(state, bot, state.chats[message.chat_id], author)}
    _to_bot(state, bot, "ONIMBOTV2MESSAGEDELETE", data, actor)


def joined_chat(state: State, bot: Bot, chat: Chat, actor: User) -> None:
    """ONIMBOTV2JOINCHAT: `user` is who added the bot; this event has no refresh token."""
    data = {"dialogId": chat.dialog_id(bot.id), **_place(state, bot, chat, actor)}
    _to_bot(state, bot, "ONIMBOTV2JOINCHAT", data, actor, refresh=False)


def bot_deleted(state: State, bot: Bot, actor: User) -> None:
    """ONIMBOTV2DELETE, the last event of a bot."""
    _to_bot(state, bot, "ONIMBOTV2DELETE", {}, actor, refresh=False)


def send(
    state: State, app: App, event: str, url: str, data: dict[str, object], auth: dict[str, object]
) -> None:
    """Put an event on the way to a handler: once, or as often as a fault says.

    An app whose installation is not finished gets none.
    """
    if not app.installed:
        return
    faults = state.faults.events
    if faults.application_token is not None:
        auth = {**auth, "application_token": faults.application_token}
    payload: dict[str, object] = {
        "event": event,
        "event_handler_id": 219,
        "data": data,
        "ts": int(state.clock.now() - faults.late),
        "auth": auth,
    }
    body = phpform.encode(_without(payload, set(faults.without)))
    for _ in range(faults.copies):
        row: dict[str, object] = {
            "id": state.journal.number(),
            "event": event,
            "url": url,
            "status": None,
            "error": None,
            "at": None,
        }
        state.journal.deliveries.append(row)
        state.outbox.put(Delivery(event, url, body, faults.delay, row))


def _about(state: State, bot: Bot, message: Message, actor: User) -> dict[str, object]:
    chat = state.chats[message.chat_id]
    return {"message": v2.message(state, message), **_place(state, bot, chat, actor)}


def _place(state: State, bot: Bot, chat: Chat, person: User) -> dict[str, object]:
    return {
        "chat": v2.event_chat(chat, bot.id),
        "user": v2.user(person),
        "language": state.faults.events.language or v2.LANGUAGE,
    }


def _pressed_in(state: State, bot: Bot, message: Message, chat: object) -> object:
    """The chat of a press, which may come without its `dialogId` or not at all.

    A bot that fetches its events never learns it of a press in a private talk.
    """
    if bot.event_mode == "fetch" and state.chats[message.chat_id].kind == "private":
        return []
    match state.faults.events.without_chat:
        case "dialog_id":
            return _without({"chat": chat}, {"dialogId"})["chat"]
        case "chat":
            return {}
        case _:
            return chat


def _count(bot: Bot, what: str) -> None:
    bot.counted[what] = bot.counted.get(what, 0) + 1


def _to_bot(
    state: State,
    bot: Bot,
    event: str,
    data: dict[str, object],
    actor: User,
    *,
    refresh: bool = True,
) -> None:
    if bot.event_mode == "fetch":
        _keep(state, bot, event, data)
        return
    app = state.apps[bot.client_id]
    named = {"id": bot.id, "code": bot.code, "auth": auth_blocks.of_bot(state, app, bot.id)}
    auth = auth_blocks.of_actor(state, app, actor, refresh=refresh)
    send(state, app, event, bot.webhook_url, {"bot": named, **data}, auth)


def _keep(state: State, bot: Bot, event: str, data: dict[str, object]) -> None:
    bot.last_event = state.number("other")
    whole = {"bot": v2.full_bot(state, bot), **data}
    bot.queue.append(
        {"eventId": bot.last_event, "type": event, "date": state.clock.iso(), "data": whole}
    )
    del bot.queue[:-MOST_QUEUED]


def _without(payload: dict[str, object], names: set[str]) -> dict[str, object]:
    """The payload less the named keys of its maps; the bot's own token block is left alone."""
    if not names:
        return payload
    return {
        key: _without(value, names) if isinstance(value, dict) and key != "bot" else value
        for key, value in payload.items()
        if key not in names
    }
