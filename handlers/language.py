"""/language: choose the language that the bot speaks to the requester."""

from bot.bitrix24.events import CommandEvent
from bot.commands import vocabulary
from bot.commands.outcomes import Outcome, Outcomes, Usage
from bot.commands.router import Arguments, Router
from bot.errors import Refusal
from bot.portals.preferences import Preferences

router = Router()


class Language(Arguments):
    word: str = ""


class LanguageChosen(Outcome):
    pass


class LanguageUnknown(Refusal):
    """The bot does not speak this language."""

    word: str


@router.command("language", everywhere=False, proven=True)
async def language(args: Language, event: CommandEvent, *, preferences: Preferences) -> Outcomes:
    if not args.word:
        return Usage(command="language")
    chosen = vocabulary.LANGUAGES.get(args.word)
    if chosen is None:
        raise LanguageUnknown(args.word)
    await preferences.choose(event.member_id, event.user.id, chosen)
    return LanguageChosen()
