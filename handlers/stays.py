"""The end of ``--for``: a reminder, an hour more, the removal."""

import time

from bot.acting.open_lines import ARRIVING, OpenLines, Target
from bot.bitrix24.entities import Offer, Person
from bot.bitrix24.errors import Bitrix24Error, NoPermission, Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.retry import NOT_KNOWN
from bot.commands.departures import Departure, Departures
from bot.commands.diagnosis import Diagnosis
from bot.commands.needed import Needed
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.past import Past
from bot.commands.router import Arguments, Router
from bot.errors import Refusal
from bot.inbox.stays import Guests, Stay, Stays

router = Router()

HOUR = 3600

# What keeps the requester from seeing who is in a chat.
UNSEEN: tuple[type[Bitrix24Error], ...] = (NoPermission, *NOT_KNOWN)


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


class StayNeeded(Outcome):
    """Their time is up, and they stay: an escalation wants them in the chat."""

    people: tuple[Person, ...]
    chat_id: int


class StayNotOver(Outcome):
    """They could not be taken out; ``unanswered``: for a day the portal has not said why."""

    people: tuple[Person, ...]
    chat_id: int
    unanswered: bool = False


class GuestStays(Outcome):
    to: Person
    who: Person
    chat_id: int


class TooLate(Refusal):
    """What was to be put off has happened."""


@router.button("remind", proven=True)
async def remind(
    args: StayArguments, event: CommandEvent, *, stays: Stays, past: Past, lines: OpenLines
) -> Outcomes:
    stay = await _stay(args, event, stays)
    if stay is None or not (guests := await _present(stay, past, lines)).people:
        return []
    return StayEnds(
        people=guests.people,
        chat_id=guests.chat_id,
        minutes=max(1, round((stay.until - time.time()) / 60)),
        offers=(Offer(name="extend", act=args.act("extend")),),
    )


@router.button("extend", proven=True)
async def extend(
    args: StayArguments, event: CommandEvent, *, stays: Stays, past: Past, lines: OpenLines
) -> StayExtended:
    stay = await _stay(args, event, stays)
    if stay is None or not (guests := await _present(stay, past, lines)).people:
        raise TooLate
    if not await stays.extend(stay, HOUR):
        raise TooLate
    return StayExtended(people=guests.people, chat_id=guests.chat_id)


@router.button("expire")
async def expire(
    args: StayArguments,
    event: CommandEvent,
    *,
    stays: Stays,
    past: Past,
    needed: Needed,
    departures: Departures,
    diagnosis: Diagnosis,
) -> Outcomes:
    stay = await _stay(args, event, stays)
    if stay is None:
        return []
    guests = await _guests(stay, past)
    # Its own end is part of an escalation that was asked for with one.
    wanted = await needed.wanted(guests.people, guests.chat_id, guests.since, but=stay.command_id)
    told = [StayNeeded(people=tuple(wanted), chat_id=guests.chat_id)] if wanted else []
    guests = guests.but(wanted)
    if not guests.people:
        return told
    try:
        target = Target(guests.item, guests.chat_id)
        departure = await departures.take_out_but_operator(target, guests.people)
    except NoPermission:
        return [*told, *_staying(guests, event)]
    except NOT_KNOWN:
        return [] if await stays.put_off(stay) else [*told, _not_over(guests, unanswered=True)]
    except Refused as refused:
        return [*told, _not_over(guests), diagnosis.of(refused)]
    return [*told, *_over(departure, guests)]


def _staying(guests: Guests, event: CommandEvent) -> list[Told]:
    requester, chat_id = Person(id=event.user.id), guests.chat_id
    others = [one for one in guests.people if one.id != requester.id]
    told = [GuestStays(to=one, who=requester, chat_id=chat_id) for one in others]
    return [StayGoesOn(people=guests.people, chat_id=chat_id), *told]


def _not_over(guests: Guests, *, unanswered: bool = False) -> StayNotOver:
    return StayNotOver(people=guests.people, chat_id=guests.chat_id, unanswered=unanswered)


def _over(departure: Departure, guests: Guests) -> list[Told]:
    # Who has left by themselves, or was removed by somebody, needs no word. Where the end was put
    # off, it may have been the bot.
    gone = departure.gone if guests.late is None else (*departure.gone, *departure.absent)
    told: list[Told] = [StayOver(people=gone, chat_id=guests.chat_id)] if gone else []
    if departure.missed:
        still = tuple(one.person for one in departure.missed)
        told.append(StayNotOver(people=still, chat_id=guests.chat_id))
    return [*told, *(one.why for one in departure.missed)]


async def _guests(stay: Stay, past: Past) -> Guests:
    """Give the guests of a stay, but for those whom a later command has brought in again."""
    guests, after = stay.guests, stay.command_id
    return guests.but(await past.done_again(ARRIVING, guests.people, guests.chat_id, after))


async def _present(stay: Stay, past: Past, lines: OpenLines) -> Guests:
    """Give those of them who are still in the chat, as far as the portal shows it."""
    guests = await _guests(stay, past)
    try:
        members = await lines.members(guests.chat_id)
    except UNSEEN:
        return guests
    return guests.but([one for one in guests.people if members and one.id not in members])


async def _stay(args: StayArguments, event: CommandEvent, stays: Stays) -> Stay | None:
    """Give the stay that is meant, unless it has been put off or is somebody else's."""
    stay = await stays.find(args.id)
    if stay is None or stay.until != args.until:
        return None
    own = (stay.event.member_id, stay.event.user.id) == (event.member_id, event.user.id)
    return stay if own else None
