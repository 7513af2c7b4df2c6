"""Tells whoever watches the portal that something may have changed."""

import asyncio


class Pulse:
    """Beats after every request; those who wait are woken, nobody is held up."""

    def __init__(self) -> None:
        self._beats = 0
        self._next = asyncio.Event()

    def beat(self) -> None:
        self._beats += 1
        woken, self._next = self._next, asyncio.Event()
        woken.set()

    async def after(self, seen: int) -> int:
        """Wait for a beat that has not been seen; gives the number of the last one."""
        while self._beats == seen:
            await self._next.wait()
        return self._beats
