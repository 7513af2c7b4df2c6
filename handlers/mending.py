"""Buttons that mend what a command met, and have it carried out again."""

from bot.acting.open_lines import OpenLines
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands.outcomes import Outcomes
from bot.commands.router import Arguments, Router
from bot.commands.runner import Again
from bot.errors import Refusal

router = Router()


class OnlyOperator(Refusal):
    """Only the dialog's operator may create a lead for it."""

    owner: Person | None


@router.button("create_lead")
async def create_lead(
    args: Arguments, event: CommandEvent, *, lines: OpenLines, again: Again
) -> Outcomes:
    try:
        await lines.create_lead(event.chat.id)
    except Refused as refused:
        if refused.code != "ERROR_USER_NOT_OPERATOR":
            raise
        owner = (await lines.dialog(event.chat.id)).owner
        raise OnlyOperator(Person(id=owner) if owner else None) from None
    return await _again(event, lines, again)


@router.button("start_session")
async def start_session(
    args: Arguments, event: CommandEvent, *, lines: OpenLines, again: Again
) -> Outcomes:
    await lines.start_session(event.chat.id)
    return await _again(event, lines, again)


async def _again(event: CommandEvent, lines: OpenLines, again: Again) -> Outcomes:
    dialog = await lines.dialog(event.chat.id)
    now = {"entity_data_1": dialog.entity_data_1, "entity_data_2": dialog.entity_data_2}
    return await again.run(event.chat.model_copy(update=now))
