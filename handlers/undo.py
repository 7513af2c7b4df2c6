"""/undo: take back what the requester's last command in this chat has really changed."""

from collections.abc import Iterable, Sequence

from bot.acting.history import Deed
from bot.acting.open_lines import ARRIVING, LEAVING, OpenLines, Target
from bot.acting.users import Users
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import NoPermission
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import person_of
from bot.commands.answers import Answers
from bot.commands.arrivals import Arrivals, Wish
from bot.commands.chain import Chains
from bot.commands.departures import Departures
from bot.commands.errors import NothingToUndo
from bot.commands.missed import Missed, reasons
from bot.commands.needed import Needed
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.past import Past, chat_of
from bot.commands.router import Arguments, Router
from bot.errors import PermissionNeeded
from bot.inbox.escalations import Callee, Escalation
from bot.inbox.stays import Stays
from handlers.chain import EscalationStopped, let_go, not_needed

router = Router()


class Undone(Outcome):
    """What is undone, perhaps of an escalation.

    ``kept`` stay, as another one wants them there; ``again`` stay, as a later command has brought
    them in once more; ``out`` do not come back, as a later command has taken them out once more.
    """

    removed: tuple[Person, ...] = ()
    returned: tuple[Person, ...] = ()
    missed: tuple[Missed, ...]
    kept: tuple[Person, ...] = ()
    again: tuple[Person, ...] = ()
    out: tuple[Person, ...] = ()
    escalated: bool = False
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
    needed: Needed,
) -> Outcomes:
    escalations, over = await answers.own()
    # Of what an earlier /undo has ended, somebody may have stayed who can leave by now.
    left = [one for one in over if await needed.free(one, _came(one))]
    acts = {act: one.id for one in (*escalations, *over) for act in one.acts}
    deeds = await past.last_deeds(acts, {one.id for one in over if one not in left})
    if escalation := _meant([*escalations, *left], deeds, past, chains):
        return await _undo_escalation(escalation, event, past, chains, needed, departures, stays)
    if not deeds:
        raise NothingToUndo
    chat_id = chat_of(deeds[0])
    target = Target(await _item(deeds, lines), chat_id, here=event.chat.id == chat_id)
    accounts = await users.accounts(deed.person_id for deed in deeds)
    people = [person_of(deed.person_id, accounts) for deed in deeds]
    came = deeds[0].method in ARRIVING
    methods, number = ARRIVING if came else LEAVING, deeds[0].command_id
    again = await past.done_again(methods, people, chat_id, number)
    people = [one for one in people if one not in again]
    if came:
        kept = await needed.wanted(people, chat_id, min(deed.at for deed in deeds))
        undone = await _take_out(departures, target, people, kept)
    else:
        undone = await _bring_back(arrivals, target, people)
    undone = undone.model_copy(update={"again" if came else "out": tuple(again)})
    if not (undone.removed or undone.returned):
        # Nothing has changed: the chat need not hear of it.
        undone = undone.model_copy(update={"here": False})
    return await _told(undone, [number], stays)


def _meant(
    escalations: Sequence[Escalation], deeds: Sequence[Deed], past: Past, chains: Chains
) -> Escalation | None:
    """Give the escalation that these deeds are of, or a later one for which nothing had to be done.

    Where a button was pressed nothing later is meant than the command under whose answer it stands.
    """
    newest = deeds[0].command_id if deeds else 0
    if not past.pressed_of:
        for one in escalations:
            # This very command may have stopped it, before it was cut short.
            if one.id > newest and (one.chain.ended is None or chains.has_ended(one)):
                return one
    return next((one for one in escalations if one.id == newest), None)


def _came(escalation: Escalation) -> list[Callee]:
    return [one for one in escalation.chain.callees if one.joined]


async def _undo_escalation(
    escalation: Escalation,
    event: CommandEvent,
    past: Past,
    chains: Chains,
    needed: Needed,
    departures: Departures,
    stays: Stays,
) -> Outcomes:
    """Stop an escalation, if it goes on, and take those out who came for it.

    Who was called hears at once that it has ended: the permission to take them out may never come.
    """
    is_told = chains.is_taken_up and chains.has_ended(escalation)
    escalation = await chains.undo(escalation)
    if not is_told:
        chains.record(escalation)
    chain, came = escalation.chain, [one.person for one in _came(escalation)]
    free = await needed.free(escalation, chain.callees)
    target = Target(chain.item, chain.chat_id, here=event.chat.id == chain.chat_id)
    acts = escalation.acts
    again = await past.done_again(ARRIVING, came, chain.chat_id, escalation.id, acts)
    came = [one for one in came if one not in again]
    kept = [one for one in came if one not in free]
    try:
        undone = await _take_out(departures, target, came, kept)
    except NoPermission:
        if is_told or not chains.has_ended(escalation):
            raise
        return [PermissionNeeded(), *not_needed(escalation, free, ())]
    undone = undone.model_copy(update={"escalated": True, "again": tuple(again)})
    told = await _told(undone, acts, stays)
    if not chains.has_ended(escalation):
        return [*told, *let_go(escalation, undone.removed)]
    stopped = EscalationStopped(item=chain.item, chat_id=chain.chat_id, remains=False)
    if not (undone.removed or undone.kept or undone.again):
        told = [stopped, *told]
    off = not_needed(escalation, free, undone.removed)
    return [*told, *(one for one in off if one.left or not is_told)]


async def _told(undone: Undone, commands: Iterable[int], stays: Stays) -> Sequence[Told]:
    """Tell what is undone, and cancel the ends of stays where nobody is left of these commands."""
    if not (undone.missed or undone.kept):
        await stays.cancel(commands)
    refusals = reasons(undone.missed)
    is_told = undone.removed or undone.returned or undone.kept or undone.again or undone.out
    return [undone, *refusals] if is_told else refusals


async def _take_out(
    departures: Departures, target: Target, people: Sequence[Person], kept: Sequence[Person]
) -> Undone:
    going = [one for one in people if one not in kept]
    if not going:
        return _undone(target, (), kept=tuple(kept))
    departure = await departures.take_out_but_operator(target, going)
    removed = (*departure.gone, *departure.absent)
    return _undone(target, departure.missed, removed=removed, kept=tuple(kept))


async def _bring_back(arrivals: Arrivals, target: Target, people: Sequence[Person]) -> Undone:
    if not people:
        return _undone(target, ())
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
    return (await lines.known_dialog(chat_of(deeds[0]))).bound_item
