"""/undo: take back what the requester's last command in this chat has really changed."""

from collections.abc import Sequence

from bot.acting.history import Deed
from bot.acting.open_lines import ARRIVING, OpenLines, Target
from bot.acting.users import Users
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import person_of
from bot.commands.arrivals import Arrivals, Missed, Wish
from bot.commands.departures import Departures
from bot.commands.outcomes import Outcome, Outcomes
from bot.commands.past import Past, chat_of, item_of
from bot.commands.router import Arguments, Router
from bot.inbox.stays import Stays

router = Router()


class Undo(Arguments):
    pass


class Undone(Outcome):
    removed: tuple[Person, ...] = ()
    returned: tuple[Person, ...] = ()
    missed: tuple[Missed, ...]
    item: CrmItem | None
    chat_id: int
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
    arrivals: Arrivals,
    departures: Departures,
) -> Outcomes:
    deeds = await past.last_deeds()
    chat_id = chat_of(deeds[0])
    target = Target(await _item(deeds, lines), chat_id, here=event.chat.id == chat_id)
    accounts = await users.accounts(deed.person_id for deed in deeds)
    people = [person_of(deed.person_id, accounts) for deed in deeds]
    if deeds[0].method in ARRIVING:
        undone = await _take_out(departures, target, people)
    else:
        undone = await _bring_back(arrivals, target, people)
    if not undone.missed:
        await stays.cancel(deeds[0].command_id)
    refusals = list(dict.fromkeys(one.why for one in undone.missed))
    return [undone, *refusals] if undone.removed or undone.returned else refusals


async def _take_out(departures: Departures, target: Target, people: Sequence[Person]) -> Undone:
    departure = await departures.take_out(target, people)
    removed = (*departure.gone, *departure.absent)
    return _undone(target, departure.missed, removed=removed)


async def _bring_back(arrivals: Arrivals, target: Target, people: Sequence[Person]) -> Undone:
    arrival = await arrivals.bring(target, people, Wish())
    returned = (*arrival.joined, *arrival.present)
    return _undone(target, arrival.missed, returned=returned)


def _undone(
    target: Target,
    missed: tuple[Missed, ...],
    removed: tuple[Person, ...] = (),
    returned: tuple[Person, ...] = (),
) -> Undone:
    return Undone(
        removed=removed,
        returned=returned,
        missed=missed,
        item=target.item,
        chat_id=target.chat_id,
        here=target.here,
    )


async def _item(deeds: Sequence[Deed], lines: OpenLines) -> CrmItem | None:
    """Give the item that it was done by, or that the chat is bound to."""
    if item := next(filter(None, map(item_of, deeds)), None):
        return item
    try:
        return next(iter((await lines.dialog(chat_of(deeds[0]))).items), None)
    except Refused:
        return None
