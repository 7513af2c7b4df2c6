"""The job library's way to PostgreSQL, on which a process also hears of what others have stored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import procrastinate
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection
from psycopg.errors import ReadOnlySqlTransaction

from bot.store.database import Database

log = logging.getLogger(__name__)

# What a server says of itself that takes nothing.
TAKES_NOTHING = (b"in_hot_standby", b"default_transaction_read_only")

# So many seconds after a connection was lost, another one is made.
PAUSE = 0.5


class JobConnector(procrastinate.PsycopgConnector):
    """The library's way to the database: one connection for questions, one to listen.

    Heard on the second is, besides the library's own, what waits for portals of this process.
    """

    def __init__(
        self, database: Database, channel: str, hear: Callable[[str], Awaitable[None]]
    ) -> None:
        address = database.engine.url.render_as_string(hide_password=False)
        address = address.replace("postgresql+psycopg://", "postgresql://", 1)
        super().__init__(
            conninfo=address,
            # A pooler may stand before the server; what is asked here is seldom asked.
            kwargs={"prepare_threshold": None},
            min_size=1,
            max_size=1,
            reset=_leave_read_only,
        )
        self._channel = channel
        self._hear = hear

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listen for ever.

        The library gives up where it cannot connect, and goes on by looking alone.
        """

        async def told(*, channel: str, payload: str) -> None:
            if channel == self._channel:
                await self._hear(payload)
            else:
                await on_notification(channel=channel, payload=payload)

        names = [*channels, self._channel]
        while True:
            try:
                await super().listen_notify(told, names)
            except ConnectorException as error:
                log.warning("nothing is heard of the database: %s", words_of(error))
            await asyncio.sleep(PAUSE)


async def _leave_read_only(connection: AsyncConnection) -> None:
    """Have a connection to a server that takes nothing made anew: another one may do so by now.

    Raises ``ReadOnlySqlTransaction``: that is how the pool gives a connection up.
    """
    if b"on" in map(connection.pgconn.parameter_status, TAKES_NOTHING):
        raise ReadOnlySqlTransaction("the server takes nothing")


def words_of(error: Exception) -> str:
    """Say what has failed in the words of the library, or of the database."""
    cause = error.__cause__ or error
    told = str(cause).strip().partition("\n")[0]
    return f"{type(cause).__name__}: {told}"
