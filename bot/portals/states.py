"""States of the connect flow that have come back: each is good once."""

import time

from bot.store.database import Database
from bot.store.tables import used_states


class States:
    """The table of used states, by what identifies them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.insert

    async def use(self, state: str, seconds: float) -> bool:
        """Note that a state has come back; ``False`` if it had before.

        It is remembered for so many seconds.
        """
        statement = (
            self._insert(used_states)
            .values(state=state, expires_at=time.time() + seconds)
            .on_conflict_do_nothing()
            .returning(used_states.c.state, used_states.c.expires_at)
        )
        return bool(await self._database.change(statement))
