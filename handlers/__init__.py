"""The commands, and what buttons do."""

from bot.commands.router import Router
from handlers import (
    access,
    briefs,
    check,
    escalate,
    group,
    help,  # noqa: A004  # the module of /help is called like it
    hidden,
    invite,
    language,
    mending,
    remove,
    undo,
    visits,
    who,
    why,
)

router = Router(
    invite.router,
    remove.router,
    escalate.router,
    group.router,
    undo.router,
    who.router,
    why.router,
    help.router,
    check.router,
    language.router,
    mending.router,
    hidden.router,
    access.router,
    visits.router,
    briefs.router,
)
