"""Who was not added to a chat or removed from it, and why: told of those alike at once."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bot.bitrix24.entities import Offer, Person
from bot.commands.router import Arguments
from bot.errors import NotByItem, PersonLacksItem, Refusal, RequesterLacksHistory


class Missed(NamedTuple):
    """Somebody who was not added or removed, and why, as the requester understands it."""

    person: Person
    why: Refusal


class InChat(Arguments):
    """Which chat a button mends; 0: that of the command under whose answer it stands."""

    chat_id: int = 0


def of_chat(why: Refusal, chat_id: int, typed_in: int) -> Refusal:
    """Have a refusal tell of its chat, and its button mend it, where that is not ``typed_in``."""
    if chat_id == typed_in:
        return why
    act = InChat(chat_id=chat_id).act
    offers = tuple(Offer(name=one.name, act=act(one.name)) for one in why.offers)
    return why.changed(elsewhere=chat_id, offers=offers)


def reasons(missed: Sequence[Missed]) -> list[Refusal]:
    """Give why these people are missing, each reason once."""
    return list(dict.fromkeys(one.why for one in missed))


def missing(refusals: Sequence[Refusal]) -> tuple[Missed, ...]:
    """Give the people among refusals, with why they are missing."""
    people = [(getattr(one, "person", None), one) for one in refusals]
    return tuple(Missed(person, why) for person, why in people if person is not None)


def reworded(missed: Sequence[Missed], reword: Callable[[Refusal], Refusal]) -> list[Missed]:
    """Give the same people with other reasons: each is put in the place of one, once."""
    others = {why: reword(why) for why in reasons(missed)}
    return [Missed(one.person, others[one.why]) for one in missed]


def merged(missed: Sequence[Missed]) -> list[Missed]:
    """Have one reason tell of everybody who misses for the like of it.

    Where several lack an item there is a button for each of them: it bears their name.
    """
    if len(missed) < 2:
        return list(missed)
    told: dict[object, NotByItem] = {}
    for why in reasons(missed):
        if isinstance(why, NotByItem):
            first = told.setdefault(_kind(why), why)
            if first is not why:
                told[_kind(why)] = first.changed(people=(*first.people, *why.people))
    lacking = sum(isinstance(one.why, PersonLacksItem) for one in missed)

    def reword(why: Refusal) -> Refusal:
        if isinstance(why, NotByItem):
            return told[_kind(why)]
        return _labelled(why) if lacking > 1 and isinstance(why, PersonLacksItem) else why

    return reworded(missed, reword)


def _kind(why: NotByItem) -> object:
    return type(why), why.closed if isinstance(why, RequesterLacksHistory) else None


def _labelled(why: PersonLacksItem) -> Refusal:
    label = {"label": why.person.name or f"id{why.person.id}"}
    return why.changed(offers=tuple(offer.model_copy(update=label) for offer in why.offers))
