"""Buttons: what they carry, whose they are, and that each is pressed once."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import count

from bot.bitrix24.entities import Act, Offer, Person
from bot.bitrix24.events import CommandEvent
from bot.commands.errors import ButtonExpired, ButtonUsed, NotYours
from bot.inbox.accepted import Accepted
from bot.inbox.pressed import PRESS, Pressed, answerable
from bot.portals.actor import Actor
from bot.story.kept_buttons import KeptButton, KeptButtons

# A button offers what is meant now: tomorrow the chat is another one.
LIFE = 30 * 60


class Buttons:
    """Makes buttons, and knows them again when they are pressed."""

    def __init__(self, kept: KeptButtons) -> None:
        self._kept = kept

    def make(self, offers: Sequence[Offer], command: Accepted, owner: Person) -> list[str]:
        """Give what each button is to carry, which cannot be guessed; nothing for a link.

        The owner alone can press them, each once, and of those that belong together one.
        """
        original, asked_at = _original(command)
        names = _names(command)
        together = next(names)
        kept = [
            KeptButton(
                id=next(names),
                question=next(names) if offer.independent else together,
                owner=owner,
                command_id=command.id,
                event=original,
                asked_at=asked_at,
                act=offer.act,
                expires_at=time.time() + (offer.life or LIFE),
            )
            for offer in offers
            if offer.act is not None
        ]
        if kept:
            self._kept.keep(kept)
        ids = iter([one.id for one in kept])
        return [next(ids) if offer.act is not None else "" for offer in offers]

    async def press(self, command: Accepted, actor: Actor) -> Pressed:
        """Give what a press is to do, and mark it as done before it is.

        A press that nothing proves must not use up its owner's button. The same press may be
        asked about again, after a crash.
        Raises ``NotYours``, ``ButtonExpired``, ``ButtonUsed``; ``NotProven``.
        """
        event = command.event
        button = await self._known(command)
        if button.owner.id != event.user.id:
            raise NotYours(button.owner)
        if button.expires_at < command.received_at:
            raise ButtonExpired
        if button.is_used:
            raise ButtonUsed
        if not actor.may_act:
            await actor.prove()
        if not await self._kept.claim(button, command.id):
            raise ButtonUsed
        return _pressed(button, command)

    async def meant(self, command: Accepted) -> KeptButton | None:
        """Give the button of a press, without pressing it; ``None`` for what is no press."""
        if command.event.name != PRESS:
            return None
        params = command.event.command.params.strip()[:64]
        return await self._kept.find(command.event.member_id, params, command.id)

    async def _known(self, command: Accepted) -> KeptButton:
        button = await self.meant(command)
        if button is None:
            raise ButtonExpired
        return button


def _names(command: Accepted) -> Iterator[str]:
    """Make names that cannot be guessed by who has not seen one of them.

    New ones stand side by side in the database's index.
    """
    secret = secrets.token_urlsafe(15)
    return (f"{command.id:x}.{number}.{secret}"[:32] for number in count())


def _original(command: Accepted) -> tuple[CommandEvent, float]:
    """Give what a command's buttons are about, and when that was asked for."""
    event, asked_at = answerable(command)
    if event is not command.event:
        event = event.about(command.event.name, command.event.command.params)
        event = event.model_copy(update={"user": command.event.user})
    return event, asked_at


def _pressed(button: KeptButton, command: Accepted) -> Pressed:
    original, event = button.event, command.event
    act = button.act if button.act.name else Act(name=original.name, params=original.command.params)
    # A press in the chat itself can be answered there for another ten minutes.
    same = event.chat.dialog_id == original.chat.dialog_id
    told_by, since = (event, command.asked_at) if same else (original, button.asked_at)
    inherited = {field.name: getattr(command, field.name) for field in fields(Accepted)}
    # Since then another operator may have taken the dialog over.
    chat = original.chat.model_copy(update={"owner": 0})
    place = original.model_copy(update={"user": event.user, "chat": chat})
    return Pressed(
        **{**inherited, "event": place.about(act.name, act.params)},
        original=place,
        origin=button.command_id,
        answerable=told_by,
        answerable_since=since,
    )
