"""/undo: take back what the requester's last command in this chat has really changed."""

from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import ADD, DELETE, OpenLines
from bot.bitrix24.people import Users
from bot.commands.past import Past, opposite
from bot.commands.router import Arguments, Router
from bot.errors import UnknownRefusal
from bot.outcomes import Outcome, Outcomes
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
) -> Outcomes:
    deeds = await past.last_deeds()
    steps = [opposite(number, deed) for number, deed in enumerate(deeds)]
    chat_id = past.chat_of(deeds)
    answers = await lines.take_back(steps, chat_id)
    await stays.cancel(deeds[0].command_id)
    accounts = await users.accounts(step.person_id for step in steps)
    done = {step.number for step in steps if answers[step.number].code is None}
    if not done:
        first = answers[0]
        raise UnknownRefusal(first.code or "", str(first.result or ""), past.reference)

    def named(method: str, *, success: bool) -> tuple[Person, ...]:
        return tuple(
            accounts[one.person_id].person
            if one.person_id in accounts
            else Person(id=one.person_id)
            for one in steps
            if (one.method == method or not method) and (one.number in done) is success
        )

    return Undone(
        removed=named(DELETE, success=True),
        returned=named(ADD, success=True),
        missed=named("", success=False),
        here=event.chat.id == chat_id,
    )
