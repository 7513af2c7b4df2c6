"""/remove: take colleagues out of the customer's chat."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.bitrix24.entities import Act, CrmItem, Offer, Person, Someone
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.open_lines import Membership, OpenLines, Target
from bot.commands.arrivals import Missed, missing
from bot.commands.people import People
from bot.commands.router import Arguments, Router
from bot.commands.targets import Targets
from bot.diagnosis import Denied, Diagnosis
from bot.errors import NotHere, Refusal
from bot.outcomes import Outcome, Outcomes, Told

router = Router()


class Remove(Arguments):
    item: CrmItem | None = None
    chat_id: int = 0
    people: tuple[Someone, ...]
    dry: bool = False
    yes: bool = False
    reason: str = ""


class Removed(Outcome):
    people: tuple[Person, ...]
    missed: tuple[Missed, ...]
    item: CrmItem
    chat_id: int
    here: bool


class WouldRemove(Outcome):
    people: tuple[Person, ...]
    item: CrmItem


@dataclass(eq=False)
class RemovesOperator(Refusal):
    """The dialog's own operator is about to be removed."""

    person: Person
    offers: tuple[Offer, ...]


@dataclass(eq=False)
class NobodyToRemove(Refusal):
    """The item has no open-line chat: the portal answered 0 to a removal."""

    item: CrmItem


@router.command("remove")
async def remove(
    args: Remove,
    event: CommandEvent,
    *,
    targets: Targets,
    people: People,
    lines: OpenLines,
    diagnosis: Diagnosis,
) -> Outcomes:
    target = await targets.find(args, event)
    found = await people.resolve(args.people, event, lambda one: _for(args, one), target.item)
    wanted, refusals = found.people, list(found.refusals)
    if not args.yes and (owner := await _operator(wanted, target, event, lines)):
        wanted = [person for person in wanted if person != owner]
        refusals.append(_asked(args, owner))
    if not wanted:
        return refusals
    if args.dry:
        offer = Offer(name="do_it", act=_for(args, *wanted, dry=False))
        return [WouldRemove(people=tuple(wanted), item=target.item, offers=(offer,)), *refusals]
    memberships = await lines.remove(target, wanted)
    missed = await _missed(memberships, target, diagnosis)
    return _told(memberships, missed, refusals, target)


def _for(args: Remove, *people: Person, **changed: object) -> Act:
    return Act(name="remove", params=args.told(people=people, **changed))


def _asked(args: Remove, owner: Person) -> RemovesOperator:
    return RemovesOperator(owner, (Offer(name="remove", act=_for(args, owner, yes=True)),))


async def _operator(
    wanted: Sequence[Person], target: Target, event: CommandEvent, lines: OpenLines
) -> Person | None:
    """Find the dialog's own operator among those who are to leave."""
    chat_id = target.chat_id or target.last_chat
    owner = event.chat.owner if target.here else 0
    if not owner and chat_id:
        owner = (await lines.dialog(chat_id)).owner_id
    return next((person for person in wanted if person.id == owner), None)


async def _missed(
    memberships: Sequence[Membership], target: Target, diagnosis: Diagnosis
) -> list[Missed]:
    denied = [Denied(one.person, one.refused) for one in memberships if one.refused]
    refusals = await diagnosis.explain_removal(denied, target.item, target.chat_id)
    missed = [Missed(one.person, why) for one, why in zip(denied, refusals, strict=True)]
    for one in memberships:
        if one.unclear:
            missed.append(Missed(one.person, diagnosis.unclear(one.person)))
        elif not one.refused and not one.chat_id:
            missed.append(Missed(one.person, NobodyToRemove(target.item)))
        elif not one.refused and one.changed is False:
            missed.append(Missed(one.person, NotHere(one.person)))
    return missed


def _told(
    memberships: Sequence[Membership],
    missed: Sequence[Missed],
    refusals: Sequence[Refusal],
    target: Target,
) -> list[Told]:
    still = {one.person.id for one in missed}
    removed = [one for one in memberships if one.person.id not in still]
    told: list[Told] = [*refusals, *(one.why for one in missed)]
    if not removed:
        return told
    return [
        Removed(
            people=tuple(one.person for one in removed),
            missed=(*missing(refusals), *missed),
            item=target.item,
            chat_id=removed[0].chat_id,
            here=target.here,
            offers=(Offer(name="undo", act=Act(name="undo")),),
        ),
        *told,
    ]
