"""``python -m sandbox.demo``."""

import argparse
import asyncio
import io
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

from aiohttp import ClientSession

from sandbox import demo
from sandbox.demo.going_on import tell_how_to_go_on
from sandbox.demo.process import DidNotHappen, bot_running
from sandbox.demo.scene import Scene
from sandbox.demo.telling import CROSS, paint, say
from sandbox.server import running


def main() -> None:
    """Play, then stay up until Ctrl-C; the exit status says whether all went as expected."""
    parser = argparse.ArgumentParser("python -m sandbox.demo", description=demo.__doc__)
    parser.add_argument("--once", action="store_true", help="end after the scene")
    once = parser.parse_args().once
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    try:
        sys.exit(asyncio.run(_interruptible(_demo(once=once))))
    except BrokenPipeError:  # nobody reads any more, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


async def _interruptible(play: Awaitable[int]) -> int:
    """Run it to its end or to the first signal; either way it takes everything down."""
    task = asyncio.ensure_future(play)

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


async def _demo(*, once: bool) -> int:
    say(paint("1", "Switchboard: the bot at work on a stand-in Bitrix24 portal"))
    say("Starting the portal and the bot. They talk to nothing outside this machine …")
    try:
        with tempfile.TemporaryDirectory(prefix="switchboard-demo-") as folder:
            async with (
                running() as portal,
                bot_running(portal, Path(folder)) as bot,
                ClientSession() as session,
            ):
                scene = Scene(portal, bot, session)
                await scene.play()
                if not once:
                    await _stay(scene)
                return 1 if scene.missed else 0
    except DidNotHappen as what:
        say(f"\n{CROSS} {what}")
        return 1


async def _stay(scene: Scene) -> None:
    """Stay up until a signal comes."""
    tell_how_to_go_on(scene.portal, scene.bot, scene.typed)
    try:
        await scene.bot.process.wait()
    except asyncio.CancelledError:
        say("\nTaking the portal and the bot down …")
    else:
        raise DidNotHappen("the bot has ended by itself")


if __name__ == "__main__":
    main()
