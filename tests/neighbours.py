"""A portal that hangs on every call, and a healthy one beside it: what does the second notice?

python tests/neighbours.py
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from aiohttp import ClientSession
from crowd import CHATS, PEOPLE, populate
from process import bot_process, ready
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, Stage, settings_for

from sandbox.model import Chat
from sandbox.server import running

COMMANDS = 40
HANGING = 100


async def measure(rounds: int, folder: Path) -> tuple[float, float]:
    """Give the healthy portal's median from event to reply, alone and beside the other."""
    keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "bucket_size": 10**6}
    async with (
        running(**keys) as healthy,
        running(**keys, member_id="f" * 32) as hanging,
        ClientSession() as session,
    ):
        settings = settings_for(
            healthy, f"sqlite:///{folder}/bot.db", rest_timeout=30, retry_for=600,
            bitrix24_oauth_urls=[healthy.oauth_url, hanging.oauth_url],
            portal_bucket=10_000, portal_rate=1000,
        )  # fmt: skip
        async with bot_process(settings, log=folder / "log"):
            await ready(settings, session)
            well, ill = Stage(healthy, settings, session), Stage(hanging, settings, session)
            assert [await well.install(), await ill.install()] == [200, 200]
            populate(healthy, COMMANDS * rounds * 2)
            populate(hanging, HANGING)
            alone, beside, number = [], [], PEOPLE
            for _ in range(rounds):
                alone += await _latencies(well, number)
                await ill.faults(method="*", delay=60, times=None)
                for count in range(HANGING):
                    chat = CHATS[count % len(CHATS)]
                    await ill.type(f"/invite id{PEOPLE + count}", user=OLGA, chat=chat)
                await ill.until(lambda: _delivered(ill))
                beside += await _latencies(well, number + COMMANDS)
                await ill.faults(clear=True)
                await ill.settled(90)
                number += 2 * COMMANDS
            for stage in (well, ill):
                stage.engine.dispose()
    return statistics.median(alone), statistics.median(beside)


async def _delivered(stage: Stage) -> bool:
    return all(one["status"] for one in await stage.get("deliveries"))


async def _said(chat: Chat, words: str) -> bool:
    return any(words in one.text and one.system for one in chat.messages)


async def _latencies(stage: Stage, first: int) -> list[float]:
    found = []
    for number in range(first, first + COMMANDS):
        chat = stage.portal.state.chats[CHATS[number % len(CHATS)]]
        began = time.perf_counter()
        await stage.type(f"/invite id{number}", user=OLGA, chat=chat.id)
        await stage.until(partial(_said, chat, f"[USER={number}]"), pause=0.0005)
        found.append(time.perf_counter() - began)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    with tempfile.TemporaryDirectory(prefix="switchboard-neighbours-") as folder:
        alone, beside = asyncio.run(measure(parser.parse_args().rounds, Path(folder)))
    print(  # noqa: T201
        f"median from event to reply: alone {alone * 1000:.1f} ms, beside a hanging portal "
        f"{beside * 1000:.1f} ms: {beside / alone:.2f}"
    )
    sys.exit(0 if beside / alone < 1.2 else 1)


if __name__ == "__main__":
    main()
