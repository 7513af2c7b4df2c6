"""/who: tell who is in the customer's chat, and who has to do with it."""

from bot.bitrix24.crm import Card, Crm
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.people import Users
from bot.commands.errors import NotInOpenLine
from bot.commands.router import Arguments, Router
from bot.outcomes import Outcome

router = Router()


class Who(Arguments):
    pass


class WhoIsHere(Outcome):
    item: CrmItem | None
    members: tuple[Person, ...]
    owner: Person | None
    responsible: Person | None
    observers: tuple[Person, ...]
    queue: tuple[Person, ...]
    seen: bool


@router.command("who")
async def who(
    args: Who, event: CommandEvent, *, lines: OpenLines, crm: Crm, users: Users
) -> WhoIsHere:
    if not event.chat.is_open_line:
        raise NotInOpenLine("who")
    dialog = await lines.dialog(event.chat.id)
    members = await lines.members(event.chat.id)
    item = next(iter(dialog.items), None)
    card = await _card(item, crm)
    queue = await _queue(event.chat.line_id or dialog.line_id, lines)
    wanted = {dialog.owner_id, card.responsible_id, *card.observer_ids, *members, *queue}
    accounts = await users.accounts(filter(None, wanted))
    people = {number: one.person for number, one in accounts.items()}
    staff = [one for number in members if (one := accounts.get(number)) and not one.customer]
    return WhoIsHere(
        item=card.item if item else None,
        members=tuple(one.person for one in staff if not one.bot),
        owner=people.get(dialog.owner_id),
        responsible=people.get(card.responsible_id),
        observers=tuple(people[one] for one in card.observer_ids if one in people),
        queue=tuple(people[one] for one in queue if one in people),
        seen=bool(members),
    )


async def _queue(line_id: int, lines: OpenLines) -> list[int]:
    try:
        return await lines.queue(line_id) if line_id else []
    except Refused:
        return []


async def _card(item: CrmItem | None, crm: Crm) -> Card:
    if item is None:
        return Card(CrmItem(type="deal", id=0))
    try:
        return await crm.card(item)
    except Refused:
        return Card(item)
