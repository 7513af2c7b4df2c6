"""Refusals the requester can mend, failures he cannot.

A refusal is worded by the template named after it, ``templates/<language>/refusals/``; its
fields are the template's variables.
"""

from dataclasses import dataclass
from typing import Self

from bot.bitrix24.entities import CrmItem, Offer, Person


class StoreUnavailable(Exception):
    """The database takes nothing just now; nothing was stored."""


class Refusal(Exception):
    """A reason that is told to the requester, with what to do next and perhaps buttons for it."""

    offers: tuple[Offer, ...] = ()


@dataclass(eq=False)
class NotInOpenLine(Refusal):
    """The command needs a customer's chat, and was typed elsewhere."""


@dataclass(eq=False)
class NotUnderstood(Refusal):
    """The arguments stop making sense at ``rest``, after ``before``."""

    command: str
    before: str
    rest: str


@dataclass(eq=False)
class UnknownCommand(Refusal):
    """The portal sent a command that the bot does not have (any more)."""

    command: str


@dataclass(eq=False)
class NobodyNamed(Refusal):
    """The command needs people and got none."""

    command: str


@dataclass(eq=False)
class TooMuchWaits(Refusal):
    """The requester, or his portal, has as many commands waiting as may wait."""


@dataclass(eq=False)
class EveryoneNamed(Refusal):
    """``@all`` is no person."""


@dataclass(eq=False)
class TooManyPeople(Refusal):
    """More people than one command takes."""

    count: int
    limit: int


@dataclass(eq=False)
class IsCustomer(Refusal):
    """The person named is the customer of this chat."""

    person: Person


@dataclass(eq=False)
class IsBot(Refusal):
    """The person named is this bot."""

    person: Person


@dataclass(eq=False)
class NotBound(Refusal):
    """The chat is bound to no CRM item."""


@dataclass(eq=False)
class DialogFinished(Refusal):
    """The portal lists the chat under its item, but not among the active ones."""

    item: CrmItem


@dataclass(eq=False)
class DialogNotActive(Refusal):
    """The portal takes no changes in this dialog now: not answered, waiting, or another item's."""

    item: CrmItem


@dataclass(eq=False)
class RequesterLacksItem(Refusal):
    """The requester may not read the item. Its title is not told to him."""

    item: CrmItem


@dataclass(eq=False)
class RequesterLacksLine(Refusal):
    """The requester may read the item and may not join the line's dialogs."""

    item: CrmItem
    person: Person


@dataclass(eq=False)
class PersonLacksItem(Refusal):
    """The person named may not read the item."""

    person: Person
    item: CrmItem
    responsible: Person | None


@dataclass(eq=False)
class PersonLacksHistory(Refusal):
    """The person named may not read the line's history."""

    person: Person


@dataclass(eq=False)
class AccessUnclear(Refusal):
    """The portal refused access, and nobody can tell whose."""

    person: Person
    item: CrmItem


@dataclass(eq=False)
class PlanLacksRest(Refusal):
    """The portal's plan has no REST."""


@dataclass(eq=False)
class PersonDismissed(Refusal):
    """The person named is dismissed, switched off or unknown."""

    person: Person


@dataclass(eq=False)
class PersonUnavailable(Refusal):
    """The portal calls a person inactive whom it shows as active."""

    person: Person


@dataclass(eq=False)
class NotAdded(Refusal):
    """The portal says "no access or already a member", and the person is not seen in the chat."""

    person: Person


@dataclass(eq=False)
class NoChat(Refusal):
    """The item has no open-line chat: the portal answered 0."""

    item: CrmItem
    person: Person


@dataclass(eq=False)
class WrongRequest(Refusal):
    """The portal found the bot's own request wrong."""

    person: Person
    code: str
    reference: str


@dataclass(eq=False)
class MessengerMissing(Refusal):
    """The portal has no messenger module."""


@dataclass(eq=False)
class ScopeMissing(Refusal):
    """The app lacks a permission."""


@dataclass(eq=False)
class AppClosed(Refusal):
    """The administrator has not opened the app to the requester."""


@dataclass(eq=False)
class SubscriptionEnded(Refusal):
    """The app's subscription is over."""


@dataclass(eq=False)
class PermissionNeeded(Refusal):
    """The bot has no token of the requester; his command waits until he connects."""

    @classmethod
    def with_link(cls, link: str) -> Self:
        """Offer the link that he connects with."""
        refusal = cls()
        refusal.offers = (Offer(name="connect", link=link),)
        return refusal


@dataclass(eq=False)
class NoAnswer(Refusal):
    """The portal did not answer; nobody knows what came of it."""

    reference: str


@dataclass(eq=False)
class UnknownRefusal(Refusal):
    """An error that no page documents."""

    code: str
    description: str
    reference: str


@dataclass(eq=False)
class Failure(Refusal):
    """The bot itself failed; the log has the reason under ``reference``."""

    reference: str
