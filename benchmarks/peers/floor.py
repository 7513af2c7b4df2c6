"""The floor: bare aiohttp and uvloop doing the same work, storing nothing.

Form in (by yarl's compiled parser), token compared, 200, one call, one answer worded by Jinja:
what is left when everything that a bot is for has been taken away.
"""

import asyncio
import hmac
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from aiohttp import ClientSession, TCPConnector, web
from jinja2 import Environment
from yarl import query_to_pairs

APPLICATION_TOKEN = "51856fefc120afa4b628cc82d3935cce"
TEMPLATE = """\
{% if people | length == 1 %}✅ {{ people[0] }} теперь {{ where }}.{% else %}\
✅ Теперь {{ where }}: {% for one in people %}{{ one }}{{ ", " if not loop.last }}{% endfor %}.\
{% endif %}{% for one in missed %} ⚠️ Не получилось: {{ one }}.{% endfor %}"""

Form = dict[str, str]

reply = Environment(autoescape=False).from_string(TEMPLATE)


async def call(session: ClientSession, url: str, params: dict[str, Any]) -> Any:
    async with session.post(url, json=params) as response:
        return json.loads(await response.read())["result"]


async def act(session: ClientSession, form: Form) -> None:
    params = {
        "CRM_ENTITY_TYPE": "deal",
        "CRM_ENTITY": 288,
        "USER_ID": form["data[command][params]"].removeprefix("[USER=").partition("]")[0],
        "CHAT_ID": form["data[chat][id]"],
        "auth": form["auth[access_token]"],
    }
    await call(session, form["auth[client_endpoint]"] + "imopenlines.crm.chat.user.add", params)


async def answer(session: ClientSession, form: Form) -> None:
    words = reply.render(people=[form["data[command][params]"]], missed=[], where="в этом чате")
    params = {
        "botId": form["data[bot][id]"],
        "commandId": form["data[command][id]"],
        "messageId": int(form["data[message][id]"]),
        "dialogId": form["data[chat][dialogId]"],
        "fields": {"message": words, "urlPreview": False, "system": True},
        "auth": form["data[bot][auth][access_token]"],
    }
    await call(session, form["auth[client_endpoint]"] + "imbot.v2.Command.answer", params)


async def work(session: ClientSession, form: Form) -> None:
    await act(session, form)
    await answer(session, form)


async def listen(port: int, take: Callable[[Form], Awaitable[None]]) -> None:
    """Take genuine events, until the process is ended."""

    async def receive(request: web.Request) -> web.Response:
        form = dict(query_to_pairs((await request.read()).decode()))
        if not hmac.compare_digest(form["auth[application_token]"][:32], APPLICATION_TOKEN):
            return web.Response(status=403)
        await take(form)
        return web.Response(text="ok\n")

    application = web.Application()
    application.router.add_post("/bitrix24/events", receive)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def main(port: int, limit: int) -> None:
    tasks: set[asyncio.Task[None]] = set()
    async with ClientSession(connector=TCPConnector(limit=limit)) as session:

        async def take(form: Form) -> None:
            task = asyncio.create_task(work(session, form))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        await listen(port, take)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
