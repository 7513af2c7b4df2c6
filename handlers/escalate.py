"""/escalate: call whoever has to know into the chat of a CRM item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.acting.crm import Card, Crm
from bot.acting.open_lines import Target
from bot.bitrix24.entities import ITEM_TYPES, Act, CrmItem, Offer, Person, Role, Someone
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands.arrivals import Arrival, Arrivals, Missed, Wish, missing
from bot.commands.errors import WhichItem
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.people import People, Resolved
from bot.commands.policy import Called, Policy, Skipped
from bot.commands.router import Arguments, Router
from bot.commands.targets import Targets
from bot.errors import NotBound, Refusal, RequesterLacksItem

router = Router()


class Escalate(Arguments):
    item: CrmItem | None = None
    number: int = 0
    chat_id: int = 0
    people: tuple[Someone, ...] = ()
    dry: bool = False
    yes: bool = False
    lasting: int = 0
    reason: str = ""


class Escalated(Outcome):
    item: CrmItem
    called: tuple[Called, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    by_chat: tuple[Person, ...] = ()
    skipped: tuple[Skipped, ...]
    chat_id: int
    here: bool
    reason: str


class WouldEscalate(Outcome):
    item: CrmItem
    people: tuple[Person, ...]
    skipped: tuple[Skipped, ...]


@dataclass(eq=False)
class NobodyToCall(Refusal):
    """An escalation has found nobody who could come."""

    item: CrmItem
    skipped: tuple[Skipped, ...]


@router.command("escalate")
async def escalate(
    args: Escalate,
    event: CommandEvent,
    *,
    targets: Targets,
    people: People,
    crm: Crm,
    policy: Policy,
    arrivals: Arrivals,
) -> Outcomes:
    args = await _itemised(args, event, targets)
    target = await targets.find(args, event)
    if target.item is None:
        raise NotBound
    card = Card(target.item) if _is_explicit(args) else await _card(crm, target.item)
    wanted = await _wanted(args, event, card, people, policy)
    if not wanted.found.people:
        return wanted.found.refusals
    if args.dry:
        return [_would(args, card.item, wanted), *wanted.found.refusals]
    wish = Wish(lasting=args.lasting, reason=args.reason, briefed=True)
    arrival = await arrivals.bring(target, wanted.found.people, wish)
    briefs = await arrivals.briefs(arrival, card.item, args.reason, event)
    item = (briefs[0].item if briefs else None) or card.item
    return [*_told(arrival, item, target, wanted, args.reason), *briefs]


async def _itemised(args: Escalate, event: CommandEvent, targets: Targets) -> Escalate:
    """Put the item in the place of a mere number. Raises ``WhichItem``.

    A number is never a colleague here: the wrong one would enter a customer's chat.
    """
    if not args.number:
        return args
    item = args.item or await targets.by_number(args.number, event)
    if item is None or item.id != args.number:
        raise _asked(args)
    return args.model_copy(update={"item": item, "number": 0})


def _asked(args: Escalate) -> WhichItem:
    number = args.number
    acts: dict[str, str] = {
        type_: args.told(item=CrmItem(type=type_, id=number), number=0) for type_ in ITEM_TYPES
    }
    if args.item is None:
        acts["colleague"] = args.told(people=(*args.people, Person(id=number)), number=0)
    offers = [Offer(name=name, act=Act(name="escalate", params=one)) for name, one in acts.items()]
    return WhichItem("escalate", number, tuple(offers))


class _Wanted(NamedTuple):
    """Who is to come, in which role, and who was passed over."""

    found: Resolved
    roles: Mapping[int, str]
    skipped: tuple[Skipped, ...]


async def _wanted(
    args: Escalate, event: CommandEvent, card: Card, people: People, policy: Policy
) -> _Wanted:
    if args.people:
        return _Wanted(await _named(args, event, people, card), {}, ())
    chosen, skipped = await policy.choose(card.responsible_id, event)
    if chosen is None:
        raise NobodyToCall(card.item, skipped)
    return _Wanted(Resolved([chosen.person], []), {chosen.person.id: chosen.role}, skipped)


def _is_explicit(args: Escalate) -> bool:
    """Say whether the people are known without a look at the item."""
    return bool(args.people) and Role.HEAD not in args.people


async def _card(crm: Crm, item: CrmItem) -> Card:
    try:
        return await crm.card(item)
    except Refused as refused:
        if refused.code in ("ACCESS_DENIED", "NOT_FOUND"):
            raise RequesterLacksItem(item) from None
        raise


async def _named(args: Escalate, event: CommandEvent, people: People, card: Card) -> Resolved:
    """Find the people named; the head is the responsible's."""
    others = [one for one in args.people if one is not Role.HEAD]
    found = await people.resolve(others, event, lambda one: _for(args, (one,)), card.item)
    if Role.HEAD in args.people:
        try:
            heads = await people.in_role(Role.HEAD, event, card.item, of=card.responsible_id)
            found.people.extend(one for one in heads if one not in found.people)
        except Refusal as refusal:
            found.refusals.append(refusal)
    return found


def _for(args: Escalate, people: tuple[Person, ...], **changed: object) -> Act:
    return Act(name="escalate", params=args.told(people=people, **changed))


def _would(args: Escalate, item: CrmItem, wanted: _Wanted) -> WouldEscalate:
    people = tuple(wanted.found.people)
    offer = Offer(name="do_it", act=_for(args, people, dry=False))
    return WouldEscalate(item=item, people=people, skipped=wanted.skipped, offers=(offer,))


def _told(
    arrival: Arrival, item: CrmItem, target: Target, wanted: _Wanted, reason: str
) -> list[Told]:
    refusals = [*wanted.found.refusals, *arrival.refusals]
    if not arrival.joined and not arrival.present:
        return [*refusals]
    escalated = Escalated(
        item=item,
        called=tuple(Called(one, wanted.roles.get(one.id, "")) for one in arrival.joined),
        present=arrival.present,
        missed=(*missing(wanted.found.refusals), *arrival.missed),
        by_chat=arrival.by_chat,
        skipped=wanted.skipped,
        chat_id=arrival.chat_id,
        here=target.here and bool(arrival.joined),
        reason=reason,
        offers=(Offer(name="undo", act=Act(name="undo")),) if arrival.joined else (),
    )
    return [escalated, *refusals]
