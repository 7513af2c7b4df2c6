"""imbot.v2.Event.get: events of a bot in fetch mode."""

from datetime import datetime

from sandbox.errors import RestRefused
from sandbox.model import Bot
from sandbox.rest.bots import own_bot
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods

methods = Methods()

_MOST = 1000
_KEPT = 24 * 3600


@methods.method("imbot.v2.Event.get", "imbot", exact=True)
def get(call: Call) -> object:
    """The waiting events; those below `offset` are confirmed and never come again.

    What has waited for a day is gone.
    """
    bot = own_bot(call)
    if call.params.strict_flag("withUserEvents", default=False):
        raise RestRefused("USER_NOT_SUBSCRIBED", "User is not subscribed to events")
    bot.queue = [event for event in bot.queue if _age(call, event) < _KEPT]
    offset = integer(call.params.raw("offset"))
    if offset is not None:
        bot.queue = [event for event in bot.queue if _number(event) >= offset]
    limit = max(1, min(call.params.number("limit") or 100, _MOST))
    page = bot.queue[:limit]
    return {
        "events": page,
        "nextOffset": _number(page[-1]) + 1 if page else _after_all(bot, offset),
        "hasMore": len(bot.queue) > limit,
    }


def _age(call: Call, event: dict[str, object]) -> float:
    return call.state.clock.now() - datetime.fromisoformat(str(event["date"])).timestamp()


def _number(event: dict[str, object]) -> int:
    return integer(event["eventId"]) or 0


def _after_all(bot: Bot, offset: int | None) -> int:
    if offset is not None:
        return offset
    return bot.last_event + 1 if bot.last_event else 0
