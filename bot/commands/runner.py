"""One command carried out: found, read, and given to its handler."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from bot.bitrix24.events import Chat, CommandEvent
from bot.commands import vocabulary
from bot.commands.errors import CommandOff, DidYouMean, UnknownCommand
from bot.commands.router import Command, Router
from bot.outcomes import Outcomes, Usage
from bot.portals.proof import Actor
from bot.presses import Pressed
from bot.store.accepted import Accepted
from bot.store.portal_settings import PortalSettingsStore
from bot.store.portals import Portal


@dataclass(frozen=True, slots=True)
class Context:
    """One command at its portal, and what acts for it."""

    portal: Portal
    command: Accepted
    actor: Actor

    def about(self, command: Accepted) -> "Context":
        """Give the same for another command, which the same person means."""
        return Context(self.portal, command, self.actor)


Workshop = Callable[[type[Any], Context], Any]


class Runner:
    """Runs commands and what buttons do."""

    def __init__(self, router: Router, workshop: Workshop, settings: PortalSettingsStore) -> None:
        self._router = router
        self._workshop = workshop
        self._settings = settings

    async def run(self, context: Context) -> Outcomes:
        """Give what a command comes to. Raises a ``Refusal``, ``Bitrix24Error`` and others."""
        portal, event = context.portal, context.command.event
        declared = self._find(context.command)
        settings = await self._settings.of(portal.member_id)
        if declared.name in settings.commands_off:
            raise CommandOff(declared.name)
        if declared.explains_itself(event):
            return Usage(command=declared.name)
        arguments = declared.read(event, urlsplit(portal.client_endpoint).netloc)
        if declared.proven:
            await context.actor.prove()
        return await declared.run(arguments, event, lambda type_: self._make(type_, context))

    def _find(self, command: Accepted) -> Command:
        event = command.event
        if isinstance(command, Pressed) or command.internal:
            return self._router.find_act(event.name)
        try:
            return self._router.find(event.name)
        except UnknownCommand:
            raise self._suspect(event) from None

    def _suspect(self, event: CommandEvent) -> UnknownCommand | DidYouMean:
        """Say what may have been meant by a command that there is not."""
        typed, names = event.name.casefold(), list(self._router.commands)
        swapped = vocabulary.other_layout(typed)
        near = [swapped] if swapped in names else get_close_matches(typed, names, 1, 0.7)
        if not near:
            return UnknownCommand(event.name)
        return DidYouMean(f"/{event.name}", near[0], event.command.params.strip())

    def _make(self, type_: type[Any], context: Context) -> Any:
        return Again(self, context) if type_ is Again else self._workshop(type_, context)


class Again:
    """Runs the command under whose answer a button was pressed."""

    def __init__(self, runner: Runner, context: Context) -> None:
        self._runner = runner
        self._context = context

    async def run(self, chat: Chat | None = None) -> Outcomes:
        """Run it as it was typed; ``chat`` is its chat as it is now."""
        command = self._context.command
        original = command.event
        if isinstance(command, Pressed) and command.original is not None:
            original = command.original
        event = original.model_copy(update={"chat": chat}) if chat else original
        return await self._runner.run(self._context.about(replace(command, event=event)))
