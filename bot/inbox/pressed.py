"""A press of one of the bot's buttons, as a command."""

from dataclasses import dataclass

from bot.bitrix24.events import CommandEvent
from bot.inbox.accepted import Accepted

# The hidden command that every button of the bot carries.
PRESS = "press"


@dataclass(frozen=True, slots=True)
class Pressed(Accepted):
    """A press, carried out as a command at the place of the one that it belongs to.

    ``event`` is what is carried out, ``original`` the command under whose answer the button
    stood, ``origin`` that command's id; ``answerable`` is the event that can be answered in the
    chat, and ``answerable_since`` when it happened.
    """

    original: CommandEvent | None = None
    origin: int = 0
    answerable: CommandEvent | None = None
    answerable_since: float = 0.0


def answerable(command: Accepted) -> tuple[CommandEvent, float]:
    """Give the event by which a command is answered in its chat, and when that happened."""
    if isinstance(command, Pressed) and command.answerable is not None:
        return command.answerable, command.answerable_since
    return command.event, command.asked_at
