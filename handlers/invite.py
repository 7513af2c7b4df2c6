"""/invite: bring colleagues into the customer's chat, and what they may say to that."""

from collections.abc import Sequence

from bot.acting.requester import Requester
from bot.bitrix24.entities import Act, CrmItem, Offer, Person, Someone
from bot.bitrix24.events import CommandEvent
from bot.commands.arrivals import ADD_BY_CHAT, Answer, Arrival, Arrivals, ByChat, Wish
from bot.commands.errors import ButtonExpired
from bot.commands.missed import Missed, missing, of_chat
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.people import People
from bot.commands.router import Router
from bot.commands.targets import Aimed, Targets
from bot.errors import NotBound, Refusal
from bot.portals.settings import PortalSettings

router = Router()


class Invite(Aimed):
    people: tuple[Someone, ...]
    dry: bool = False
    lasting: int = 0
    reason: str = ""


# A line in the chat for each person, and no more lines than this.
MOST_LINES = 10


class Invited(Outcome):
    """Who is in the chat now, who was before, and who is not; ``more`` are told of elsewhere."""

    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    by_chat: tuple[Person, ...] = ()
    item: CrmItem | None
    chat_id: int
    here: bool
    lasting: int
    more: int = 0


class OthersInvited(Outcome):
    """The rest of those invited, for whom there was no room in the chat."""

    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    item: CrmItem | None
    chat_id: int
    inside: bool


class AlreadyHere(Outcome):
    """``inside``: the chat is that of the command; ``lasting``: for how long they were wanted."""

    people: tuple[Person, ...]
    item: CrmItem | None
    chat_id: int
    inside: bool
    lasting: int


class WouldInvite(Outcome):
    people: tuple[Person, ...]
    item: CrmItem
    lasting: int


class Passed(Outcome):
    who: Person


class TakenOn(Outcome):
    to: Person
    person: Person


class Declined(Outcome):
    to: Person
    person: Person


@router.command("invite")
async def invite(
    args: Invite, event: CommandEvent, *, targets: Targets, people: People, arrivals: Arrivals
) -> Outcomes:
    target = await targets.find(args)
    found = await people.resolve(args.people, args, target)
    if not found.people:
        return found.refusals
    if args.dry:
        if target.item is None:
            raise of_chat(NotBound(), target.chat_id, event.chat.id)
        offer = Offer(name="do_it", act=args.act("invite", people=tuple(found.people), dry=False))
        would = WouldInvite(
            people=tuple(found.people), item=target.item, lasting=args.lasting, offers=(offer,)
        )
        return [would, *found.refusals]
    wish = Wish(lasting=args.lasting, reason=args.reason, briefed=bool(args.reason))
    arrival = await arrivals.bring(target, found.people, wish)
    told = told_of(arrival, found.refusals, target.item, args.lasting, here=target.here)
    return [*told, *await arrivals.briefs(arrival, target.item, wish)]


@router.button(ADD_BY_CHAT)
async def add_by_chat(
    args: ByChat, event: CommandEvent, *, arrivals: Arrivals, settings: PortalSettings
) -> Outcomes:
    if settings.by_chat == "never":
        raise ButtonExpired
    arrival = await arrivals.bring_by_chat(args)
    here = args.chat_id == event.chat.id
    told = told_of(arrival, (), args.item, args.lasting, here=here)
    return [*told, *await arrivals.briefs(arrival, args.item, args)]


@router.button("on_it", proven=True)
async def take_on(args: Answer, event: CommandEvent, *, requester: Requester) -> Outcomes:
    told = TakenOn(to=args.caller, person=requester.person)
    return [Passed(who=args.caller), told]


@router.button("cannot", proven=True)
async def decline(args: Answer, event: CommandEvent, *, requester: Requester) -> Outcomes:
    told = Declined(to=args.caller, person=requester.person)
    return [Passed(who=args.caller), told]


def told_of(
    arrival: Arrival,
    refusals: Sequence[Refusal],
    item: CrmItem | None,
    lasting: int,
    *,
    here: bool,
) -> list[Told]:
    """Tell who is in the chat now, and why others are not."""
    if arrival.joined:
        missed = (*missing(refusals), *arrival.missed)
        return [*_invited(arrival, missed, item, lasting, here=here), *refusals, *arrival.refusals]
    if not arrival.present:
        return [*refusals, *arrival.refusals]
    already = AlreadyHere(
        people=arrival.present,
        item=item,
        chat_id=arrival.chat_id,
        inside=here,
        lasting=lasting,
    )
    return [already, *refusals, *arrival.refusals]


def _invited(
    arrival: Arrival,
    missed: tuple[Missed, ...],
    item: CrmItem | None,
    lasting: int,
    *,
    here: bool,
) -> list[Told]:
    """Tell the fate of each: in the chat as far as there is room, and the rest privately."""
    total = len(missed) + len(arrival.joined) + len(arrival.present)
    lines = MOST_LINES - bool(arrival.by_chat)
    # What is told privately anyway need not be cut.
    room = total if total <= lines or not here else lines - 1
    joined, present = max(0, room - len(missed)), max(0, room - len(missed) - len(arrival.joined))
    invited = Invited(
        joined=arrival.joined[:joined],
        present=arrival.present[:present],
        missed=missed[:room],
        by_chat=arrival.by_chat,
        item=item,
        chat_id=arrival.chat_id,
        here=here,
        lasting=lasting,
        more=max(0, total - room),
        offers=(Offer(name="undo", act=Act(name="undo")),),
    )
    others = OthersInvited(
        joined=arrival.joined[joined:],
        present=arrival.present[present:],
        missed=missed[room:],
        item=item,
        chat_id=arrival.chat_id,
        inside=here,
    )
    return [invited, others] if total > room else [invited]
