"""Buttons of the card that somebody gets who has been brought into a chat."""

from bot.bitrix24.entities import Person
from bot.bitrix24.events import CommandEvent
from bot.commands.router import Arguments, Router
from bot.outcomes import Outcome, Outcomes

router = Router()


class Answer(Arguments):
    caller: Person


class Passed(Outcome):
    who: Person


class TakenOn(Outcome):
    to: Person
    person: Person


class Declined(Outcome):
    to: Person
    person: Person


@router.button("on_it", proven=True)
async def take_on(args: Answer, event: CommandEvent) -> Outcomes:
    told = TakenOn(to=args.caller, person=event.user.person)
    return [Passed(who=args.caller), told]


@router.button("cannot", proven=True)
async def decline(args: Answer, event: CommandEvent) -> Outcomes:
    told = Declined(to=args.caller, person=event.user.person)
    return [Passed(who=args.caller), told]
