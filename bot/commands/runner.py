"""One command carried out: found, read, and given to its handler with what that asks for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from itertools import takewhile
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from bot.acting.requester import Requester
from bot.bitrix24.entities import Act
from bot.bitrix24.events import INTERNAL, PAGE, Chat, CommandEvent, bare_line, lines_of
from bot.commands import grammar, vocabulary
from bot.commands.errors import (
    CommandOff,
    DidYouMean,
    NotGroup,
    NotNumber,
    NotUnderstood,
    OneLine,
    OptionInReason,
    UnknownCommand,
    WhichItem,
)
from bot.commands.outcomes import Outcomes, Told, Usage, each
from bot.commands.quotes import LEFT_OUT, said_lines
from bot.commands.router import Command, Router
from bot.errors import Refusal
from bot.figures import OTHER
from bot.inbox.accepted import PRESS, Accepted
from bot.portals.actor import Actor
from bot.portals.portals import Portal
from bot.portals.settings import PortalSettings, PortalSettingsStore

# So many misspelt lines of a message are asked about; so many may be such, for that takes a while.
MOST_ASKED, MOST_COMPARED = 5, 50


# What is to be made, in this order, and of what.
Recipe = dict[type[Any], list[type[Any]]]


class Runner:
    """Runs commands and what buttons do.

    What a handler asks for by type is made for one command of one requester: of what its
    constructor asks for, of what is given for that command, and of what is ``kept`` for all.
    Raises ``TypeError`` for what nobody makes.
    """

    def __init__(self, router: Router, settings: PortalSettingsStore, *kept: object) -> None:
        self._router = router
        self._settings = settings
        self._kept: dict[type[Any], Any] = {type(one): one for one in (router, *kept)}
        self._recipes = {one.name: self._recipe(one) for one in router.all}

    async def run(self, portal: Portal, command: Accepted, actor: Actor) -> list[Told]:
        """Give what a command comes to, one by one. Raises ``Bitrix24Error`` and others."""
        try:
            told = each(await self._run(portal, command, actor))
        except Refusal as refusal:
            told = [refusal]
        return [*told, *self._besides(command)]

    async def _run(self, portal: Portal, command: Accepted, actor: Actor) -> Outcomes:
        # The bot itself has written it, for a button, a page or a timer.
        is_act = bool(command.press) or command.event.command.context in (INTERNAL, PAGE)
        event = command.event
        declared, params = self._find(event, is_act=is_act)
        if (declared.name, params) != (event.name, event.command.params):
            event = event.about(declared.name, params)
            command = replace(command, event=event)
        settings = await self._settings.of(portal.member_id)
        if declared.name in settings.commands_off:
            raise CommandOff(declared.name)
        if not declared.is_button and grammar.asks_for_help(event.command.params):
            return Usage(command=declared.name)
        host = urlsplit(portal.client_endpoint).netloc
        arguments = declared.read(params, host, as_act=is_act)
        if declared.proven:
            await actor.prove()
        given = {
            Portal: portal,
            Accepted: command,
            Actor: actor,
            PortalSettings: settings,
            Again: Again(self, portal, command, actor),
        }
        outcomes = await declared.handler(arguments, event, **self._made(declared, given))
        if is_act or not (reason := getattr(arguments, "reason", "")):
            return outcomes
        option = grammar.option_in(reason, declared.arguments.model_fields.keys())
        return [*each(outcomes), OptionInReason(option, declared.name)] if option else outcomes

    def _made(self, declared: Command, given: Mapping[type[Any], Any]) -> dict[str, Any]:
        """Make what a command's handler asks for."""
        made = {**self._kept, **given}
        for type_, needed in self._recipes[declared.name].items():
            made[type_] = type_(*map(made.__getitem__, needed))
        return {name: made[type_] for name, type_ in declared.takes.items()}

    def _recipe(self, command: Command) -> Recipe:
        recipe: Recipe = {}
        for type_ in command.takes.values():
            recipe |= _recipe_of(type_, {*self._kept, *GIVEN})
        # Whatever asks the portal as the requester does so through this: it proves them on the way.
        if command.proven is None and Requester not in recipe:
            raise TypeError(f"/{command.name} proves nobody: declare it proven=True, or False")
        return recipe

    def named(self, name: str) -> str:
        """Give the name that a command or an act is counted by: not one that somebody made up."""
        if found := self._router.find_act(name):
            return found.name
        return name if name == PRESS else OTHER

    def knows(self, name: str) -> bool:
        """Say whether there is a command of this name."""
        return self._router.find(name) is not None

    def _find(self, event: CommandEvent, *, is_act: bool) -> tuple[Command, str]:
        """Give the command or the act that was declared, and its parameters."""
        found = self._router.find_act(event.name) if is_act else self._router.find(event.name)
        if found:
            return found, event.command.params
        if is_act:
            raise UnknownCommand(event.name)
        return self._find_typed(event)

    def _find_typed(self, event: CommandEvent) -> tuple[Command, str]:
        """Read what was written to the bot alone: the portal knows no such command.

        Raises ``UnknownCommand`` or ``DidYouMean``.
        """
        typed = f"{event.command.command} {event.command.params}" if event.name else _first(event)
        has_slash, name, params = grammar.split_command(typed)
        declared = self._router.find(name)
        if declared and has_slash:
            return declared, params
        meant = self._router.suspect(name, has_slash=has_slash)
        if has_slash and not meant:
            raise UnknownCommand(name)
        # Without a slash it may be nothing but words.
        if not meant or not (has_slash or self._is_command(meant, params)):
            raise UnknownCommand("")
        raise self._meant("" if declared else typed.split()[0], meant, params)

    def _is_command(self, name: str, params: str) -> bool:
        """Say whether words make sense as a command, perhaps with a sign more."""
        try:
            self._router.commands[name].read(params)
        except (NotUnderstood, NotNumber, NotGroup, WhichItem):
            return False
        except Refusal:
            return True
        return True

    def _meant(self, word: str, name: str, params: str) -> DidYouMean:
        """Ask whether this command is meant, mended as far as it can be."""
        try:
            self._router.commands[name].read(params)
        except DidYouMean as mended:
            return DidYouMean(word, name, mended.params)
        except Refusal:
            pass
        return DidYouMean(word, name, params)

    def _besides(self, command: Accepted) -> list[Refusal]:
        """Tell of the lines around a command that the portal tells nobody of.

        What stands before it is told of by the first command of the message.
        """
        event = command.event
        if command.press or len(lines_of(event.message.text)) == 1:
            return []
        lines = said_lines(event.message.text)
        before = list(takewhile(lambda line: bare_line(line) != event.typed_line, lines))
        if len(before) == len(lines):
            return []
        further = lines[len(before) + 1 :]
        after = list(takewhile(lambda line: not self._comes_by_itself(line, event), further))
        if any(self._comes_by_itself(line, event) for line in before):
            before = []
        left_out = any(vocabulary.normalise(line) for line in after if not line.startswith("/"))
        return [*self._misspelt([*before, *after]), *([OneLine(event.name)] if left_out else [])]

    def _misspelt(self, lines: Sequence[str]) -> list[DidYouMean]:
        """Ask about the lines that are only like a command of this bot."""
        others = list(dict.fromkeys(line for line in lines if line.startswith("/")))[:MOST_COMPARED]
        asked = []
        for line in others:
            _, name, params = grammar.split_command(line)
            if meant := self._router.suspect(name):
                asked.append(self._meant(line.split()[0], meant, params).beside_another())
        return asked[:MOST_ASKED]

    def _comes_by_itself(self, line: str, event: CommandEvent) -> bool:
        """Say whether the portal makes an event of a further line, as it does of a command's."""
        name = line.removeprefix("/").partition(" ")[0]
        return bool(event.command.id) and line.startswith("/") and self._router.is_spelled(name)


@dataclass(eq=False, slots=True)
class Again:
    """Runs the command under whose answer a button was pressed."""

    _runner: Runner
    _portal: Portal
    _command: Accepted
    _actor: Actor

    async def run(self, chat: Chat | None = None, act: Act | None = None) -> Outcomes:
        """Run it as it was typed; ``chat`` is its chat as it is now, ``act`` is run instead."""
        command = self._command
        original = command.press.original if command.press else command.event
        event = original.model_copy(update={"chat": chat}) if chat else original
        event = event.about(act.name, act.params) if act else event
        return await self._runner.run(self._portal, replace(command, event=event), self._actor)


# What is given for one command.
GIVEN = (Portal, Accepted, Actor, PortalSettings, Again)


def _recipe_of(type_: type[Any], ready: Collection[type[Any]]) -> Recipe:
    """Say what is to be made for this, each once, after what its constructor asks for."""
    if type_ in ready:
        return {}
    if not is_dataclass(type_):
        raise TypeError(f"a handler needs a {type_.__name__}, which nobody makes")
    hints = get_type_hints(type_.__init__)
    needed = [part for name, part in hints.items() if name != "return"]
    recipe: Recipe = {}
    for part in needed:
        recipe |= _recipe_of(part, ready)
    return {**recipe, type_: needed}


def _first(event: CommandEvent) -> str:
    """Give the first line in which something stands."""
    lines = map(vocabulary.normalise, lines_of(event.message.text))
    return next((line for line in lines if line not in ("", LEFT_OUT)), "")
