"""Row 5: from the command to the first event that could be taken."""

import asyncio
import os
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import unused_port

from benchmarks import machine, processes
from benchmarks.processes import ROOT, Way
from benchmarks.report import Report

# What the bot has imported when it listens, of what others wrote: in the order it did.
LIST = """
import sys, bot.__main__
print(*(name for name, module in sys.modules.items()
        if "site-packages" in (getattr(module, "__file__", None) or "")), sep="\\n")
"""
# Without what an interpreter does at its end.
IMPORT = """
import importlib, os, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
os._exit(0)
"""


async def measure(rounds: int, folder: Path) -> Report:
    """Start the bot and its libraries alone in turns."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
    libraries = (await _said([sys.executable, "-c", LIST], environment)).split()
    way = Way()
    settings = way.environment("http://127.0.0.1:9", folder, port := unused_port())
    await processes.finished([sys.executable, "-m", "bot", "migrate"], settings, folder)
    starts, imports = [], []
    for turn in range(rounds + 1):
        found = (
            await _bot(settings, port, folder),
            await _alone([sys.executable, "-c", IMPORT, *libraries], environment),
        )
        # The first time everything comes from the disk.
        if turn:
            starts.append(found[0])
            imports.append(found[1])
        print(".", end="", flush=True)
    print()
    return _told(starts, imports, len(libraries))


async def _bot(settings: dict[str, str], port: int, folder: Path) -> float:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        began = time.monotonic()
        command = [sys.executable, "-m", "bot", "serve"]
        service = await stack.enter_async_context(
            processes.running("switchboard", port, [command], settings, folder)
        )
        return await processes.until_ready(session, service, folder) - began


async def _alone(command: list[str], environment: dict[str, str]) -> float:
    began = time.monotonic()
    await _said(command, environment)
    return time.monotonic() - began


async def _said(command: list[str], environment: dict[str, str]) -> str:
    """Run something on the services' processor, and give what it says."""
    with machine.staying_on(machine.SERVICE_CPU):
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE
        )
    said, _ = await process.communicate()
    return said.decode()


def _told(starts: list[float], imports: list[float], count: int) -> Report:
    report = Report(5, "Start", ["", "seconds", "to the libraries alone"])
    ratio = statistics.median(one / other for one, other in zip(starts, imports, strict=True))
    start, alone = statistics.median(starts), statistics.median(imports)
    report.lines.append(["python -m bot serve, until /readyz", f"{start:.2f}", f"{ratio:.2f}"])
    report.lines.append([f"importing its libraries ({count} modules)", f"{alone:.2f}", "1.00"])
    report.target("less than 1.5 × its libraries", f"{ratio:.2f} ×", holds=ratio < 1.5)
    return report
