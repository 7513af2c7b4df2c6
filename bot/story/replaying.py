"""Commands that an operator has asked for once more are taken up."""

import logging

from bot.inbox.accepted import reference_of
from bot.inbox.engine import Engine
from bot.story.replays import Replays

log = logging.getLogger(__name__)


class Replaying:
    """Looks every second for what is to be run again."""

    def __init__(self, replays: Replays, engine: Engine) -> None:
        self._replays = replays
        self._engine = engine

    async def look(self) -> None:
        """Give what is asked for to the engine: it has its turn in its chat, as ever."""
        for number in await self._replays.asked():
            lane = await self._replays.take_up(number)
            if lane is not None:
                log.info("command %s is run again", reference_of(number))
                await self._engine.attend(lane)
