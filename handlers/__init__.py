"""The commands, and what buttons do: one file a command, each found by itself."""

from importlib import import_module
from pkgutil import iter_modules

from bot.commands.router import Router

# What the bot comes with, as /help and the manual list it. What is added follows, by name.
SHIPPED = (
    "invite", "remove", "escalate", "group", "undo", "who", "why", "help", "check", "language",
)  # fmt: skip


def _names() -> list[str]:
    found = {module.name for module in iter_modules(__path__)}
    return [*SHIPPED, *sorted(found - {*SHIPPED})]


router = Router(*(import_module(f"{__name__}.{name}").router for name in _names()))
