"""What an engine promises, whichever it is."""

from collections.abc import Sequence
from typing import Protocol

from bot.inbox.accepted import Accepted
from bot.store.commits import Write


class NotReady(Exception):
    """What is accepted is not carried out just now; the words say why."""


class Engine(Protocol):
    """Sees to it that what the inbox holds is carried out, each chat in its order."""

    async def start(self) -> None:
        """Take up what is waiting, and begin."""

    async def check(self) -> None:
        """Raise ``NotReady`` while what is accepted here cannot be carried out."""

    def joining(self, lane: str) -> Sequence[Write]:
        """Make the writes that belong into the commit that stores an event of this lane."""

    def add(self, command: Accepted) -> None:
        """Note that this command has been stored, along with the writes of ``joining``."""

    async def attend(self, lane: str) -> None:
        """See to a lane in which something waits that was not added here."""

    async def stop(self, patience: float) -> None:
        """Let running commands finish for so many seconds; leave the rest to the next process."""
