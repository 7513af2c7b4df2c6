"""/sandbox/faults: what is to go wrong next."""

from aiohttp import web

from sandbox.control import body
from sandbox.control.body import Body
from sandbox.courier import is_http_url
from sandbox.errors import ControlRefused, RestRefused
from sandbox.faults import (
    BOT_AUTH,
    ERROR,
    FAILURE,
    RESULT,
    TOKENS,
    WITHOUT_CHAT,
    Faults,
    MethodFault,
)
from sandbox.keys import STATE
from sandbox.model import CRM_TYPES, HISTORY, CrmItem
from sandbox.rest.dispatch import UNKNOWN
from sandbox.state import State

_LONGEST = 300.0
_MOST = 1_000_000.0


def add_routes(app: web.Application) -> None:
    """Put the faults into an application."""
    app.router.add_post("/sandbox/faults", set_fault)


async def set_fault(request: web.Request) -> web.Response:
    """Set one fault; the member that names it decides which."""
    asked = await body.read(request)
    kinds = [kind for kind in _SETTERS if kind in asked.names()]
    # "user_id" belongs to some of them and names none.
    if len(kinds) != 1:
        raise ControlRefused(f"exactly one of {', '.join(_SETTERS)} is needed")
    _SETTERS[kinds[0]](request.app[STATE], asked)
    return web.json_response({"ok": True})


def _set_method(state: State, asked: Body) -> None:
    given = [kind for kind in _VALUES if kind in asked.names()]
    if len(given) != 1:
        raise ControlRefused(f"exactly one of {', '.join(_VALUES)} is needed")
    times = None if "times" in asked.names() and not asked.has("times") else 1
    if asked.has("times"):
        times = int(asked.amount("times", 1, _MOST))
    state.faults.add(
        MethodFault(
            asked.text("method", least=1).lower(),
            given[0],
            _VALUES[given[0]](asked),
            times,
            asked.number("user_id") if asked.has("user_id") else None,
        )
    )


def _refusal(error: Body) -> object:
    status = int(error.amount("status", 400, 599))
    extra: dict[str, object] = {}
    if error.has("operating_reset_in"):
        extra["operating_reset_in"] = error.number("operating_reset_in")
    return RestRefused(error.text("code"), error.text("description"), status, **extra)


def _result(asked: Body) -> object:
    return asked.raw("result")


def _delay(asked: Body) -> object:
    return asked.amount("delay", 0, _LONGEST)


def _html(asked: Body) -> object:
    return int(asked.amount("html", 200, 599))


def _drop(asked: Body) -> object:
    return asked.one_of("drop", "before", "after")


def _truncate(asked: Body) -> object:
    if not asked.flag("truncate"):
        raise ControlRefused("truncate: true is needed")
    return True


def _redirect(asked: Body) -> object:
    url = asked.text("redirect")
    if not is_http_url(url):
        raise ControlRefused("redirect: an http address is needed")
    return url


_VALUES = {
    ERROR: lambda asked: _refusal(asked.part(ERROR)),
    FAILURE: lambda asked: _refusal(asked.part(FAILURE)),
    RESULT: _result,
    "delay": _delay,
    "html": _html,
    "drop": _drop,
    "truncate": _truncate,
    "redirect": _redirect,
}


def _set_tokens(state: State, asked: Body) -> None:
    user = body.person(state, asked.number("user_id")).id if asked.has("user_id") else None
    kind = asked.one_of("tokens", "expired", "disowned", "revoked", "always_expired", "normal")
    code = asked.one_of("code", *UNKNOWN) if asked.has("code") else "NO_AUTH_FOUND"
    if kind in {"always_expired", "normal"}:
        state.faults.always_expired = kind == "always_expired"
    for tokens in [app.tokens for app in state.apps.values()]:
        match kind:
            case "expired":
                tokens.expire(user)
            case "disowned":
                tokens.disown(user, code)
            case "revoked":
                tokens.revoke(user)


def _set_events(state: State, asked: Body) -> None:
    part, events = asked.part("events"), state.faults.events
    if part.has("foreign_user_id"):
        events.foreign_user_id = body.person(state, part.number("foreign_user_id")).id
    if part.has("tokens"):
        events.tokens = part.one_of("tokens", *TOKENS)
    if part.has("bot_auth"):
        events.bot_auth = part.one_of("bot_auth", *BOT_AUTH)
    if part.has("copies"):
        events.copies = int(part.amount("copies", 0, 20))
    if part.has("delay"):
        events.delay = part.amount("delay", 0, _LONGEST)
    if part.has("late"):
        events.late = part.amount("late", 0, _MOST)
    if part.has("reversed"):
        events.reversed = part.flag("reversed")
    if "without_chat" in part.names():
        given = part.has("without_chat")
        events.without_chat = part.one_of("without_chat", *WITHOUT_CHAT) if given else None
    if "language" in part.names():
        events.language = part.text("language") if part.has("language") else None
    if "without" in part.names():
        events.without = part.texts("without")
    if "application_token" in part.names():
        given = part.has("application_token")
        events.application_token = part.text("application_token") if given else None


def _set_bucket(state: State, asked: Body) -> None:
    part = asked.part("bucket")
    state.bucket.resize(part.amount("size", 0, _MOST), part.amount("rate", 0, _MOST))


def _set_oauth(state: State, asked: Body) -> None:
    state.faults.oauth = asked.one_of("oauth", "open", "closed", "slow")
    if asked.has("delay"):
        state.faults.oauth_delay = asked.amount("delay", 0, _LONGEST)


def _set_oauth_error(state: State, asked: Body) -> None:
    state.faults.oauth_error = asked.text("oauth_error") if asked.has("oauth_error") else None


def _set_code_tells_owner(state: State, asked: Body) -> None:
    state.faults.code_tells_owner = asked.flag("code_tells_owner")


def _set_user(state: State, asked: Body) -> None:
    part = asked.part("user")
    user = body.person(state, part.number("id"))
    for name in ("active", "admin", "crm", "crm_change", "join", "app_access"):
        if name in part.names():
            setattr(user, name, part.flag(name))
    if "history" in part.names():
        user.history = _level(part)
    if "absent" in part.names():
        user.absent = part.text("absent") if part.raw("absent") else None


def _level(part: Body) -> str:
    """The level of "view history" in a role; yes and no are all and nothing."""
    if isinstance(part.raw("history"), bool):
        return "any" if part.flag("history") else "none"
    return part.one_of("history", *HISTORY)


def _set_line(state: State, asked: Body) -> None:
    part = asked.part("line")
    line = state.lines.get(part.number("id"))
    if line is None:
        raise ControlRefused("there is no such line", 404)
    if "queue" in part.names():
        line.queue = _people(state, part, "queue")
    if "modified_by" in part.names():
        line.modified_by = body.person(state, part.number("modified_by")).id


def _people(state: State, part: Body, name: str) -> list[int]:
    return [body.person(state, number).id for number in part.numbers(name)]


def _set_chat(state: State, asked: Body) -> None:
    part = asked.part("chat")
    chat = body.chat(state, part.number("id"))
    if part.has("status"):
        if chat.session is None:
            raise ControlRefused(f"chat {chat.id} is not an open-line chat")
        chat.session.status = part.number("status")
    if part.has("silent"):
        chat.data_3 = "Y" if part.flag("silent") else "N"
    if part.has("connector"):
        if chat.session is None:
            raise ControlRefused(f"chat {chat.id} is not an open-line chat")
        chat.session.connector_active = part.flag("connector")
    if part.has("orphaned") and part.flag("orphaned"):
        chat.session = None
    if part.has("entity_id"):
        if chat.entity_type != "CRM":
            raise ControlRefused(f"chat {chat.id} is not the chat of a CRM item")
        chat.entity_id = part.text("entity_id", least=1)
    if "recent" in part.names():
        chat.recent = set(_people(state, part, "recent"))
    if "entity_data_2" in part.names():
        chat.say_bindings(part.text("entity_data_2") if part.has("entity_data_2") else None)


def _set_item(state: State, asked: Body) -> None:
    """Change a CRM item, or put a new one there."""
    part = asked.part("item")
    kind, number = part.one_of("type", *map(str.lower, CRM_TYPES)).upper(), part.number("id")
    item = state.crm.setdefault((kind, number), CrmItem(kind, number, f"{kind} {number}", 0))
    if part.has("title"):
        item.title = part.text("title")
    if part.has("assigned_by"):
        item.assigned_by = body.person(state, part.number("assigned_by")).id
    if "observers" in part.names():
        item.observers = _people(state, part, "observers")


def _set_page(state: State, asked: Body) -> None:
    state.faults.page_without = asked.part("page").texts("without")


def _set_revision(state: State, asked: Body) -> None:
    state.revision = int(asked.amount("revision", 1, _MOST))


def _set_other_codes(state: State, asked: Body) -> None:
    state.other_codes = set(asked.texts("other_codes"))


def _set_scopes(state: State, asked: Body) -> None:
    body.app(state, asked).scopes = asked.texts("scopes")


def _set_member_id(state: State, asked: Body) -> None:
    given = asked.text("member_id", least=1) if asked.has("member_id") else None
    state.member_id = given or state.settings.member_id


def _set_clock(state: State, asked: Body) -> None:
    state.clock.advance(asked.amount("clock", 0, _MOST * 100))


def _set_older(state: State, asked: Body) -> None:
    state.faults.older = asked.flag("older")


def _clear(state: State, asked: Body) -> None:
    if not asked.flag("clear"):
        raise ControlRefused("clear: true is needed")
    state.faults = Faults()
    state.bucket.resize(state.settings.bucket_size, state.settings.bucket_rate)


_SETTERS = {
    "method": _set_method,
    "tokens": _set_tokens,
    "events": _set_events,
    "bucket": _set_bucket,
    "oauth": _set_oauth,
    "oauth_error": _set_oauth_error,
    "code_tells_owner": _set_code_tells_owner,
    "user": _set_user,
    "chat": _set_chat,
    "line": _set_line,
    "item": _set_item,
    "page": _set_page,
    "revision": _set_revision,
    "other_codes": _set_other_codes,
    "scopes": _set_scopes,
    "member_id": _set_member_id,
    "clock": _set_clock,
    "older": _set_older,
    "clear": _clear,
}
