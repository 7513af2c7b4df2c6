"""/invite: bring colleagues into the customer's chat."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.events import Chat, CommandEvent
from bot.bitrix24.open_lines import Membership, OpenLines
from bot.commands.router import Arguments, Router
from bot.diagnosis import Denied, Diagnosis
from bot.errors import IsBot, IsCustomer, NoChat, NotBound, NotInOpenLine, Refusal, TooManyPeople
from bot.outcomes import Outcome, Outcomes
from bot.store.inbox import Place

router = Router()

LIMIT = 20


class Invite(Arguments):
    people: tuple[Person, ...]


class Missed(NamedTuple):
    person: Person
    why: Refusal


class Invited(Outcome):
    place: ClassVar[Place] = Place.CHAT

    joined: tuple[Person, ...]
    present: tuple[Person, ...]
    missed: tuple[Missed, ...]


class AlreadyHere(Outcome):
    people: tuple[Person, ...]


@router.command("invite")
async def invite(
    args: Invite, event: CommandEvent, *, lines: OpenLines, diagnosis: Diagnosis
) -> Outcomes:
    if not event.chat.is_open_line:
        raise NotInOpenLine
    if len(args.people) > LIMIT:
        raise TooManyPeople(len(args.people), LIMIT)
    missed = _outsiders(args.people, event)
    wanted = [person for person in args.people if person not in [one.person for one in missed]]
    if not wanted:
        return [one.why for one in missed]
    item = await _item(event.chat, lines)
    memberships = await lines.add(event.chat.id, item, wanted)
    missed += await _missed(memberships, item, event.chat, diagnosis)
    return _told(memberships, missed)


def _outsiders(people: Sequence[Person], event: CommandEvent) -> list[Missed]:
    strangers = {event.chat.customer_id: IsCustomer, event.bot.id: IsBot}
    return [Missed(one, strangers[one.id](one)) for one in people if one.id in strangers]


async def _item(chat: Chat, lines: OpenLines) -> CrmItem:
    item = chat.item if chat.tells_binding else await lines.item_of(chat.dialog_id)
    if item is None:
        raise NotBound
    return item


async def _missed(
    memberships: Sequence[Membership], item: CrmItem, chat: Chat, diagnosis: Diagnosis
) -> list[Missed]:
    denied = [Denied(one.person, one.refused) for one in memberships if one.refused]
    refusals = await diagnosis.explain(denied, item, chat.id)
    nowhere = [one.person for one in memberships if not one.refused and not one.chat_id]
    return [Missed(one.person, why) for one, why in zip(denied, refusals, strict=True)] + [
        Missed(person, NoChat(item, person)) for person in nowhere
    ]


def _told(memberships: Sequence[Membership], missed: Sequence[Missed]) -> Outcomes:
    inside = [one for one in memberships if not one.refused and one.chat_id]
    joined = tuple(one.person for one in inside if not one.was_there)
    present = tuple(one.person for one in inside if one.was_there)
    refusals = [one.why for one in missed]
    if joined:
        return [Invited(joined=joined, present=present, missed=tuple(missed)), *refusals]
    return [AlreadyHere(people=present), *refusals] if present else refusals
