"""What people do on the portal: type, press, edit, delete."""

from dataclasses import replace

from aiohttp import web

from sandbox import amending, events, keyboards
from sandbox.control import body
from sandbox.errors import ControlRefused
from sandbox.keys import STATE
from sandbox.messaging import Draft, post, press
from sandbox.model import Bot, Chat, Message, User
from sandbox.said_again import forward, quotation
from sandbox.state import State


def add_routes(app: web.Application) -> None:
    """Put the acts into an application."""
    app.router.add_post("/sandbox/messages", type_message)
    app.router.add_post("/sandbox/presses", press_button)
    app.router.add_post("/sandbox/edits", edit_message)
    app.router.add_post("/sandbox/deletions", delete_message)


async def type_message(request: web.Request) -> web.Response:
    """Somebody types into a chat, or privately to the bot with `"dialog": "bot"`.

    With `quote` another message stands before the text, with `forward` in its place.
    """
    state, asked = request.app[STATE], await body.read(request)
    author = body.person(state, asked.number("user_id"))
    if author.bot or not author.active:
        raise ControlRefused("bots and dismissed people do not type", 403)
    draft = replace(_draft(state, asked, author), silent=asked.flag("hidden"))
    chat = _private(state, asked, author) if _is_private(asked) else _group(state, asked, author)
    message = post(state, chat, draft)
    return web.json_response({"message_id": message.id}, status=201)


async def press_button(request: web.Request) -> web.Response:
    """Somebody presses a button; the index counts real buttons. `fired`: a command ran."""
    state, asked = request.app[STATE], await body.read(request)
    message = _message(state, asked)
    chat = state.chats[message.chat_id]
    person = _member(state, asked, chat, outsiders=message.system)
    button = keyboards.button_at(message, asked.number("button"))
    if button is None:
        raise ControlRefused("there is no such button", 404)
    if button.get("DISABLED") == "Y":
        raise ControlRefused("the button is disabled", 409)
    fired = "COMMAND" in button and press(state, chat, message, button, person)
    if fired and button.get("BLOCK") == "Y":
        button["DISABLED"] = "Y"
    return web.json_response({"fired": fired, "link": button.get("LINK")}, status=201)


async def edit_message(request: web.Request) -> web.Response:
    """An author changes their message; commands in it do not run again."""
    state, asked = request.app[STATE], await body.read(request)
    message, person = _own(state, asked)
    amending.edit(state, message, person, asked.text("text", least=1))
    return web.json_response({"message_id": message.id})


async def delete_message(request: web.Request) -> web.Response:
    """An author deletes their message."""
    state, asked = request.app[STATE], await body.read(request)
    message, person = _own(state, asked)
    amending.delete(state, message, person)
    return web.json_response({"message_id": message.id})


def _draft(state: State, asked: body.Body, author: User) -> Draft:
    if not asked.has("forward"):
        text = asked.text("text", least=1)
        if asked.has("quote"):
            text = quotation(state, _seen(state, asked, "quote", author), author) + text
        return Draft(text, author.id)
    if asked.text("text") or asked.has("quote"):
        raise ControlRefused("what is forwarded has no other words in it")
    return forward(state, _seen(state, asked, "forward", author), author)


def _seen(state: State, asked: body.Body, name: str, person: User) -> Message:
    """The message that is meant, which the person has to see."""
    message = _message(state, asked, name)
    _check_sight(state.chats[message.chat_id], person, outsiders=message.system)
    return message


def _is_private(asked: body.Body) -> bool:
    return asked.raw("dialog") == "bot" or asked.raw("to") == "bot"


def _group(state: State, asked: body.Body, author: User) -> Chat:
    chat = body.chat(state, asked.number("chat_id"))
    if author.id not in chat.members:
        raise ControlRefused(f"user {author.id} is not in chat {chat.id}", 403)
    return chat


def _private(state: State, asked: body.Body, author: User) -> Chat:
    """The talk with the bot; the bot learns of it when the person begins it."""
    bot = the_bot(state, asked.number("bot_id") if asked.has("bot_id") else None)
    if author.connector:
        raise ControlRefused("customers do not talk to bots privately", 403)
    chat = state.private_chat(bot.id, author.id)
    if chat is None:
        chat = state.open_private_chat(bot.id, author.id)
        events.joined_chat(state, bot, chat, author)
    return chat


def the_bot(state: State, bot_id: int | None) -> Bot:
    """The bot of that id, or the first one."""
    bot = state.bots.get(bot_id) if bot_id else next(iter(state.bots.values()), None)
    if bot is None:
        raise ControlRefused("there is no such bot", 404)
    return bot


def _message(state: State, asked: body.Body, name: str = "message_id") -> Message:
    number = asked.number(name)
    message = state.messages.get(number)
    if message is None:
        raise ControlRefused(f"there is no message {number}", 404)
    return message


def _member(state: State, asked: body.Body, chat: Chat, *, outsiders: bool) -> User:
    person = body.person(state, asked.number("user_id"))
    _check_sight(chat, person, outsiders=outsiders)
    return person


def _check_sight(chat: Chat, person: User, *, outsiders: bool) -> None:
    # The customer of an open line does not see what the system says there.
    if person.id not in chat.members or (outsiders and person.connector):
        raise ControlRefused(f"user {person.id} does not see chat {chat.id}", 403)


def _own(state: State, asked: body.Body) -> tuple[Message, User]:
    message = _message(state, asked)
    person = body.person(state, asked.number("user_id"))
    if message.author_id != person.id:
        raise ControlRefused("the message is somebody else's", 403)
    return message, person
