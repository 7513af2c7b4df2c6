"""/who: tell who is in the customer's chat, and who has to do with it."""

from bot.acting.crm import Card, Crm
from bot.acting.open_lines import OpenLines
from bot.acting.users import Users
from bot.bitrix24.dialogs import Dialog, read_dialog
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.events import Chat, CommandEvent
from bot.bitrix24.people import person_of
from bot.commands.errors import NotInOpenLine
from bot.commands.outcomes import Outcome
from bot.commands.router import Arguments, Router

router = Router()


class WhoIsHere(Outcome):
    """``chat_id`` is the customer's chat, 0 where there is none; ``inside``: it was typed there."""

    chat_id: int
    inside: bool
    item: CrmItem | None
    members: tuple[Person, ...]
    owner: Person | None
    responsible: Person | None
    observers: tuple[Person, ...]
    queue: tuple[Person, ...]
    seen: bool


@router.command("who")
async def who(
    args: Arguments, event: CommandEvent, *, lines: OpenLines, crm: Crm, users: Users
) -> WhoIsHere:
    item, dialog = await _seen(event.chat, lines)
    members = await lines.members(dialog.id) if dialog.id else []
    card = await crm.known_card(item) if item else Card(CrmItem(type="deal", id=0))
    queue = await lines.known_queue(event.chat.line_id or dialog.line_id) or ()
    wanted = {dialog.owner, card.responsible_id, *card.observer_ids, *members, *queue}
    accounts = await users.accounts(filter(None, wanted))
    strangers = {event.chat.customer_id, dialog.customer_id, event.bot.id}
    strangers |= {number for number, one in accounts.items() if one.customer or one.bot}

    def named(*numbers: int) -> tuple[Person, ...]:
        return tuple(person_of(one, accounts) for one in numbers if one)

    return WhoIsHere(
        chat_id=dialog.id,
        inside=dialog.id == event.chat.id,
        item=card.item if item else None,
        members=named(*(one for one in members if one not in strangers)),
        owner=next(iter(named(dialog.owner)), None),
        responsible=next(iter(named(card.responsible_id)), None),
        observers=named(*card.observer_ids),
        queue=named(*queue),
        seen=bool(members),
    )


async def _seen(chat: Chat, lines: OpenLines) -> tuple[CrmItem | None, Dialog]:
    """Find the customer's dialog: this chat, or that of the item whose internal chat this is."""
    if chat.is_open_line:
        dialog = await lines.dialog(chat.id)
        return dialog.bound_item, dialog
    if chat.item is None:
        raise NotInOpenLine("who")
    last = await lines.last_chat(chat.item)
    return chat.item, await lines.known_dialog(last) if last else read_dialog(0, None)
