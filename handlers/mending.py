"""Buttons that mend what a command met, and have it carried out again."""

from bot.acting.open_lines import OpenLines
from bot.bitrix24.dialogs import Dialog
from bot.bitrix24.entities import Person
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
    answer = await lines.create_lead(event.chat.id)
    dialog = await lines.dialog(event.chat.id)
    if answer.code == "ERROR_USER_NOT_OPERATOR":
        raise OnlyOperator(Person(id=dialog.owner) if dialog.owner else None)
    if refused := answer.refused:
        raise refused
    return await _again(dialog, event, again)


@router.button("start_session")
async def start_session(
    args: Arguments, event: CommandEvent, *, lines: OpenLines, again: Again
) -> Outcomes:
    answer = await lines.start_session(event.chat.id)
    dialog = await lines.dialog(event.chat.id)
    if refused := answer.refused:
        raise refused
    return await _again(dialog, event, again)


async def _again(dialog: Dialog, event: CommandEvent, again: Again) -> Outcomes:
    now = {"entity_data_1": dialog.entity_data_1, "entity_data_2": dialog.entity_data_2}
    return await again.run(event.chat.model_copy(update=now))
