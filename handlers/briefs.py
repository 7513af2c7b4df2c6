"""Buttons of the card that somebody gets who has been brought into a chat."""

from bot.acting.requester import Requester
from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.commands.arrivals import Answer
from bot.commands.outcomes import Outcome, Outcomes
from bot.commands.router import Router

router = Router()


class Passed(Outcome):
    who: Person


class TakenOn(Outcome):
    to: Person
    person: Person


class Declined(Outcome):
    to: Person
    person: Person


@router.button("on_it", proven=True)
async def take_on(args: Answer, event: CommandEvent, *, requester: Requester) -> Outcomes:
    told = TakenOn(to=args.caller, person=requester.person)
    return [Passed(who=args.caller), told]


@router.button("cannot", proven=True)
async def decline(args: Answer, event: CommandEvent, *, requester: Requester) -> Outcomes:
    told = Declined(to=args.caller, person=requester.person)
    return [Passed(who=args.caller), told]
