"""/help: tell what the bot can do, or how one command goes."""

from bot.bitrix24.events import GREET, CommandEvent
from bot.commands import vocabulary
from bot.commands.errors import UnknownCommand
from bot.commands.outcomes import CommandList, Greeting, Outcomes, Usage
from bot.commands.router import Arguments, Router
from bot.portals.preferences import Preferences
from bot.portals.settings import PortalSettings

router = Router()


class Help(Arguments):
    word: str = ""


@router.button(GREET, proven=False)
async def greet(args: Arguments, event: CommandEvent, *, preferences: Preferences) -> Outcomes:
    is_first = await preferences.first_today(event.member_id, f"greeting/{event.user.id}")
    return Greeting() if is_first else []


@router.command("help", everywhere=False, proven=False)
async def show_help(
    args: Help, event: CommandEvent, *, commands: Router, settings: PortalSettings
) -> Outcomes:
    off = settings.commands_off
    names = tuple(name for name in commands.commands if name not in off)
    if args.word in ("", *vocabulary.EVERYONE):
        return CommandList(names=names)
    name = commands.suspect(args.word)
    if not name or name in off:
        raise UnknownCommand(name or args.word)
    return Usage(command=name)
