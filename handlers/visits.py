"""The end of ``--for``: a reminder, an hour more, the removal."""

from bot.acting.open_lines import OpenLines, Target
from bot.bitrix24.entities import Offer, Person
from bot.bitrix24.errors import NoPermission
from bot.bitrix24.events import CommandEvent
from bot.commands.departures import Departure, Departures
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.router import Arguments, Router
from bot.errors import Refusal
from bot.inbox.stays import Guests, Stay, Stays
from handlers.remove import take_out_but_operator

router = Router()

HOUR = 3600


class Visit(Arguments):
    id: int
    until: float


class VisitEnds(Outcome):
    people: tuple[Person, ...]
    chat_id: int
    minutes: int


class VisitExtended(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class VisitOver(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class VisitStays(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class VisitNotOver(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class GuestStays(Outcome):
    to: Person
    who: Person
    chat_id: int


class TooLate(Refusal):
    """What was to be put off has happened."""


@router.button("remind", proven=True)
async def remind(args: Visit, event: CommandEvent, *, stays: Stays) -> Outcomes:
    guests = await _guests(args, event, stays)
    if guests is None:
        return []
    return VisitEnds(
        people=guests.stay.people,
        chat_id=guests.stay.chat_id,
        minutes=max(1, round(guests.minutes_left)),
        offers=(Offer(name="extend", act=args.act("extend")),),
    )


@router.button("extend", proven=True)
async def extend(args: Visit, event: CommandEvent, *, stays: Stays) -> VisitExtended:
    guests = await _guests(args, event, stays)
    if guests is None or not await stays.extend(guests, HOUR):
        raise TooLate
    return VisitExtended(people=guests.stay.people, chat_id=guests.stay.chat_id)


@router.button("expire")
async def expire(
    args: Visit, event: CommandEvent, *, stays: Stays, departures: Departures, lines: OpenLines
) -> Outcomes:
    guests = await _guests(args, event, stays)
    if guests is None:
        return []
    stay = guests.stay
    target = Target(stay.item, stay.chat_id)
    try:
        departure = await take_out_but_operator(departures, lines, target, stay.people)
    except NoPermission:
        told = [
            GuestStays(to=person, who=Person(id=event.user.id), chat_id=stay.chat_id)
            for person in stay.people
        ]
        return [VisitStays(people=stay.people, chat_id=stay.chat_id), *told]
    return _over(departure, stay)


def _over(departure: Departure, stay: Stay) -> Outcomes:
    # Who has left by themselves, or was removed by somebody, needs no word.
    gone, missed = departure.gone, departure.missed
    told: list[Told] = [VisitOver(people=gone, chat_id=stay.chat_id)] if gone else []
    if missed:
        still = tuple(one.person for one in missed)
        told.append(VisitNotOver(people=still, chat_id=stay.chat_id))
    return [*told, *(one.why for one in missed)]


async def _guests(args: Visit, event: CommandEvent, stays: Stays) -> Guests | None:
    """Give the stay that is meant, unless it has been put off or is somebody else's."""
    guests = await stays.find(args.id)
    if guests is None or guests.until != args.until:
        return None
    own = (guests.event.member_id, guests.event.user.id) == (event.member_id, event.user.id)
    return guests if own else None
