"""What is to happen now: acts of requesters, each with the note that it is under way."""

from typing import NamedTuple

from bot.bitrix24.events import INTERNAL, CommandEvent
from bot.store.commits import Write


class Due(NamedTuple):
    """An act that has its time now; ``noting`` belongs into the commit that it is accepted with."""

    event: CommandEvent
    noting: Write


def act(event: CommandEvent, name: str, params: str) -> CommandEvent:
    """Give the event of an act of the bot's own, for the requester and the place of ``event``.

    What it is known by are its parameters: they have to name the moment.
    """
    about = event.about(name, params)
    command = about.command.model_copy(update={"context": INTERNAL})
    return about.model_copy(update={"command": command})
