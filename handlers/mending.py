"""Buttons that mend what a command met: some have it carried out again."""

from bot.acting.open_lines import OpenLines
from bot.acting.users import Users
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands.missed import InChat
from bot.commands.outcomes import Outcome, Outcomes
from bot.commands.router import Arguments, Router
from bot.commands.runner import Again
from bot.errors import AccessRequest, Refusal
from bot.wording.rendering import Languages, Wording

router = Router()


class OnlyOperator(Refusal):
    """Only the dialog's operator may create a lead for it."""

    owner: Person | None


class AskAccess(AccessRequest, Arguments):
    """What the button of a refusal carries."""


class AccessAsked(Outcome):
    whom: Person


class HiddenModeOn(Outcome):
    pass


class CommandDeleted(Outcome):
    pass


class CommandKept(Refusal):
    """The portal deletes no message that it cannot take back from the customer's messenger."""


@router.button("create_lead")
async def create_lead(
    args: InChat, event: CommandEvent, *, lines: OpenLines, again: Again
) -> Outcomes:
    chat_id = args.chat_id or event.chat.id
    try:
        await lines.create_lead(chat_id)
    except Refused as refused:
        if refused.code != "ERROR_USER_NOT_OPERATOR":
            raise
        owner = (await lines.dialog(chat_id)).owner
        raise OnlyOperator(Person(id=owner) if owner else None) from None
    return await _again(args, event, lines, again)


@router.button("start_session")
async def start_session(
    args: InChat, event: CommandEvent, *, lines: OpenLines, again: Again
) -> Outcomes:
    await lines.start_session(args.chat_id or event.chat.id)
    return await _again(args, event, lines, again)


async def _again(args: InChat, event: CommandEvent, lines: OpenLines, again: Again) -> Outcomes:
    if args.chat_id:
        # What has changed is not in the event, but at another chat.
        return await again.run()
    dialog = await lines.dialog(event.chat.id)
    now = {"entity_data_1": dialog.entity_data_1, "entity_data_2": dialog.entity_data_2}
    return await again.run(event.chat.model_copy(update=now))


@router.button("ask_access")
async def ask_access(
    args: AskAccess, event: CommandEvent, *, users: Users, wording: Wording, languages: Languages
) -> AccessAsked:
    """Ask whoever is responsible to let a colleague read an item."""
    language = await languages.of(event.member_id, args.whom.id, event.language)
    text = wording.page("access_request.j2", language, person=args.person, item=args.item)
    await users.notify(args.whom, text)
    return AccessAsked(whom=args.whom)


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
