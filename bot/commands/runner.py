"""One command carried out: found, read, and given to its handler."""

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from bot.bitrix24.events import Chat, CommandEvent
from bot.commands import vocabulary
from bot.commands.errors import CommandOff, DidYouMean, UnknownCommand
from bot.commands.router import Command, Router
from bot.outcomes import Outcomes, Usage
from bot.presses import Pressed
from bot.store.accepted import Accepted
from bot.store.portal_settings import PortalSettingsStore
from bot.store.portals import Portal

Workshop = Callable[[type[Any], Portal, Accepted], Any]

# The context of what the bot tells itself to do; the portal knows textarea, keyboard and menu.
TIMER = "timer"


class Runner:
    """Runs commands and what buttons do."""

    def __init__(self, router: Router, workshop: Workshop, settings: PortalSettingsStore) -> None:
        self._router = router
        self._workshop = workshop
        self._settings = settings

    async def run(self, portal: Portal, command: Accepted) -> Outcomes:
        """Give what a command comes to. Raises a ``Refusal``, ``Bitrix24Error`` and others."""
        event = command.event
        declared = self._find(command)
        settings = await self._settings.of(portal.member_id)
        if declared.name in settings.commands_off:
            raise CommandOff(declared.name)
        if declared.explains_itself(event):
            return Usage(command=declared.name)
        arguments = declared.read(event, urlsplit(portal.client_endpoint).netloc)
        return await declared.run(
            arguments, event, lambda type_: self._make(type_, portal, command)
        )

    def _find(self, command: Accepted) -> Command:
        event = command.event
        if isinstance(command, Pressed) or event.command.context == TIMER:
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

    def _make(self, type_: type[Any], portal: Portal, command: Accepted) -> Any:
        if type_ is Again:
            return Again(self, portal, command)
        return self._workshop(type_, portal, command)


class Again:
    """Runs the command under whose answer a button was pressed."""

    def __init__(self, runner: Runner, portal: Portal, command: Accepted) -> None:
        self._runner = runner
        self._portal = portal
        self._command = command

    async def run(self, chat: Chat | None = None) -> Outcomes:
        """Run it as it was typed; ``chat`` is its chat as it is now."""
        original = self._command.event
        if isinstance(self._command, Pressed) and self._command.original is not None:
            original = self._command.original
        event = original.model_copy(update={"chat": chat}) if chat else original
        return await self._runner.run(self._portal, replace(self._command, event=event))
