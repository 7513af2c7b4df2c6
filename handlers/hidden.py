"""Buttons that keep a command from the customer."""

from bot.acting.open_lines import OpenLines
from bot.bitrix24.events import CommandEvent
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments, Router

router = Router()


class HiddenModeOn(Outcome):
    pass


class CommandDeleted(Outcome):
    pass


@router.button("hide")
async def hide(args: Arguments, event: CommandEvent, *, lines: OpenLines) -> HiddenModeOn:
    await lines.hide(event.chat.id)
    return HiddenModeOn()


@router.button("delete_command")
async def delete_command(
    args: Arguments, event: CommandEvent, *, lines: OpenLines
) -> CommandDeleted:
    await lines.delete_message(event.chat.id, event.message.id)
    return CommandDeleted()
