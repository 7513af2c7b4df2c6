"""bolt-python as its fast users run it: uvloop, and one session for all calls."""

import asyncio
import logging
import sys
from typing import Any

import aiohttp
import uvloop
from aiohttp import web
from jinja2 import Environment
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"

reply = Environment(autoescape=False).from_string(
    "✅ {{ text }} is in the channel now, message {{ ts }}."
)


async def main(port: int, portal: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    client = AsyncWebClient("xoxb-1-2-abc", base_url=f"{portal}/api/", session=session)
    app = AsyncApp(signing_secret=SECRET, client=client, request_verification_enabled=True)

    @app.command("/invite")
    async def invite(ack: Any, command: Any, client: Any) -> None:
        await ack()
        done = await client.chat_postMessage(channel="C0000001", text=command["text"])
        words = reply.render(text=command["text"], ts=done["ts"])
        await client.chat_postMessage(channel=command["channel_id"], text=words)

    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
