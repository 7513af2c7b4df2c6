"""What a hosting platform does around the bot: a router, and processes that are started again."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

from aiohttp import ClientError, ClientSession, web
from process import Started, environment
from stage import Stage, free_port

from bot.settings import Settings

GROWN_UP = 5.0


class Router:
    """What a PaaS has before its web processes: passes events on to one that is alive."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self.ports: list[int] = []
        self.taken: set[int] = set()
        self.seen: set[int] = set()

    async def pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = await self._try_all(request, body)
        message = parse_qs(body.decode()).get("data[message][id]")
        if message:
            self.seen.add(int(message[0]))
            if status == 200:
                self.taken.add(int(message[0]))
        return web.Response(status=status)

    async def _try_all(self, request: web.Request, body: bytes) -> int:
        """Give the answer of a process; wait a little where all of them are just starting."""
        for _ in range(30):
            status = await self._try_once(request, body)
            if status is not None:
                return status
            await asyncio.sleep(0.1)
        return 503

    async def _try_once(self, request: web.Request, body: bytes) -> int | None:
        for port in random.sample(self.ports, len(self.ports)):
            url = f"http://127.0.0.1:{port}{request.path}"
            try:
                async with self._session.post(
                    url, data=body, headers={"Content-Type": request.content_type}
                ) as answer:
                    return answer.status
            except (ClientError, OSError, TimeoutError):
                continue
        return None


class Bots:
    """The bot's processes: started, killed, started again."""

    def __init__(self, commands: list[tuple[list[str], Settings]], log: Path) -> None:
        self._commands = commands
        self._log = log
        self._processes: list[Started | None] = [None] * len(commands)
        self._born = 0.0

    async def start(self) -> None:
        for number in range(len(self._commands)):
            await self._start(number)

    async def kill(self, number: int) -> None:
        process = self._processes[number % len(self._processes)]
        if process and process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()

    async def kill_all(self) -> None:
        for number in range(len(self._processes)):
            await self.kill(number)

    async def supervise(self) -> None:
        """Start again what has ended, as a PaaS does."""
        while True:
            await asyncio.sleep(0.5)
            for number, process in enumerate(self._processes):
                if process is not None and process.returncode is not None:
                    await self._start(number)

    async def stop(self) -> list[int]:
        # Python alone takes a while until a process can be asked to end.
        await asyncio.sleep(max(0.0, self._born + GROWN_UP - time.monotonic()))
        for process in self._processes:
            if process and process.returncode is None:
                process.terminate()
        return [await process.wait() for process in self._processes if process]

    async def _start(self, number: int) -> None:
        arguments, settings = self._commands[number]
        self._born = time.monotonic()
        files = (Path(os.devnull), self._log, self._log)
        self._processes[number] = Started(environment(settings), arguments, *files)


@contextlib.asynccontextmanager
async def routed(router: Router) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_post("/{path:.*}", router.pass_on)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


async def are_ready(stage: Stage, webs: list[Settings]) -> bool:
    for one in webs:
        try:
            async with stage.session.get(f"http://127.0.0.1:{one.port}/readyz") as answer:
                if answer.status != 200:
                    return False
        except (ClientError, OSError):
            return False
    return True
