"""/undo: take back what the requester's last command in this chat has really changed."""

from collections.abc import Iterable, Sequence

from bot.acting.history import Deed
from bot.acting.open_lines import ARRIVING, OpenLines, Target
from bot.acting.users import Users
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import person_of
from bot.commands.answers import Answers
from bot.commands.arrivals import Arrivals, Wish
from bot.commands.chain import Chains, Step
from bot.commands.departures import Departures
from bot.commands.diagnosis import Missed, reasons
from bot.commands.errors import NothingToUndo
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.past import Past, chat_of, item_of
from bot.commands.router import Arguments, Router
from bot.inbox.escalations import Escalation
from bot.inbox.stays import Stays
from handlers.chain import EscalationStopped, NotNeeded, ended

router = Router()


class Undone(Outcome):
    removed: tuple[Person, ...] = ()
    returned: tuple[Person, ...] = ()
    missed: tuple[Missed, ...]
    item: CrmItem | None
    chat_id: int
    here: bool


@router.command("undo")
async def undo(
    args: Arguments,
    event: CommandEvent,
    *,
    past: Past,
    lines: OpenLines,
    users: Users,
    stays: Stays,
    arrivals: Arrivals,
    departures: Departures,
    answers: Answers,
    chains: Chains,
) -> Outcomes:
    escalation = await answers.last()
    deeds = await _deeds(past, escalation)
    if escalation and _is_last(escalation, deeds, past):
        return await _stopped(escalation, chains, departures, stays, event)
    chat_id = chat_of(deeds[0])
    target = Target(await _item(deeds, lines), chat_id, here=event.chat.id == chat_id)
    accounts = await users.accounts(deed.person_id for deed in deeds)
    people = [person_of(deed.person_id, accounts) for deed in deeds]
    if deeds[0].method in ARRIVING:
        undone = await _take_out(departures, target, people)
    else:
        undone = await _bring_back(arrivals, target, people)
    return await _told(undone, [deeds[0].command_id], stays)


async def _deeds(past: Past, escalation: Escalation | None) -> list[Deed]:
    """Give what was done last; nothing where an escalation goes on for which nothing had to be.

    Raises ``NothingToUndo``, ``CannotUndo``.
    """
    try:
        return await past.last_deeds(escalation.acts if escalation else {})
    except NothingToUndo:
        if escalation is None or escalation.chain.ended or past.pressed_of:
            raise
        return []


def _is_last(escalation: Escalation, deeds: Sequence[Deed], past: Past) -> bool:
    """Say whether an escalation is what was done last, or what a button was pressed for."""
    if past.pressed_of:
        return past.pressed_of == escalation.id
    newest = max((deed.command_id for deed in deeds), default=0)
    return escalation.id == newest or (escalation.id > newest and not escalation.chain.ended)


async def _stopped(
    escalation: Escalation,
    chains: Chains,
    departures: Departures,
    stays: Stays,
    event: CommandEvent,
) -> Outcomes:
    """Stop an escalation, if it goes on, and take those out who came for it."""
    escalation = await chains.undo(escalation)
    chain = escalation.chain
    told = [one for one in await ended(Step(escalation), chains) if isinstance(one, NotNeeded)]
    people = [one.person for one in chain.callees if one.joined]
    if not people:
        return [EscalationStopped(item=chain.item, chat_id=chain.chat_id, remains=False), *told]
    target = Target(chain.item, chain.chat_id, here=event.chat.id == chain.chat_id)
    undone = await _take_out(departures, target, people)
    return [*await _told(undone, {escalation.id, *escalation.acts}, stays), *told]


async def _told(undone: Undone, commands: Iterable[int], stays: Stays) -> Sequence[Told]:
    """Tell what is undone, and cancel the ends of stays where nobody is left of these commands."""
    if not undone.missed:
        for number in commands:
            await stays.cancel(number)
    refusals = reasons(undone.missed)
    return [undone, *refusals] if undone.removed or undone.returned else refusals


async def _take_out(departures: Departures, target: Target, people: Sequence[Person]) -> Undone:
    departure = await departures.take_out(target, people)
    removed = (*departure.gone, *departure.absent)
    return _undone(target, departure.missed, removed=removed)


async def _bring_back(arrivals: Arrivals, target: Target, people: Sequence[Person]) -> Undone:
    arrival = await arrivals.bring(target, people, Wish())
    returned = (*arrival.joined, *arrival.present)
    return _undone(target, arrival.missed, returned=returned)


def _undone(target: Target, missed: tuple[Missed, ...], **people: tuple[Person, ...]) -> Undone:
    chat_id, here = target.chat_id, target.here
    return Undone(missed=missed, item=target.item, chat_id=chat_id, here=here, **people)


async def _item(deeds: Sequence[Deed], lines: OpenLines) -> CrmItem | None:
    """Give the item that it was done by, or that the chat is bound to."""
    if item := next(filter(None, map(item_of, deeds)), None):
        return item
    try:
        return next(iter((await lines.dialog(chat_of(deeds[0]))).items), None)
    except Refused:
        return None
