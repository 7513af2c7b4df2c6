"""What a test or a person may look at: chats, talks with the bot, the journal."""

from aiohttp import web

from sandbox.control import body
from sandbox.control.acts import the_bot
from sandbox.errors import ControlRefused
from sandbox.keys import STATE
from sandbox.model import Chat, Message
from sandbox.rest.params import integer

_LISTS = {
    "refreshes", "memberships", "invitations", "notifications", "comments", "typing",
    "deliveries",
}  # fmt: skip


def add_routes(app: web.Application) -> None:
    """Put the looks into an application."""
    app.router.add_get("/sandbox/chats", list_chats)
    app.router.add_get("/sandbox/chats/{number}", show_chat)
    app.router.add_get("/sandbox/dialogs/{number}", show_dialog)
    app.router.add_get("/sandbox/calls", list_calls)
    app.router.add_get("/sandbox/users", list_users)
    app.router.add_get("/sandbox/{name}", show_list)


async def list_chats(request: web.Request) -> web.Response:
    """Every chat without its messages."""
    chats = request.app[STATE].chats.values()
    return web.json_response(
        [
            {"id": chat.id, "name": chat.name, "kind": chat.kind, "members": chat.members,
             "entity_type": chat.entity_type, "entity_id": chat.entity_id,
             "entity_data_2": chat.entity_data_2, "silent": chat.silent}
            for chat in chats
        ]
    )  # fmt: skip


async def show_chat(request: web.Request) -> web.Response:
    """One chat with its members and messages."""
    return web.json_response(_chat(body.chat(request.app[STATE], _number(request))))


async def show_dialog(request: web.Request) -> web.Response:
    """The private talk of a person with the bot; empty when there has been none."""
    state, number = request.app[STATE], _number(request)
    body.person(state, number)
    asked = request.query.get("bot_id")
    if not state.bots and asked is None:
        return web.json_response({"id": None, "members": [number], "messages": []})
    bot = the_bot(state, integer(asked) if asked is not None else None)
    chat = state.private_chat(bot.id, number)
    if chat is None:
        empty = {"id": None, "members": [number, bot.id], "messages": []}
        return web.json_response(empty)
    return web.json_response(_chat(chat))


async def list_calls(request: web.Request) -> web.Response:
    """Every REST call, oldest first, without token values."""
    return web.json_response(request.app[STATE].journal.call_rows())


async def list_users(request: web.Request) -> web.Response:
    """Everybody the portal knows."""
    return web.json_response(
        [
            {"id": user.id, "name": user.full_name, "kind": user.kind, "active": user.active,
             "work_position": user.work_position, "admin": user.admin,
             "history": user.history}
            for user in request.app[STATE].users.values()
        ]
    )  # fmt: skip


async def show_list(request: web.Request) -> web.Response:
    """One of the journal's lists."""
    name = request.match_info["name"]
    if name not in _LISTS:
        raise ControlRefused("there is no such list", 404)
    return web.json_response(list(getattr(request.app[STATE].journal, name)))


def _number(request: web.Request) -> int:
    number = integer(request.match_info["number"])
    if number is None:
        raise ControlRefused("a number is needed")
    return number


def _chat(chat: Chat) -> dict[str, object]:
    return {
        "id": chat.id,
        "members": chat.members,
        "messages": [_message(message) for message in chat.messages],
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "author_id": message.author_id,
        "text": message.text,
        "system": message.system,
        "to_customer": message.to_customer,
        "keyboard": message.keyboard,
        "forward": message.forward,
    }
