"""/invite: bring colleagues into the customer's chat."""

from collections.abc import Sequence

from bot.bitrix24.entities import Act, CrmItem, Offer, Person, Someone
from bot.bitrix24.events import CommandEvent
from bot.commands.arrivals import Arrival, Arrivals, Missed, missing
from bot.commands.people import People
from bot.commands.router import Arguments, Router
from bot.commands.targets import Targets
from bot.errors import Refusal
from bot.outcomes import Outcome, Outcomes, Told

router = Router()


class Invite(Arguments):
    item: CrmItem | None = None
    chat_id: int = 0
    people: tuple[Someone, ...]
    dry: bool = False
    yes: bool = False
    lasting: int = 0
    reason: str = ""


class Invited(Outcome):
    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    item: CrmItem
    chat_id: int
    here: bool
    lasting: int


class AlreadyHere(Outcome):
    people: tuple[Person, ...]


class WouldInvite(Outcome):
    people: tuple[Person, ...]
    item: CrmItem


@router.command("invite")
async def invite(
    args: Invite, event: CommandEvent, *, targets: Targets, people: People, arrivals: Arrivals
) -> Outcomes:
    target = await targets.find(args, event)
    found = await people.resolve(args.people, event, lambda one: _for(args, (one,)), target.item)
    if not found.people:
        return found.refusals
    if args.dry:
        offer = Offer(name="do_it", act=_for(args, tuple(found.people), dry=False))
        would = WouldInvite(people=tuple(found.people), item=target.item, offers=(offer,))
        return [would, *found.refusals]
    arrival = await arrivals.bring(target, found.people, args.lasting)
    briefs = await arrivals.briefs(arrival, target.item, args.reason, event) if args.reason else []
    return [*_told(arrival, found.refusals, target.item, args, here=target.here), *briefs]


def _for(args: Invite, people: tuple[Person, ...], **changed: object) -> Act:
    return Act(name="invite", params=args.told(people=people, **changed))


def _told(
    arrival: Arrival, refusals: Sequence[Refusal], item: CrmItem, args: Invite, *, here: bool
) -> list[Told]:
    if arrival.joined:
        invited = Invited(
            joined=arrival.joined,
            present=arrival.present,
            missed=(*missing(refusals), *arrival.missed),
            item=item,
            chat_id=arrival.chat_id,
            here=here,
            lasting=args.lasting,
            offers=(Offer(name="undo", act=Act(name="undo")),),
        )
        return [invited, *refusals, *arrival.refusals]
    already = [AlreadyHere(people=arrival.present)] if arrival.present else []
    return [*already, *refusals, *arrival.refusals]
