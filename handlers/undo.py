"""/undo: take back what the requester's last command in this chat has really changed."""

from collections.abc import Iterable

from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import ADD, DELETE, OpenLines, is_told
from bot.bitrix24.people import Users, person_of
from bot.commands.past import Past, chat_of, opposite
from bot.commands.router import Arguments, Router
from bot.diagnosis import Diagnosis
from bot.outcomes import Outcome
from bot.store.journal import Answered, Step
from bot.store.stays import Stays

router = Router()


class Undo(Arguments):
    pass


class Undone(Outcome):
    removed: tuple[Person, ...]
    returned: tuple[Person, ...]
    missed: tuple[Person, ...]
    here: bool


@router.command("undo")
async def undo(
    args: Undo,
    event: CommandEvent,
    *,
    past: Past,
    lines: OpenLines,
    users: Users,
    stays: Stays,
    diagnosis: Diagnosis,
) -> Undone:
    deeds = await past.last_deeds()
    steps = [opposite(number, deed) for number, deed in enumerate(deeds)]
    chat_id = chat_of(deeds[0])
    answers = await lines.take_back(steps, chat_id)
    await stays.cancel(deeds[0].command_id)
    accounts = await users.accounts(step.person_id for step in steps)
    done = [step for step in steps if _is_done(answers[step.number])]
    if not done and (refused := answers[0].refused):
        raise diagnosis.of(refused)

    def people(some: Iterable[Step]) -> tuple[Person, ...]:
        return tuple(person_of(step.person_id, accounts) for step in some)

    return Undone(
        removed=people(step for step in done if step.method == DELETE),
        returned=people(step for step in done if step.method == ADD),
        missed=people(step for step in steps if step not in done),
        here=event.chat.id == chat_id,
    )


def _is_done(answer: Answered) -> bool:
    return answer.code is None and is_told(answer)
