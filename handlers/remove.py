"""/remove: take colleagues out of the customer's chat."""

from collections.abc import Sequence

from bot.acting.open_lines import OpenLines, Target
from bot.bitrix24.entities import Act, CrmItem, Offer, Person
from bot.bitrix24.events import CommandEvent
from bot.commands.departures import Departure, Departures, Remove, ask_first
from bot.commands.missed import Missed, missing
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.people import People
from bot.commands.router import Router
from bot.commands.targets import Targets
from bot.errors import NotHere, Refusal

router = Router()


class Removed(Outcome):
    people: tuple[Person, ...]
    missed: tuple[Missed, ...]
    item: CrmItem | None
    chat_id: int
    here: bool


class WouldRemove(Outcome):
    people: tuple[Person, ...]
    item: CrmItem | None


@router.command("remove")
async def remove(
    args: Remove,
    event: CommandEvent,
    *,
    targets: Targets,
    people: People,
    lines: OpenLines,
    departures: Departures,
) -> Outcomes:
    target = await targets.find(args)
    found = await people.resolve(args.people, args, target)
    if not target.here or event.chat.customer_id is None:
        found = await people.but_customers(found)
    wanted, refusals = found.people, list(found.refusals)
    if not args.yes and (owner := await _operator(wanted, target, event, lines)):
        wanted = [person for person in wanted if person != owner]
        refusals.append(ask_first(args, owner))
    if not wanted:
        return refusals
    if args.dry:
        offer = Offer(name="do_it", act=args.act("remove", people=tuple(wanted), dry=False))
        return [WouldRemove(people=tuple(wanted), item=target.item, offers=(offer,)), *refusals]
    return _told(await departures.take_out(target, wanted), refusals, target)


async def _operator(
    wanted: Sequence[Person], target: Target, event: CommandEvent, lines: OpenLines
) -> Person | None:
    """Find the dialog's own operator among those who are to leave."""
    chat_id = target.known_chat
    owner = event.chat.owner if target.here else 0
    if not owner and chat_id:
        owner = (await lines.dialog(chat_id)).owner
    return next((person for person in wanted if person.id == owner), None)


def _told(departure: Departure, refusals: Sequence[Refusal], target: Target) -> list[Told]:
    chat_id = 0 if target.here else departure.chat_id
    absent = tuple(Missed(one, NotHere(one, chat_id, target.item)) for one in departure.absent)
    missed = (*departure.missed, *absent)
    told: list[Told] = [*refusals, *(one.why for one in missed)]
    if not departure.gone:
        return told
    return [
        Removed(
            people=departure.gone,
            missed=(*missing(refusals), *missed),
            item=target.item,
            chat_id=departure.chat_id,
            here=target.here,
            offers=(Offer(name="undo", act=Act(name="undo")),),
        ),
        *told,
    ]
