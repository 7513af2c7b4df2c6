"""Declared commands: name, arguments, handler, and what the handler is given to work with."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel

from bot.bitrix24.events import CommandEvent
from bot.commands import grammar
from bot.errors import NobodyNamed, NotUnderstood, UnknownCommand
from bot.outcomes import Outcomes

Handler = Callable[..., Awaitable[Outcomes]]
H = TypeVar("H", bound=Handler)
Collaborators = Callable[[type[Any]], Any]


class Arguments(BaseModel):
    """What a command takes; the fields name the parts of its grammar."""


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command.

    ``everywhere``: it can be typed where the bot is not a member. ``takes`` are the parameters
    of the handler that are filled by type.
    """

    name: str
    everywhere: bool
    arguments: type[Arguments]
    handler: Handler
    takes: Mapping[str, type[Any]]

    def explains_itself(self, event: CommandEvent) -> bool:
        """Say whether the requester asks how the command goes, and not for what it does."""
        return bool(self.arguments.model_fields) and grammar.asks_for_help(event.command.params)

    def read(self, event: CommandEvent) -> Arguments:
        """Read what was typed. Raises a ``Refusal`` that says what is wrong with it."""
        fields = self.arguments.model_fields
        if not fields:
            return self.arguments()
        try:
            parts = grammar.parse(event.command.params)
        except grammar.Unclear as error:
            before, rest = error.text[: error.place], error.text[error.place :]
            raise NotUnderstood(self.name, grammar.plain(before), grammar.plain(rest)) from None
        if "people" in fields and not parts.get("people"):
            raise NobodyNamed(self.name)
        if foreign := parts.keys() - fields.keys():
            raise NotUnderstood(self.name, "", ", ".join(sorted(foreign)))
        return self.arguments.model_validate(parts)

    async def run(
        self, arguments: Arguments, event: CommandEvent, collaborators: Collaborators
    ) -> Outcomes:
        """Call the handler."""
        given = {name: collaborators(type_) for name, type_ in self.takes.items()}
        return await self.handler(arguments, event, **given)


class Router:
    """Commands by name. Raises ``ValueError`` where one name is declared twice."""

    def __init__(self, *routers: "Router") -> None:
        self.commands: dict[str, Command] = {}
        for router in routers:
            for command in router.commands.values():
                self._add(command)

    def command(self, name: str, *, everywhere: bool = True) -> Callable[[H], H]:
        """Declare the function below as the handler of a command."""

        def declare(handler: H) -> H:
            self._add(_command(name, everywhere, handler))
            return handler

        return declare

    def find(self, name: str) -> Command:
        """Give the command of this name. Raises ``UnknownCommand``."""
        try:
            return self.commands[name]
        except KeyError:
            raise UnknownCommand(name) from None

    def _add(self, command: Command) -> None:
        if command.name in self.commands:
            raise ValueError(f"the command {command.name} is declared twice")
        self.commands[command.name] = command


def _command(name: str, everywhere: bool, handler: Handler) -> Command:
    hints = get_type_hints(handler)
    first, _event, *_rest = inspect.signature(handler).parameters
    takes = {
        parameter.name: hints[parameter.name]
        for parameter in inspect.signature(handler).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return Command(name, everywhere, hints[first], handler, takes)
