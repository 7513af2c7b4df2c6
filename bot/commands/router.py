"""Declared commands: name, arguments, handler, and what the handler is given to work with."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.bitrix24.entities import Act
from bot.commands import grammar, vocabulary
from bot.commands.errors import (
    ArgumentMissing,
    ButtonExpired,
    DidYouMean,
    EveryoneNamed,
    ForeignLink,
    NobodyNamed,
    NotGroup,
    NotNumber,
    NotUnderstood,
    ReasonTooLong,
    WhichItem,
    WrongDuration,
    WrongWait,
)
from bot.commands.line import Problem, Unclear
from bot.commands.outcomes import Outcomes
from bot.commands.parts import MAX_REASON
from bot.commands.patterns import plain
from bot.errors import Refusal

Handler = Callable[..., Awaitable[Outcomes]]
H = TypeVar("H", bound=Handler)


class Arguments(BaseModel):
    """What a command takes; the fields name the parts of its grammar. This one takes nothing."""

    model_config = ConfigDict(frozen=True)

    def act(self, name: str, **changed: Any) -> Act:
        """Give what a button does that runs ``name`` with these, some of them changed."""
        told = self.model_copy(update=changed).model_dump_json(exclude_defaults=True)
        return Act(name=name, params=told)


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command, or what a button does.

    ``everywhere``: it can be typed where the bot is not a member. ``takes`` are the parameters
    of the handler that are filled by type. ``proven``: it is run only after its requester has
    been proven; one that asks the portal in the requester's name (``None``) proves them with that.
    """

    name: str
    everywhere: bool
    arguments: type[Arguments]
    handler: Handler
    takes: Mapping[str, type[Any]]
    proven: bool | None = None
    is_button: bool = False

    @property
    def spellings(self) -> list[str]:
        """What else the portal is to take for the command's name, letter for letter.

        In a private talk the bot hears whatever is written: there no more is needed than elsewhere.
        """
        words = vocabulary.spellings(self.name)
        return words if self.everywhere else words[:1]

    def read(self, params: str, host: str = "", *, as_act: bool = False) -> Arguments:
        """Read what was typed, or ``as_act`` what the bot has written; ``host`` is the portal's.

        Raises a ``Refusal`` that says what is wrong with it.
        """
        if self.is_button or (as_act and params.startswith("{")):
            return self._told(params)
        fields = self.arguments.model_fields
        try:
            parts = grammar.parse(params, fields.keys(), host)
        except Unclear as unclear:
            raise _refusal(self.name, unclear) from None
        lacking = [name for name, one in fields.items() if one.is_required() and name not in parts]
        if lacking:
            raise _lacking(self.name, lacking[0])
        return self.arguments.model_validate(parts)

    def _told(self, params: str) -> Arguments:
        try:
            return self.arguments.model_validate_json(params or "{}")
        except ValidationError:
            raise ButtonExpired from None


class Router:
    """Commands and buttons by name. Raises ``ValueError`` where one name is declared twice."""

    def __init__(self, *routers: "Router") -> None:
        self.commands: dict[str, Command] = {}
        self.buttons: dict[str, Command] = {}
        for router in routers:
            for command in [*router.commands.values(), *router.buttons.values()]:
                self._add(command)

    def command(
        self, name: str, *, everywhere: bool = True, proven: bool | None = None
    ) -> Callable[[H], H]:
        """Declare the function below as the handler of a command."""
        return lambda handler: self._declare(handler, name, everywhere, proven, is_button=False)

    def button(self, name: str, *, proven: bool | None = None) -> Callable[[H], H]:
        """Declare the function below as what a button does: nobody can type it."""
        return lambda handler: self._declare(handler, name, True, proven, is_button=True)

    @property
    def all(self) -> list[Command]:
        """Every command and every button."""
        return [*self.commands.values(), *self.buttons.values()]

    def find(self, name: str) -> Command | None:
        """Give the command of this name, be it in capitals or typed on the other keyboard."""
        if name in self.commands:
            return self.commands[name]
        known = [one for one in vocabulary.readings(name) if one in self.commands]
        return self.commands[known[0]] if known else None

    def is_spelled(self, name: str) -> bool:
        """Say whether the portal knows a command by this name, letter for letter."""
        return any(name == one.name or name in one.spellings for one in self.commands.values())

    def suspect(self, name: str, *, has_slash: bool = True) -> str:
        """Give the command that may be meant by a word; nothing where there is none.

        Without a slash a word has to be more like one.
        """
        known, likeness = [*self.commands, *vocabulary.COMMANDS], 0.7 if has_slash else 0.9
        word = vocabulary.near(name.casefold(), known, likeness)
        meant = vocabulary.COMMANDS.get(word, word)
        return meant if meant in self.commands else ""

    def is_meant(self, line: str) -> bool:
        """Say whether a line is for this bot, and not for another one or for people."""
        has_slash, name, _ = grammar.split_command(line)
        return bool(self.suspect(name, has_slash=has_slash))

    def find_act(self, name: str) -> Command | None:
        """Give what a button does: its own act, or a command."""
        return self.buttons.get(name) or self.find(name)

    def _declare(
        self, handler: H, name: str, everywhere: bool, proven: bool | None, *, is_button: bool
    ) -> H:
        hints, parameters = get_type_hints(handler), inspect.signature(handler).parameters
        first = next(iter(parameters))
        takes = {
            one.name: hints[one.name]
            for one in parameters.values()
            if one.kind is inspect.Parameter.KEYWORD_ONLY
        }
        self._add(Command(name, everywhere, hints[first], handler, takes, proven, is_button))
        return handler

    def _add(self, command: Command) -> None:
        if command.name in self.commands or command.name in self.buttons:
            raise ValueError(f"the command {command.name} is declared twice")
        (self.buttons if command.is_button else self.commands)[command.name] = command


def _lacking(command: str, argument: str) -> Refusal:
    """Ask for an argument that a command cannot do without."""
    match argument:
        case "people":
            return NobodyNamed(command)
        case "group":
            return NotGroup("")
        case "item":
            return WhichItem(command)
    return ArgumentMissing(command, argument)


def _refusal(command: str, unclear: Unclear) -> Refusal:
    """Choose the words for a text that stops making sense."""
    before, rest = unclear.text[: unclear.place], unclear.text[unclear.place :]
    invisible = vocabulary.invisible(unclear.word)
    if invisible:
        return NotUnderstood(command, plain(before), plain(rest), invisible)
    word = plain(unclear.word)
    if unclear.instead and unclear.problem is Problem.NOT_GROUP:
        return NotGroup(word, unclear.instead)
    if unclear.instead:
        return DidYouMean(unclear.word, command, unclear.instead)
    match unclear.problem:
        case Problem.EVERYONE:
            return EveryoneNamed()
        case Problem.WHICH_ITEM:
            return WhichItem(command)
        case Problem.NOT_NUMBER:
            return NotNumber(word, command)
        case Problem.NOT_CHAT:
            return NotNumber(word, command, of_chat=True)
        case Problem.NOT_GROUP:
            return NotGroup(word)
        case Problem.FOREIGN:
            return ForeignLink()
        case Problem.DURATION:
            return WrongDuration(word, command)
        case Problem.WAIT:
            return WrongWait(word, command)
        case Problem.TOO_LONG:
            return ReasonTooLong(MAX_REASON)
    return NotUnderstood(command, plain(before), plain(rest))
