"""Questions of one kind, asked together: the database is not asked once for each."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

About = TypeVar("About")
Answer = TypeVar("Answer")


class Together(Generic[About, Answer]):
    """What comes up while a question is under way is put into the next one."""

    def __init__(self, ask: Callable[[Sequence[About]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[About, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, about: About) -> Answer:
        """Give the answer that belongs to this; raises what the asking of all raises."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((about, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_on())
        return await answer

    async def _ask_on(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, []
            waiting = [answer for _, answer in asked]
            try:
                answers = await self._ask([about for about, _ in asked])
            except Exception as error:
                for one in waiting:
                    if not one.done():
                        one.set_exception(error)
                continue
            for one, answer in zip(waiting, answers, strict=True):
                if not one.done():
                    one.set_result(answer)
