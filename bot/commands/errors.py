"""Refusals that come of what was typed or pressed, and of where."""

from typing import Self

from bot.bitrix24.entities import Act, CrmItem, Offer, Person
from bot.errors import Refusal


class NotInOpenLine(Refusal):
    """The command needs a customer's chat, and was typed elsewhere."""

    command: str


class NotUnderstood(Refusal):
    """The arguments stop making sense at ``rest``, after ``before``.

    ``invisible`` names the character that stands there, if it is not seen.
    """

    command: str
    before: str
    rest: str
    invisible: str = ""


class ArgumentMissing(Refusal):
    """A command cannot do without this part: a field of its arguments that names no people."""

    command: str
    argument: str


class OneLine(Refusal):
    """What stands on the lines after the command's own is no part of it."""

    command: str


class OptionInReason(Refusal):
    """What looks like an option stands in the reason, and is a part of it."""

    option: str
    command: str


class DidYouMean(Refusal):
    """What was typed makes no sense; ``/command params`` would.

    ``word`` is what makes none; nothing where the text only lacks a sign.
    """

    word: str
    command: str
    params: str

    def __post_init__(self) -> None:
        self.offers = (_run(self.command, self.params),)

    def beside_another(self) -> Self:
        """Have it asked beside a command that is carried out, and may have buttons of its own."""
        told = {"label": f"/{self.command}", "independent": True}
        return self.changed(offers=tuple(one.model_copy(update=told) for one in self.offers))


def _run(command: str, params: str) -> Offer:
    # The blank tells what was typed from what the bot itself gives a button to carry.
    return Offer(name="run", act=Act(name=command, params=f" {params}"))


class UnknownCommand(Refusal):
    """The bot does not have this command (any more)."""

    command: str


class CommandOff(Refusal):
    """The administrator has switched the command off."""

    command: str


class NobodyNamed(Refusal):
    """The command needs people and got none."""

    command: str


class EveryoneNamed(Refusal):
    """``@all`` is no person."""


class TooManyPeople(Refusal):
    """More people than one command takes."""

    count: int
    limit: int


class WhichItem(Refusal):
    """There is no such kind of CRM item; or nobody has said of which kind ``number`` is."""

    command: str
    number: int = 0
    offers: tuple[Offer, ...] = ()


class NotNumber(Refusal):
    """Where a CRM item's number belongs, or a chat's, there is something else."""

    word: str
    command: str
    of_chat: bool = False


class NotGroup(Refusal):
    """Where the group's number belongs, there is something else; or nothing.

    ``params`` are those that name a group of this name.
    """

    word: str
    params: str = ""

    def __post_init__(self) -> None:
        self.offers = (_run("group", self.params),) if self.params else ()


class ForeignLink(Refusal):
    """The link leads to another portal."""


class WrongDuration(Refusal):
    """``--for`` takes from five minutes to seven days."""

    word: str
    command: str


class WrongWait(Refusal):
    """``--wait`` takes from a minute to three hours."""

    word: str
    command: str


class ReasonTooLong(Refusal):
    """The reason has more characters than this."""

    limit: int


class PersonNotFound(Refusal):
    """Nobody has this name or address; ``near`` are names like it, whose bearers are on offer."""

    query: str
    near: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()


class PersonAmbiguous(Refusal):
    """Several people have this name; each of them is on offer.

    ``queued``: some of them are in the line's queue, and marked.
    """

    query: str
    queued: bool
    offers: tuple[Offer, ...]


class RoleEmpty(Refusal):
    """Nobody is this to the item, the chat or the requester; or the portal does not say."""

    role: str


class OtherItem(Refusal):
    """The item named is not the one of this customer's chat; both are on offer.

    ``chat_id``: the item is this chat's, but another chat is named.
    """

    item: CrmItem
    bound: CrmItem | None
    offers: tuple[Offer, ...]
    chat_id: int = 0


class DialogHidden(Refusal):
    """The chat named is no customer's, or the requester may not see it."""

    chat_id: int


class RemovesOperator(Refusal):
    """The dialog's own operator is about to be removed."""

    person: Person
    offers: tuple[Offer, ...]


class NotYours(Refusal):
    """The button is somebody else's."""

    owner: Person


class ButtonExpired(Refusal):
    """The button is too old, or none of this bot's."""


class ButtonUsed(Refusal):
    """The button, or another one beside it, has been pressed before."""


class NothingToUndo(Refusal):
    """The requester has changed nothing in this chat lately, or it is undone."""


class CannotUndo(Refusal):
    """An invitation to a workgroup cannot be taken back."""
