"""The end of ``--for``: a reminder, an hour more, the removal."""

from bot.acting.open_lines import OpenLines, Target
from bot.bitrix24.entities import Offer, Person
from bot.bitrix24.errors import NoPermission
from bot.bitrix24.events import CommandEvent
from bot.commands.departures import Departure, Departures
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.past import Past
from bot.commands.router import Arguments, Router
from bot.errors import Refusal
from bot.inbox.stays import Guests, Stay, Stays
from handlers.remove import take_out_but_operator

router = Router()

HOUR = 3600


class StayArguments(Arguments):
    id: int
    until: float


class StayEnds(Outcome):
    people: tuple[Person, ...]
    chat_id: int
    minutes: int


class StayExtended(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class StayOver(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class StayGoesOn(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class StayNotOver(Outcome):
    people: tuple[Person, ...]
    chat_id: int


class GuestStays(Outcome):
    to: Person
    who: Person
    chat_id: int


class TooLate(Refusal):
    """What was to be put off has happened."""


@router.button("remind", proven=True)
async def remind(args: StayArguments, event: CommandEvent, *, stays: Stays, past: Past) -> Outcomes:
    stay = await _stay(args, event, stays)
    if stay is None or not (guests := await _guests(stay, past)).people:
        return []
    return StayEnds(
        people=guests.people,
        chat_id=stay.guests.chat_id,
        minutes=max(1, round(stay.minutes_left)),
        offers=(Offer(name="extend", act=args.act("extend")),),
    )


@router.button("extend", proven=True)
async def extend(args: StayArguments, event: CommandEvent, *, stays: Stays) -> StayExtended:
    stay = await _stay(args, event, stays)
    if stay is None or not await stays.extend(stay, HOUR):
        raise TooLate
    return StayExtended(people=stay.guests.people, chat_id=stay.guests.chat_id)


@router.button("expire")
async def expire(
    args: StayArguments,
    event: CommandEvent,
    *,
    stays: Stays,
    past: Past,
    departures: Departures,
    lines: OpenLines,
) -> Outcomes:
    stay = await _stay(args, event, stays)
    if stay is None or not (guests := await _guests(stay, past)).people:
        return []
    target = Target(guests.item, guests.chat_id)
    try:
        departure = await take_out_but_operator(departures, lines, target, guests.people)
    except NoPermission:
        told = [
            GuestStays(to=person, who=Person(id=event.user.id), chat_id=guests.chat_id)
            for person in guests.people
        ]
        return [StayGoesOn(people=guests.people, chat_id=guests.chat_id), *told]
    return _over(departure, guests)


def _over(departure: Departure, guests: Guests) -> Outcomes:
    # Who has left by themselves, or was removed by somebody, needs no word.
    gone, missed = departure.gone, departure.missed
    told: list[Told] = [StayOver(people=gone, chat_id=guests.chat_id)] if gone else []
    if missed:
        still = tuple(one.person for one in missed)
        told.append(StayNotOver(people=still, chat_id=guests.chat_id))
    return [*told, *(one.why for one in missed)]


async def _guests(stay: Stay, past: Past) -> Guests:
    """Give the guests of a stay, but for those whom a later command has brought in again."""
    guests = stay.guests
    numbers = [one.id for one in guests.people]
    again = await past.came_again(numbers, guests.chat_id, stay.command_id)
    people = tuple(one for one in guests.people if one.id not in again)
    return guests.model_copy(update={"people": people})


async def _stay(args: StayArguments, event: CommandEvent, stays: Stays) -> Stay | None:
    """Give the stay that is meant, unless it has been put off or is somebody else's."""
    stay = await stays.find(args.id)
    if stay is None or stay.until != args.until:
        return None
    own = (stay.event.member_id, stay.event.user.id) == (event.member_id, event.user.id)
    return stay if own else None
