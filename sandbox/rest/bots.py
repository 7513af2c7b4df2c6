"""imbot.v2.Bot.* and imbot.v2.Revision.get."""

from sandbox import entities_v2 as v2
from sandbox import lifecycle
from sandbox.errors import RestRefused
from sandbox.model import Bot, User
from sandbox.rest.handlers import is_handler
from sandbox.rest.params import flag, integer
from sandbox.rest.registry import Call, Methods

methods = Methods()

MOST_BOTS = 100
_TYPES = {"bot", "openline", "supervisor", "personal"}
_BACKGROUNDS = {
    "azure", "mint", "steel", "slate", "teal", "cornflower", "sky", "peach", "frost",
}  # fmt: skip


def own_bot(call: Call) -> Bot:
    """The bot that `botId` names, if it is the calling app's."""
    number = integer(call.params.raw("botId"))
    if not number:
        raise RestRefused("BOT_ID_REQUIRED", "Bot ID is required")
    bot = call.state.bots.get(number)
    if bot is None:
        raise RestRefused("BOT_NOT_FOUND", "Bot not found")
    if bot.client_id != call.app.client_id:
        raise RestRefused("BOT_OWNERSHIP_ERROR", "Bot is registered by another application", 403)
    return bot


def own_bots(call: Call) -> list[Bot]:
    """The bots of the calling app."""
    return [bot for bot in call.state.bots.values() if bot.client_id == call.app.client_id]


@methods.method("imbot.v2.Revision.get", "imbot", exact=True, since=33)
def revision(call: Call) -> object:
    """The revisions of the messenger's API (`imbot.v2.Revision.get`)."""
    return {"rest": call.state.revision, "web": 130, "mobile": 23, "desktop": 6}


@methods.method("imbot.v2.Bot.register", "imbot", exact=True)
def register(call: Call) -> object:
    """Register a bot; the same code again answers with the bot as it is.

    A code is one bot's on the whole portal, whichever app it belongs to.
    """
    fields = call.params.mapping("fields")
    code = str(fields.get("code") or "")
    if not code:
        raise RestRefused("BOT_CODE_REQUIRED", "Bot code is required")
    for bot in own_bots(call):
        if bot.code == code:
            return _answer(call, bot)
    if code in {*call.state.other_codes, *(bot.code for bot in call.state.bots.values())}:
        raise RestRefused("BOT_CODE_ALREADY_TAKEN", "Bot code is already taken")
    bot = _checked(call, code, fields)
    call.state.bots[bot.id] = bot
    return _answer(call, bot)


@methods.method("imbot.v2.Bot.update", "imbot", exact=True)
def update(call: Call) -> object:
    """Change the bot's looks, its support of open lines, its way of getting events."""
    bot = own_bot(call)
    fields = call.params.mapping("fields")
    mode = _event_mode(fields, bot.event_mode)
    bot.webhook_url = _webhook_url(fields, mode, bot.webhook_url)
    bot.event_mode = mode
    _apply(bot, fields)
    _dress(call.state.users[bot.id], _map(fields.get("properties")))
    return _answer(call, bot)


@methods.method("imbot.v2.Bot.get", "imbot", exact=True)
def get(call: Call) -> object:
    """A bot by `botId` or `code`, another app's as well."""
    number, code = integer(call.params.raw("botId")), call.params.text("code")
    if not number and not code:
        raise RestRefused("PARAMS_REQUIRED", "Required parameters are missing")
    for bot in call.state.bots.values():
        if number == bot.id or (not number and bot.code == code):
            return _answer(call, bot)
    raise RestRefused("BOT_NOT_FOUND", "Bot not found")


@methods.method("imbot.v2.Bot.list", "imbot", exact=True)
def list_bots(call: Call) -> object:
    """The app's bots, `limit` of them from `offset` on."""
    wanted = call.params.mapping("filter").get("type")
    bots = [bot for bot in own_bots(call) if wanted in {None, bot.type}]
    limit = max(1, min(call.params.number("limit") or 50, 200))
    offset = max(0, call.params.number("offset"))
    page = bots[offset : offset + limit]
    return {
        "bots": [v2.full_bot(call.state, bot) for bot in page],
        "users": [v2.user(call.state.users[bot.id]) for bot in page],
        "hasNextPage": offset + limit < len(bots),
    }


@methods.method("imbot.v2.Bot.unregister", "imbot", exact=True)
def unregister(call: Call) -> object:
    """Remove the bot, its commands, its private talks and its subscriptions."""
    lifecycle.unregister(call.state, own_bot(call), call.user)
    return {"result": True}


def _checked(call: Call, code: str, fields: dict[str, object]) -> Bot:
    properties = _map(fields.get("properties"))
    if not str(properties.get("name") or ""):
        raise RestRefused("BOT_PROPERTIES_REQUIRED", "Bot properties are required")
    kind = fields.get("type", "bot")
    if kind not in _TYPES:
        raise RestRefused("BOT_INVALID_TYPE", "Invalid bot type")
    mode = _event_mode(fields, "fetch")
    url = _webhook_url(fields, mode, "")
    if len(own_bots(call)) >= MOST_BOTS:
        raise RestRefused("BOT_LIMIT_EXCEEDED", "Bot limit exceeded")
    bot = Bot(call.state.number("bot"), call.app.client_id, code, str(kind), mode, url)
    _apply(bot, fields)
    user = User(bot.id, "", kind="bot", departments=[1])
    _dress(user, properties)
    call.state.users[bot.id] = user
    return bot


def _event_mode(fields: dict[str, object], current: str) -> str:
    mode = fields.get("eventMode", current)
    if mode not in {"fetch", "webhook"}:
        raise RestRefused("BOT_INVALID_EVENT_MODE", "Invalid event mode")
    return str(mode)


def _webhook_url(fields: dict[str, object], mode: str, current: str) -> str:
    url = str(fields.get("webhookUrl") or current)
    if mode == "webhook" and not url:
        raise RestRefused("BOT_WEBHOOK_URL_REQUIRED", "Webhook URL is required")
    if url and not is_handler(url):
        raise RestRefused("BOT_INVALID_CALLBACK", "Invalid callback URL")
    return url


def _apply(bot: Bot, fields: dict[str, object]) -> None:
    bot.hidden = _flag(fields, "isHidden", default=bot.hidden)
    bot.reactions = _flag(fields, "isReactionsEnabled", default=bot.reactions)
    lines = _flag(fields, "isSupportOpenline", default=bot.supports_lines)
    bot.supports_lines = lines or bot.type == "openline"
    if "backgroundId" in fields:
        value = fields["backgroundId"]
        bot.background_id = str(value) if value in _BACKGROUNDS else None


def _flag(fields: dict[str, object], name: str, *, default: bool) -> bool:
    value = flag(fields.get(name)) if name in fields else None
    return default if value is None else value


def _dress(user: User, properties: dict[str, object]) -> None:
    for attribute, key in (
        ("name", "name"),
        ("last_name", "lastName"),
        ("work_position", "workPosition"),
        ("color", "color"),
        ("gender", "gender"),
    ):
        if key in properties:
            setattr(user, attribute, str(properties[key] or ""))


def _map(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _answer(call: Call, bot: Bot) -> dict[str, object]:
    user = v2.user(call.state.users[bot.id])
    own = bot.client_id == call.app.client_id
    return {"bot": v2.full_bot(call.state, bot) if own else v2.short_bot(bot), "users": [user]}
