"""What the web chat shows of a portal: small facts by key, so that only changed ones travel."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

from sandbox.entities_v2 import LANGUAGE
from sandbox.faults import ERROR
from sandbox.journal import CallRecord
from sandbox.model import Chat, Command, Message, User
from sandbox.rest.crm_chats import title
from sandbox.state import State

MOST_MESSAGES = 200  # of a chat
MOST_COMMENTS = 50
MOST_CALLS = 150
MOST_EVENTS = 30
_MOST_PARAMS = 1500
_ORIGIN = re.compile(r"https?://[\w.:\[\]-]+", re.ASCII)

_Row = TypeVar("_Row")


def view(state: State) -> dict[str, str]:
    """Everything that is to be seen, each fact as JSON."""
    return {key: json.dumps(fact, ensure_ascii=False) for key, fact in _facts(state)}


def origins(state: State) -> list[str]:
    """Where the apps' pages are, which the web chat may show in a frame."""
    apps = state.apps.values()
    placed = [one["handler"] for app in apps for one in app.placements]
    pages = [url for app in apps for url in (app.install_url, app.app_url, app.redirect_url)]
    found = {_origin(url) for url in (*pages, *placed) if url}
    return sorted(origin for origin in found if origin)


def _facts(state: State) -> Iterator[tuple[str, object]]:
    yield "portal", _portal(state)
    yield "faults", _faults(state)
    for user in state.users.values():
        yield f"person:{user.id}", _person(state, user)
    for command in state.commands.values():
        yield f"command:{command.id}", _command(state, command)
    for chat in state.chats.values():
        yield f"chat:{chat.id}", _chat(state, chat)
        for message in chat.messages[-MOST_MESSAGES:]:
            yield f"message:{message.id}", _message(message)
    for comment in _last(state.journal.comments, MOST_COMMENTS):
        yield f"comment:{comment['id']}", comment
    for record in _last(state.journal.calls, MOST_CALLS):
        yield f"call:{record.id}", _call(record)
    deliveries = state.journal.deliveries
    for row in _last(deliveries, MOST_EVENTS):
        names = ("event", "status", "error")
        yield f"event:{row['id']}", {name: row[name] for name in names}


def _portal(state: State) -> object:
    app = state.app
    return {
        "url": state.url,
        "installed": app.installed,
        "page": bool(app.app_url),
        "install_page": bool(app.install_url),
        "origins": origins(state),
        "tabs": [
            {"placement": one["placement"], "title": one["title"]}
            for one in app.placements
            if app.installed and one["placement"].endswith("_DETAIL_TAB")
        ],
        "bots": [
            {"id": bot.id, "lines": bot.supports_lines} for bot in state.bots.values()
        ],
    }  # fmt: skip


def _faults(state: State) -> object:
    faults = state.faults
    return {
        "slow": faults.any_of("delay"),
        "busy": faults.any_of(ERROR),
        "tokens": faults.events.tokens,
        "oauth": faults.oauth,
        "language": faults.events.language or LANGUAGE,
    }


def _person(state: State, user: User) -> object:
    return {
        "id": user.id,
        "name": user.full_name,
        "kind": user.kind,
        "active": user.active,
        "admin": user.admin,
        "history": user.history,
        "position": user.work_position,
        "departments": [
            state.departments[number].name
            for number in user.departments
            if number in state.departments
        ],
    }


def _command(state: State, command: Command) -> object:
    bot = state.bots[command.bot_id]
    return {
        "name": command.name,
        "bot": bot.id,
        "lines": bot.supports_lines,
        "common": command.common,
        "hidden": command.hidden,
        "title": command.title,
        "params": command.params,
    }


def _chat(state: State, chat: Chat) -> object:
    line = state.lines.get(chat.line_id)
    return {
        "id": chat.id,
        "name": chat.name,
        "kind": chat.kind,
        "members": chat.members,
        "silent": chat.silent,
        "finished": chat.session is not None and chat.session.closed,
        "operator": chat.session.operator_id if chat.session else None,
        "connector": title(chat) if chat.session else "",
        "queue": line.queue if line else [],
        "bindings": [[kind, item] for kind, item in chat.bindings.items() if item],
    }


def _message(message: Message) -> object:
    return {
        "id": message.id,
        "chat": message.chat_id,
        "author": message.author_id,
        "text": message.text,
        "at": message.at,
        "system": message.system,
        "to_customer": message.to_customer,
        "keyboard": message.keyboard or [],
        "attached": message.attach is not None,
        "forwarded": message.forward["userId"] if message.forward else None,
    }


def _call(record: CallRecord) -> object:
    params = json.dumps(record.params, ensure_ascii=False)
    return {
        "method": record.method,
        "params": _cut(params),
        "user": record.user_id,
        "auth": record.auth,
        "at": record.at,
        "within": record.within,
        "status": record.status,
        "error": record.error,
        "ms": record.ms,
        "fault": record.fault,
        "answer": record.answer,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_PARAMS else text[:_MOST_PARAMS] + "…"


def _last(rows: Sequence[_Row], most: int) -> list[_Row]:
    return list(islice(reversed(rows), most))[::-1]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    # It goes into a header, where a semicolon would begin something else.
    return origin if _ORIGIN.fullmatch(origin) else ""
