"""How long the bot waits for a portal that does not take or answer calls."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina

from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    NoPermission,
    TurnedAway,
    Unanswered,
    Unreachable,
)

T = TypeVar("T")

NOT_HAPPENED: tuple[type[Bitrix24Error], ...] = (Busy, Unreachable)
# For what may at worst be said twice.
NOT_LIKELY: tuple[type[Bitrix24Error], ...] = (*NOT_HAPPENED, TurnedAway)
# The bot may find its voice again: the next event brings a token of its own.
SPEECHLESS: tuple[type[Bitrix24Error], ...] = (*NOT_LIKELY, NoPermission)
NOT_KNOWN: tuple[type[Bitrix24Error], ...] = (*NOT_HAPPENED, Unanswered)


@dataclass(frozen=True, slots=True)
class Retry:
    """``total``: seconds after which the bot gives up."""

    total: float = 600.0

    async def call(
        self, on: tuple[type[Bitrix24Error], ...], make: Callable[[], Awaitable[T]]
    ) -> T:
        """Try until it succeeds, waiting longer each time; then let the last error through."""
        try:
            # Nearly everything succeeds at once, and then this is to cost nothing.
            return await make()
        except on as error:
            failed = [error]

        async def again() -> T:
            if failed:
                raise failed.pop()
            return await make()

        def worth_it(error: Exception) -> bool | float:
            if isinstance(error, Busy) and error.until is not None:
                return max(0.0, error.until - time.time())
            return isinstance(error, on)

        first = min(1.0, self.total / 20)
        retrying = stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=self.total,
            wait_initial=first,
            wait_jitter=first,
            wait_max=30.0,
        )
        return await retrying(worth_it, again)
