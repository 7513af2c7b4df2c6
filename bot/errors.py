"""What the portal refuses to do, and how the bot itself may fail.

What was typed or pressed is refused by ``bot/commands/errors.py``; what one handler alone
refuses stands beside it.

A refusal is worded by the template named after it, ``templates/<language>/refusals/``; its
fields are the template's variables.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, dataclass_transform

from bot.bitrix24.entities import Act, CrmItem, Entity, Offer, Person
from bot.bitrix24.scopes import WANTED
from bot.figures import Ending

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

AGAIN = Offer(name="again", act=Act())


class StoreUnavailable(Exception):
    """The database takes nothing just now; nothing was stored."""


class AccessRequest(Entity):
    """Whom to ask that somebody may read an item."""

    person: Person
    item: CrmItem
    whom: Person


@dataclass_transform(eq_default=False)
class Refusal(Exception):
    """A reason that is told to the requester, with what to do next and perhaps buttons for it.

    Every kind of it is a dataclass by itself. ``ending`` is how a command ends that comes to it.
    """

    offers: tuple[Offer, ...] = ()
    ending: Ending = Ending.REFUSED

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(eq=False)(cls)

    def with_link(self, link: str) -> Self:
        """Offer the link that the requester connects with."""
        return self.changed(offers=(Offer(name="connect", link=link),))

    def changed(self, **fields: Any) -> Self:
        """Give the same refusal with other fields, or other ``offers``."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, **fields)
        return other


def snake(type_: type) -> str:
    """Write a class's name as templates and figures do: ``NoAnswer`` is ``no_answer``."""
    return _CAPITAL.sub("_", type_.__name__).lower()


def refusal_names(kind: type[Refusal] = Refusal) -> Iterable[str]:
    """Give the name of every refusal there is."""
    for one in kind.__subclasses__():
        yield snake(one)
        yield from refusal_names(one)


class TooMuchWaits(Refusal):
    """The requester, or their portal, has as many commands waiting as may wait."""


class IsCustomer(Refusal):
    """The person named is a customer: ``here``, of this chat."""

    person: Person
    here: bool = True


class IsBot(Refusal):
    """The person named is a bot."""

    person: Person


class IsExtranet(Refusal):
    """The person named is an external user of the portal."""

    person: Person


class DialogFinished(Refusal):
    """The portal lists the chat under its item, but not among the active ones.

    ``elsewhere`` is the chat, where the command was not typed in it.
    """

    item: CrmItem
    elsewhere: int = 0

    offers = (Offer(name="start_session", act=Act(name="start_session")),)


class DialogNotActive(Refusal):
    """The portal takes no changes in this dialog now.

    ``waits``: it is this item's and goes on, but is not answered, or waits for the customer.
    """

    people: tuple[Person, ...]
    item: CrmItem
    waits: bool
    by_chat: bool = False


class RequesterLacksHistory(Refusal):
    """The view of history in the requester's role does not reach these people.

    ``closed``: it reaches not even the line's queue; ``None`` where nobody can tell.
    ``deserted``: nobody is in that queue.
    """

    people: tuple[Person, ...]
    item: CrmItem
    closed: bool | None
    deserted: bool = False
    by_chat: bool = False


class NotBound(Refusal):
    """The chat is bound to no CRM item; ``elsewhere`` as in ``DialogFinished``."""

    people: tuple[Person, ...] = ()
    by_chat: bool = False
    elsewhere: int = 0

    offers = (Offer(name="create_lead", act=Act(name="create_lead")),)


class RequesterLacksItem(Refusal):
    """The requester may not read the item. Its title is not told to them."""

    item: CrmItem

    offers = (AGAIN,)


class RequesterLacksLine(Refusal):
    """The requester may read the item and may not join the line's dialogs."""

    item: CrmItem
    person: Person


class PersonLacksItem(Refusal):
    """The person named may not read the item."""

    person: Person
    item: CrmItem
    responsible: Person | None

    def __post_init__(self) -> None:
        if self.responsible:
            asked = AccessRequest(person=self.person, item=self.item, whom=self.responsible)
            act = Act(name="ask_access", params=asked.model_dump_json())
            self.offers = (Offer(name="ask_access", act=act),)


class AccessUnclear(Refusal):
    """The portal refused access, and nobody can tell whose."""

    person: Person
    item: CrmItem


class AccessRefused(Refusal):
    """The requester may not do this, or not see what it is about."""


class LoginNeeded(Refusal):
    """The portal lets nobody act for the requester: they have never logged in, say."""


class PlanLacksRest(Refusal):
    """The portal's plan has no REST."""


class PersonDismissed(Refusal):
    """The person named is dismissed, switched off or unknown; ``head`` might do instead."""

    person: Person
    head: Person | None = None


class PersonUnavailable(Refusal):
    """The portal calls a person inactive whom it shows as active."""

    person: Person


class NotAdded(Refusal):
    """The portal says "no access or already a member", and the person is not seen in the chat."""

    person: Person


class NoChat(Refusal):
    """The item has no open-line chat: the portal answered 0."""

    people: tuple[Person, ...]
    item: CrmItem
    by_chat: bool = False


# People cannot be added by the item: their chat itself may take them all the same. ``by_chat``:
# a button that adds them so is on offer.
NotByItem = DialogNotActive | RequesterLacksHistory | NotBound | NoChat


class NotByChat(Refusal):
    """The chat itself did not take the person: most likely the requester is not in it."""

    person: Person


class NobodyToRemove(Refusal):
    """The item has no open-line chat: the portal answered 0 to a removal."""

    item: CrmItem


class OnlyOwnerRemoves(Refusal):
    """Only the person and the chat's owner can take the person out."""

    person: Person
    owner: Person | None


class WrongRequest(Refusal):
    """The portal found the bot's own request wrong; ``leaving``: to take the person out."""

    person: Person
    code: str
    reference: str
    leaving: bool = False

    ending = Ending.FAILED


class MessengerMissing(Refusal):
    """The portal has no messenger module."""


class ScopeMissing(Refusal):
    """The app lacks one of the permissions."""

    scopes: tuple[str, ...] = WANTED


class AppClosed(Refusal):
    """The administrator has not opened the app to the requester."""


class AppMissing(Refusal):
    """The portal, or the authorization server, does not know the app any more."""


class SubscriptionEnded(Refusal):
    """The app's subscription is over."""


class PortalClosed(Refusal):
    """The portal is deleted, or closed by its owner."""


class PortalOutdated(Refusal):
    """The portal does not have the method that the command needs."""


class ConsentAwaited(Refusal):
    """An administrator of the portal has to consent to the call, and has not yet."""


class ConsentDenied(Refusal):
    """An administrator of the portal was asked to consent to the call, and did not."""


class PermissionNeeded(Refusal):
    """The bot has no token of the requester; their command waits until they connect."""

    ending = Ending.WAITS


class EscalationWaits(PermissionNeeded):
    """An escalation goes on only when its requester lets the bot act for them again."""


class ConsentNeeded(Refusal):
    """Nothing proves that the requester has given ``command``: they are asked.

    They are led to the page where they say so. ``command`` is empty for what is none, or a
    button. What was typed is shown on that page alone.
    """

    command: str

    ending = Ending.ASKED


class ForwardedCommand(Refusal):
    """The command stands in a message that its sender has only forwarded."""

    ending = Ending.DROPPED


class PortalRenamed(Refusal):
    """The portal has another member id: the app has to be installed again."""


class ClockWrong(Refusal):
    """The portal calls tokens expired that were made this minute."""


class NoAnswer(Refusal):
    """The portal did not answer; nobody knows what came of it."""

    reference: str

    ending = Ending.NO_ANSWER


class OutcomeUnclear(Refusal):
    """The portal's answer about a person cannot be read, and what it shows tells nothing."""

    person: Person
    reference: str

    ending = Ending.NO_ANSWER


class UnknownRefusal(Refusal):
    """An error that no page documents; the portal may give no code, or no words, or neither."""

    code: str
    description: str
    reference: str


class Failure(Refusal):
    """The bot itself failed; the log has the reason under ``reference``."""

    reference: str

    ending = Ending.FAILED


class EndsProcesses(Refusal):
    """Two processes ended while they ran the command; it is not run again."""

    reference: str

    ending = Ending.FAILED


class AccountOff(Refusal):
    """The portal removes nobody whose account is switched off."""

    person: Person


class RemovalDenied(Refusal):
    """The requester may not remove people from this chat."""

    item: CrmItem


class NotHere(Refusal):
    """Who was to be removed is not in the chat: of this number, 0 for the command's own."""

    person: Person
    chat_id: int = 0
    item: CrmItem | None = None
