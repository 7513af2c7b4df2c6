"""The bot as a process of its own, the way a user starts it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession
from pydantic import SecretStr

from bot.settings import Settings

ROOT = Path(__file__).parent.parent


def environment(settings: Settings) -> dict[str, str]:
    """Write settings the way an environment holds them."""
    values = {}
    for name, value in settings.model_dump().items():
        if value is None:
            continue
        items = value if isinstance(value, list) else [value]
        plain = [x.get_secret_value() if isinstance(x, SecretStr) else str(x) for x in items]
        values[name.upper()] = ",".join(plain)
    return {**os.environ, **values}


@asynccontextmanager
async def bot_process(
    settings: Settings, *arguments: str, log: Path, **changed: str | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot; ``changed`` are variables set otherwise, or, with ``None``, not at all."""
    wanted = {**environment(settings), **changed}
    variables = {name: value for name, value in wanted.items() if value is not None}
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *(arguments or ("serve",)),
            env=variables, cwd=ROOT, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def ready(settings: Settings, session: ClientSession) -> None:
    """Wait until the bot takes events."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with session.get(f"{settings.public_url}/readyz") as response:
                    if response.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.02)
