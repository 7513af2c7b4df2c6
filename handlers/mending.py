"""Buttons that mend what a command met, and have it carried out again."""

from bot.acting.open_lines import OpenLines
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands.missed import InChat
from bot.commands.outcomes import Outcomes
from bot.commands.router import Router
from bot.commands.runner import Again
from bot.errors import Refusal

router = Router()


class OnlyOperator(Refusal):
    """Only the dialog's operator may create a lead for it."""

    owner: Person | None


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
