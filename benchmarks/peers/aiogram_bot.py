"""aiogram by its own webhook handler, on uvloop."""

import asyncio
import logging
import sys

import uvloop
from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web
from jinja2 import Environment

TOKEN, SECRET = "123456789:AAF-a_token_of_the_benchmarks_0000000", "a-secret-of-the-benchmarks"

reply = Environment(autoescape=False).from_string(
    "✅ {{ text }} is in the chat now, message {{ number }}."
)
router = Router()


@router.message(Command("invite"))
async def invite(message: Message, command: CommandObject, bot: Bot) -> None:
    done = await bot.send_message(chat_id=777000777, text=command.args or "")
    await message.answer(reply.render(text=command.args, number=done.message_id))


async def main(port: int, portal: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    bot = Bot(token=TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(portal)))
    application = web.Application()
    handler = SimpleRequestHandler(dispatcher=dispatcher, bot=bot, secret_token=SECRET)
    handler.register(application, path="/webhook")
    setup_application(application, dispatcher, bot=bot)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
