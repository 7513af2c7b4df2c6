"""Four processes, one portal, its real bucket: is the pace kept, and is none of it wasted?

python tests/pace.py                      (bucket 50 at 2/s, 300 commands: five minutes)
python tests/pace.py --commands 40 --rate 20
"""

import argparse
import asyncio
import contextlib
import dataclasses
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout
from crowd import CHATS, PEOPLE, populate
from hosting import Bots, Router, are_ready, routed
from postgres import running_server
from stage import CLIENT_ID, CLIENT_SECRET, OLGA, Stage, settings_for

from bot.store.database import engine_for
from bot.store.migrate import migrate
from sandbox.server import running


@dataclasses.dataclass
class Figures:
    """What the run took, what the bucket's own arithmetic says, and how often it overflowed."""

    seconds: float
    arithmetic: float
    requests: int
    refused: int


async def measure(commands: int, capacity: float, rate: float, folder: Path) -> Figures:
    """Type ``commands`` at once into twenty chats, and wait for the last answer."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running_server())
        engine = engine_for(server.url)
        migrate(engine)
        engine.dispose()
        async with (
            running(
                client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
                bucket_size=capacity, bucket_rate=rate,
            ) as portal,
            ClientSession(timeout=ClientTimeout(total=60)) as session,
        ):  # fmt: skip
            router = Router(session)
            async with routed(router) as port:
                common = {"public_url": f"http://127.0.0.1:{port}", "retry_for": 600,
                          "rest_timeout": 30, "portal_bucket": capacity,
                          "portal_rate": rate}  # fmt: skip
                webs = [settings_for(portal, server.url, **common) for _ in range(2)]
                roles = [(["serve", "--web-only"], one) for one in webs]
                bots = Bots([*roles, (["worker"], webs[0]), (["worker"], webs[0])], folder / "log")
                router.ports = [one.port for one in webs]
                stage = Stage(portal, webs[0], session)
                populate(portal, commands)
                await bots.start()
                try:
                    await stage.until(lambda: are_ready(stage, webs), 30)
                    assert await stage.install() == 200
                    # Let the bucket drain from the installation.
                    await asyncio.sleep(capacity / rate)
                    return await _run(stage, commands, capacity, rate)
                finally:
                    await bots.stop()
                    stage.engine.dispose()


async def _run(stage: Stage, commands: int, capacity: float, rate: float) -> Figures:
    before = len(await stage.requests())
    began = time.monotonic()
    for number in range(commands):
        chat = CHATS[number % len(CHATS)]
        await stage.type(f"/invite id{PEOPLE + number}", user=OLGA, chat=chat)
    await stage.settled(commands * 4 / rate + 60)
    seconds = time.monotonic() - began
    requests = len(await stage.requests()) - before
    refused = [one for one in await stage.calls() if one["error"] == "QUERY_LIMIT_EXCEEDED"]
    return Figures(seconds, (requests - capacity) / rate, requests, len(refused))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--capacity", type=float, default=50)
    parser.add_argument("--rate", type=float, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="switchboard-pace-") as folder:
        figures = asyncio.run(measure(chosen.commands, chosen.capacity, chosen.rate, Path(folder)))
    print(  # noqa: T201
        f"{chosen.commands} commands, {figures.requests} requests: {figures.seconds:.1f} s, the "
        f"bucket's arithmetic says {figures.arithmetic:.1f} s "
        f"({figures.seconds / figures.arithmetic:.3f} of it); refused: {figures.refused}"
    )
    sys.exit(1 if figures.refused else 0)


if __name__ == "__main__":
    main()
