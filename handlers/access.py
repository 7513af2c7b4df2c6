"""A button that asks whoever is responsible to let a colleague read an item."""

from bot.acting.notices import Notices
from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments, Router
from bot.errors import AccessRequest
from bot.wording.languages import Languages
from bot.wording.rendering import Wording

router = Router()


class AskAccess(AccessRequest, Arguments):
    """What the button of a refusal carries."""


class AccessAsked(Outcome):
    whom: Person


@router.button("ask_access")
async def ask_access(
    args: AskAccess,
    event: CommandEvent,
    *,
    notices: Notices,
    wording: Wording,
    languages: Languages,
) -> AccessAsked:
    language = await languages.of(event.member_id, args.whom.id, event.language)
    text = wording.page("access_request.j2", language, person=args.person, item=args.item)
    await notices.send(args.whom, text)
    return AccessAsked(whom=args.whom)
