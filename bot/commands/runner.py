"""One command carried out: found, read, and given to its handler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

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
from bot.commands.outcomes import Outcomes, Usage, each
from bot.commands.quotes import LEFT_OUT, said_lines
from bot.commands.router import Command, Router
from bot.errors import Refusal
from bot.figures import OTHER
from bot.inbox.accepted import Accepted
from bot.inbox.pressed import PRESS, Pressed
from bot.portals.actor import Actor
from bot.portals.portals import Portal
from bot.portals.settings import PortalSettings, PortalSettingsStore

# So many misspelt lines of a message are asked about; so many may be such, for that takes a while.
MOST_ASKED, MOST_COMPARED = 5, 50


@dataclass(frozen=True, slots=True)
class Context:
    """One command at its portal, and what acts for it."""

    portal: Portal
    command: Accepted
    actor: Actor


# Gives a command's handler what it asks for by type, made of what is given for one command.
CollaboratorsFor = Callable[[Command, Mapping[type[Any], Any]], Mapping[str, Any]]


class Runner:
    """Runs commands and what buttons do."""

    def __init__(
        self, router: Router, collaborators_for: CollaboratorsFor, settings: PortalSettingsStore
    ) -> None:
        self._router = router
        self._collaborators_for = collaborators_for
        self._settings = settings

    async def run(self, context: Context) -> Outcomes:
        """Give what a command comes to. Raises a ``Refusal``, ``Bitrix24Error`` and others."""
        besides = self._besides(context.command)
        if not besides:
            return await self._run(context)
        try:
            outcomes = await self._run(context)
        except Refusal as refusal:
            outcomes = refusal
        return [*each(outcomes), *besides]

    async def _run(self, context: Context) -> Outcomes:
        declared, params = self._find(context.command)
        portal, event = context.portal, context.command.event
        if (declared.name, params) != (event.name, event.command.params):
            event = event.about(declared.name, params)
            context = replace(context, command=replace(context.command, event=event))
        settings = await self._settings.of(portal.member_id)
        if declared.name in settings.commands_off:
            raise CommandOff(declared.name)
        if not declared.is_button and grammar.asks_for_help(event.command.params):
            return Usage(command=declared.name)
        host = urlsplit(portal.client_endpoint).netloc
        arguments = declared.read(params, host, as_act=_is_act(context.command))
        if declared.proven:
            await context.actor.prove()
        given = {
            Portal: portal,
            Accepted: context.command,
            Actor: context.actor,
            PortalSettings: settings,
            Again: Again(self, context),
        }
        outcomes = await declared.handler(
            arguments, event, **self._collaborators_for(declared, given)
        )
        if _is_act(context.command) or not (reason := getattr(arguments, "reason", "")):
            return outcomes
        option = grammar.option_in(reason, declared.arguments.model_fields.keys())
        return [*each(outcomes), OptionInReason(option, declared.name)] if option else outcomes

    def named(self, name: str) -> str:
        """Give the name that a command or an act is counted by: not one that somebody made up."""
        try:
            return self._router.find_act(name).name
        except UnknownCommand:
            return name if name == PRESS else OTHER

    def knows(self, name: str) -> bool:
        """Say whether there is a command of this name."""
        try:
            self._router.find(name)
        except UnknownCommand:
            return False
        return True

    def _find(self, command: Accepted) -> tuple[Command, str]:
        """Give the command or the act that was declared, and its parameters."""
        event = command.event
        if _is_act(command):
            return self._router.find_act(event.name), event.command.params
        try:
            return self._router.find(event.name), event.command.params
        except UnknownCommand:
            return self._find_typed(event)

    def _find_typed(self, event: CommandEvent) -> tuple[Command, str]:
        """Read what was written to the bot alone: the portal knows no such command.

        Raises ``UnknownCommand`` or ``DidYouMean``.
        """
        typed = f"{event.command.command} {event.command.params}" if event.name else _first(event)
        has_slash, name, params = grammar.split_command(typed)
        is_known = self.knows(name)
        if is_known and has_slash:
            return self._router.find(name), params
        meant = self._router.suspect(name, has_slash=has_slash)
        if has_slash and not meant:
            raise UnknownCommand(name)
        # Without a slash it may be nothing but words.
        if not meant or not (has_slash or self._is_command(meant, params)):
            raise UnknownCommand("")
        raise self._meant("" if is_known else typed.split()[0], meant, params)

    def _is_command(self, name: str, params: str) -> bool:
        """Say whether words make sense as a command, perhaps with a sign more."""
        try:
            self._router.find(name).read(params)
        except (NotUnderstood, NotNumber, NotGroup, WhichItem):
            return False
        except Refusal:
            return True
        return True

    def _meant(self, word: str, name: str, params: str) -> DidYouMean:
        """Ask whether this command is meant, mended as far as it can be."""
        try:
            self._router.find(name).read(params)
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
        if isinstance(command, Pressed) or len(lines_of(event.message.text)) == 1:
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
    _context: Context

    async def run(self, chat: Chat | None = None, act: Act | None = None) -> Outcomes:
        """Run it as it was typed; ``chat`` is its chat as it is now, ``act`` is run instead."""
        command = self._context.command
        original = command.event
        if isinstance(command, Pressed) and command.original is not None:
            original = command.original
        event = original.model_copy(update={"chat": chat}) if chat else original
        event = event.about(act.name, act.params) if act else event
        command = replace(command, event=event)
        return await self._runner.run(replace(self._context, command=command))


# Of what is given for one command a handler may ask for these.
GIVEN = (PortalSettings, Again)


def _is_act(command: Accepted) -> bool:
    """Say whether the bot itself has written a command, for a button, a page or a timer."""
    return isinstance(command, Pressed) or command.event.command.context in (INTERNAL, PAGE)


def _first(event: CommandEvent) -> str:
    """Give the first line in which something stands."""
    lines = map(vocabulary.normalise, lines_of(event.message.text))
    return next((line for line in lines if line not in ("", LEFT_OUT)), "")
