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
from bot.commands.past import Past, chat_of
from bot.commands.router import Arguments, Router
from bot.inbox.escalations import Callee, Escalation
from bot.inbox.stays import Stays
from handlers.chain import EscalationStopped, NotNeeded, ended, let_go
from handlers.remove import spared

router = Router()


class Undone(Outcome):
    """What is undone; ``kept`` stay, for another escalation wants them in the chat."""

    removed: tuple[Person, ...] = ()
    returned: tuple[Person, ...] = ()
    missed: tuple[Missed, ...]
    kept: tuple[Person, ...] = ()
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
    escalations, over = await answers.own()
    left = [one for one in over if await chains.free(one, _came(one))]
    deeds = await _deeds(past, escalations, over, left)
    if escalation := _meant(escalations, left, deeds, past):
        return await _stopped(escalation, chains, departures, lines, stays, event)
    chat_id = chat_of(deeds[0])
    target = Target(await _item(deeds, lines), chat_id, here=event.chat.id == chat_id)
    accounts = await users.accounts(deed.person_id for deed in deeds)
    people = [person_of(deed.person_id, accounts) for deed in deeds]
    if deeds[0].method in ARRIVING:
        undone = await _take_out(departures, lines, target, people)
    else:
        undone = await _bring_back(arrivals, target, people)
    return await _told(undone, [deeds[0].command_id], stays)


async def _deeds(
    past: Past,
    escalations: Sequence[Escalation],
    over: Sequence[Escalation],
    left: Sequence[Escalation],
) -> list[Deed]:
    """Give what was done last; nothing where an escalation goes on for which nothing had to be.

    Those that are ``over`` have been undone; of them ``left``, somebody may have stayed.
    Raises ``NothingToUndo``, ``CannotUndo``.
    """
    acts = {act: one.id for one in (*escalations, *over) for act in (one.id, *one.acts)}
    try:
        return await past.last_deeds(acts, {one.id for one in over if one not in left})
    except NothingToUndo:
        if past.pressed_of or not any(map(_goes_on, escalations)):
            raise
        return []


def _meant(
    escalations: Sequence[Escalation],
    left: Sequence[Escalation],
    deeds: Sequence[Deed],
    past: Past,
) -> Escalation | None:
    """Give the escalation that was done last, or under whose answer a button was pressed."""
    newest = past.pressed_of or max((deed.command_id for deed in deeds), default=0)
    later = [one for one in escalations if one.id > newest and _goes_on(one)]
    if later and not past.pressed_of:
        return later[0]
    return next((one for one in (*escalations, *left) if one.id == newest), None)


def _came(escalation: Escalation) -> list[Callee]:
    return [one for one in escalation.chain.callees if one.joined]


def _goes_on(escalation: Escalation) -> bool:
    """Say whether there is something to stop, or was before this command was cut short."""
    ended = escalation.chain.ended
    return ended is None or ended.how == "undone"


async def _stopped(
    escalation: Escalation,
    chains: Chains,
    departures: Departures,
    lines: OpenLines,
    stays: Stays,
    event: CommandEvent,
) -> Outcomes:
    """Stop an escalation, if it goes on, and take those out who came for it."""
    escalation = await chains.undo(escalation)
    chain, came = escalation.chain, _came(escalation)
    stopped: list[Told] = []
    told: list[NotNeeded] = []
    if is_now := chains.has_ended(escalation):
        stopped = [EscalationStopped(item=chain.item, chat_id=chain.chat_id, remains=False)]
        told = [one for one in await ended(Step(escalation), chains) if isinstance(one, NotNeeded)]
    if not came:
        return [*stopped, *told]
    target = Target(chain.item, chain.chat_id, here=event.chat.id == chain.chat_id)
    free = await chains.free(escalation, came)
    undone = await _take_out(departures, lines, target, free) if free else _undone(target, ())
    kept = tuple(one.person for one in came if one.person not in free)
    undone = undone.model_copy(update={"kept": kept})
    if is_now:
        told = [one.model_copy(update={"left": one.to in undone.removed}) for one in told]
    else:
        told = let_go(escalation, undone.removed)
    if undone.removed or undone.kept:
        stopped = []
    return [*stopped, *await _told(undone, {escalation.id, *escalation.acts}, stays), *told]


async def _told(undone: Undone, commands: Iterable[int], stays: Stays) -> Sequence[Told]:
    """Tell what is undone, and cancel the ends of stays where nobody is left of these commands."""
    if not undone.missed:
        for number in commands:
            await stays.cancel(number)
    refusals = reasons(undone.missed)
    is_told = undone.removed or undone.returned or undone.kept
    return [undone, *refusals] if is_told else refusals


async def _take_out(
    departures: Departures, lines: OpenLines, target: Target, people: Sequence[Person]
) -> Undone:
    """Take people out; for the dialog's operator its requester is asked first."""
    wanted, kept = await spared(lines, target, people)
    if not wanted:
        return _undone(target, kept)
    departure = await departures.take_out(target, wanted)
    removed = (*departure.gone, *departure.absent)
    return _undone(target, (*departure.missed, *kept), removed=removed)


async def _bring_back(arrivals: Arrivals, target: Target, people: Sequence[Person]) -> Undone:
    arrival = await arrivals.bring(target, people, Wish())
    returned = (*arrival.joined, *arrival.present)
    return _undone(target, arrival.missed, returned=returned)


def _undone(target: Target, missed: tuple[Missed, ...], **people: tuple[Person, ...]) -> Undone:
    chat_id, here = target.chat_id, target.here
    return Undone(missed=missed, item=target.item, chat_id=chat_id, here=here, **people)


async def _item(deeds: Sequence[Deed], lines: OpenLines) -> CrmItem | None:
    """Give the item that it was done by, or that the chat is bound to."""
    if item := next((one.item for one in deeds if one.item), None):
        return item
    try:
        return next(iter((await lines.dialog(chat_of(deeds[0]))).items), None)
    except Refused:
        return None
