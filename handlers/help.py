"""/help: tell what the bot can do."""

from bot.bitrix24.events import CommandEvent
from bot.commands.router import Arguments, Router
from bot.outcomes import Outcome

router = Router()


class Help(Arguments):
    pass


class CommandList(Outcome):
    names: tuple[str, ...]


@router.command("help", everywhere=False)
async def show_help(args: Help, event: CommandEvent, *, commands: Router) -> CommandList:
    return CommandList(names=tuple(commands.commands))
