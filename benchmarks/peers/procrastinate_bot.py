"""The floor with a procrastinate job for every event, run by a worker in the same process."""

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, TCPConnector
from procrastinate import App, PsycopgConnector

from benchmarks.peers.floor import Form, listen, work

AT_ONCE = 64


async def main(port: int, database_url: str) -> None:
    app = App(connector=PsycopgConnector(conninfo=database_url, min_size=4, max_size=10))
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector) as session, app.open_async():

        @app.task(queue="commands", name="run")
        async def run(form: Form) -> None:
            await work(session, form)

        async def take(form: Form) -> None:
            await run.defer_async(form=form)

        await app.schema_manager.apply_schema_async()
        worker = app.run_worker_async(
            queues=["commands"], concurrency=AT_ONCE, install_signal_handlers=False
        )
        await asyncio.gather(worker, listen(port, take))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
