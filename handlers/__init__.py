"""The commands."""

from bot.commands.router import Router
from handlers import help, invite  # noqa: A004  # the module of /help is called like it

router = Router(invite.router, help.router)
