"""/escalate: call whoever has to know into the chat of a CRM item, one after the other.

What happens after the first call is in ``handlers/chain``.
"""

from collections.abc import Sequence

from bot.acting.crm import Card, Crm
from bot.acting.open_lines import Target
from bot.bitrix24.entities import ITEM_TYPES, Act, CrmItem, Offer, Person, Role
from bot.bitrix24.events import CommandEvent
from bot.commands.arrivals import Arrivals, Wish
from bot.commands.chain import Chains
from bot.commands.errors import WhichItem
from bot.commands.missed import Missed, missing, of_chat
from bot.commands.outcomes import Outcome, Outcomes
from bot.commands.people import People, Resolved
from bot.commands.policy import Called, Policy, Round
from bot.commands.router import Router
from bot.commands.targets import Targets
from bot.errors import NotBound, Refusal
from bot.inbox.escalations import Chain, Skipped
from bot.portals.settings import PortalSettings
from handlers.chain import Escalate, call_card, stop_button
from handlers.invite import told_of

router = Router()


class Escalated(Outcome):
    item: CrmItem
    called: tuple[Called, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]
    by_chat: tuple[Person, ...] = ()
    skipped: tuple[Skipped, ...]
    chat_id: int
    here: bool
    lasting: int
    reason: str


class WouldEscalate(Outcome):
    """The chain, in its order, and who would be passed over."""

    item: CrmItem
    called: tuple[Called, ...]
    skipped: tuple[Skipped, ...]
    wait: int


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
    crm: Crm,
    people: People,
    policy: Policy,
    chains: Chains,
    arrivals: Arrivals,
    settings: PortalSettings,
) -> Outcomes:
    args = await _itemised(args, targets)
    target = await targets.find(args)
    if target.item is None:
        return await _without_item(args, event, target, people, arrivals)
    # Who is named is known without a look at the item, unless it is somebody's head.
    is_explicit = args.people and Role.HEAD not in args.people
    card = Card(target.item) if is_explicit else await crm.card(target.item)
    named = await people.resolve(args.people, args, target, head_of=card.responsible_id)
    if args.people and not named.people:
        return named.refusals
    wait = args.wait or settings.take_within
    if args.dry:
        return [await _would(args, card, named.people, wait, policy), *named.refusals]
    wish = Wish(lasting=args.lasting, reason=args.reason, briefed=True)
    chain, found = await chains.begin(target, card, named.people, wait, wish)
    return _told(chains.number, chain, found, named)


async def _without_item(
    args: Escalate, event: CommandEvent, target: Target, people: People, arrivals: Arrivals
) -> Outcomes:
    """Bring those who are named into a chat that is bound to nothing, as far as that can be.

    Raises ``NotBound``: an escalation goes by an item.
    """
    found = await people.resolve(args.people, args, target)
    if args.dry or not found.people:
        raise of_chat(NotBound(), target.chat_id, event.chat.id)
    wish = Wish(lasting=args.lasting, reason=args.reason, briefed=True)
    arrival = await arrivals.bring(target, found.people, wish)
    told = told_of(arrival, found.refusals, None, args.lasting, here=target.here)
    return [*told, *await arrivals.briefs(arrival, None, wish)]


async def _itemised(args: Escalate, targets: Targets) -> Escalate:
    """Put the item in the place of a mere number. Raises ``WhichItem``.

    A number is never a colleague here: the wrong one would enter a customer's chat.
    """
    if not args.number:
        return args
    item = args.item or await targets.by_number(args.number)
    if item is None or item.id != args.number:
        raise _asked(args)
    return args.model_copy(update={"item": item, "number": 0})


def _asked(args: Escalate) -> WhichItem:
    number = args.number
    acts: dict[str, Act] = {
        type_: args.act("escalate", item=CrmItem(type=type_, id=number), number=0)
        for type_ in ITEM_TYPES
    }
    if args.item is None:
        people = (*args.people, Person(id=number))
        acts["colleague"] = args.act("escalate", people=people, number=0)
    offers = [Offer(name=name, act=act) for name, act in acts.items()]
    return WhichItem("escalate", number, tuple(offers))


async def _would(
    args: Escalate, card: Card, people: Sequence[Person], wait: int, policy: Policy
) -> WouldEscalate:
    line = [one async for one in policy.candidates(people, card.responsible_id)]
    skipped = tuple(one.skipped for one in line if one.obstacle)
    able = [one for one in line if one.obstacle is None]
    if not able:
        raise NobodyToCall(card.item, skipped)
    act = args.act("escalate", people=tuple(people), dry=False)
    return WouldEscalate(
        item=card.item,
        called=tuple(Called(one.account.person, one.role) for one in able),
        skipped=skipped,
        wait=wait,
        offers=(Offer(name="do_it", act=act),),
    )


def _told(number: int, chain: Chain, found: Round, named: Resolved) -> Outcomes:
    refusals = [*named.refusals, *found.refusals]
    skipped = tuple(one for one in found.skipped if one.why != "closed")
    arrival, callee = found.arrival, found.callee
    if arrival is None or callee is None:
        if skipped or not refusals:
            refusals.insert(0, NobodyToCall(chain.item, skipped))
        return refusals
    undo = Offer(name="undo", act=Act(name="undo"), independent=True)
    escalated = Escalated(
        item=chain.item,
        called=tuple(Called(one, callee.role) for one in arrival.joined),
        present=arrival.present,
        missed=(*missing(named.refusals), *found.missed),
        by_chat=arrival.by_chat,
        skipped=skipped,
        chat_id=chain.chat_id,
        here=chain.here and bool(arrival.joined),
        lasting=chain.lasting,
        reason=chain.reason,
        offers=(undo, stop_button(number)) if arrival.joined else (stop_button(number),),
    )
    return [escalated, *refusals, call_card(number, chain, callee.person)]
