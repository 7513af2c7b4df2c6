"""A program as somebody starts it, and what it says until it ends."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def program(
    *command: str, folder: Path, variables: Mapping[str, str]
) -> AsyncIterator[Process]:
    """Run it, and kill it where it is still there in the end."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=variables, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def all_said(process: Process, patience: float) -> str:
    """Give all that it says, once it has ended."""
    assert process.stdout is not None
    async with asyncio.timeout(patience):
        words = await process.stdout.read()
        await process.wait()
    return words.decode()


async def said_until(process: Process, end: Callable[[str], object], patience: float) -> str:
    """Give what it says, line by line, until that is enough."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(patience):
        while not end(said):
            line = await process.stdout.readline()
            assert line, f"it ended too early:\n{said}"
            said += line.decode()
    return said
