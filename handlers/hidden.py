"""Buttons that keep a command from the customer."""

from bot.acting.open_lines import OpenLines
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments, Router
from bot.errors import Refusal

router = Router()


class HiddenModeOn(Outcome):
    pass


class CommandDeleted(Outcome):
    pass


class CommandKept(Refusal):
    """The portal deletes no message that it cannot take back from the customer's messenger."""


@router.button("hide")
async def hide(args: Arguments, event: CommandEvent, *, lines: OpenLines) -> HiddenModeOn:
    await lines.hide(event.chat.id)
    return HiddenModeOn()


@router.button("delete_command")
async def delete_command(
    args: Arguments, event: CommandEvent, *, lines: OpenLines
) -> CommandDeleted:
    try:
        await lines.delete_message(event.chat.id, event.message.id)
    except Refused as refused:
        if refused.code != "CANT_EDIT_MESSAGE":
            raise
        raise CommandKept from None
    return CommandDeleted()
