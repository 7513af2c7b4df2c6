"""/who: tell who is in the customer's chat, and who has to do with it."""

from bot.bitrix24.crm import Card, Crm
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.people import Users, person_of
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
    wanted = {dialog.owner_id, card.responsible_id, *card.observer_ids, *members}
    accounts = await users.accounts(filter(None, wanted))
    strangers = {event.chat.customer_id, event.bot.id}
    strangers |= {number for number, one in accounts.items() if one.customer or one.bot}

    def named(*numbers: int) -> tuple[Person, ...]:
        return tuple(person_of(one, accounts) for one in numbers if one)

    return WhoIsHere(
        item=card.item if item else None,
        members=named(*(one for one in members if one not in strangers)),
        owner=next(iter(named(dialog.owner_id)), None),
        responsible=next(iter(named(card.responsible_id)), None),
        observers=named(*card.observer_ids),
        seen=bool(members),
    )


async def _card(item: CrmItem | None, crm: Crm) -> Card:
    if item is None:
        return Card(CrmItem(type="deal", id=0))
    try:
        return await crm.card(item)
    except Bitrix24Error:
        return Card(item)
