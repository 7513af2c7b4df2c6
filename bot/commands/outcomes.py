"""What a handler comes to."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from bot.bitrix24.entities import Offer, Person
from bot.errors import Refusal, snake
from bot.figures import Ending
from bot.inbox.accepted import End


class Outcome(BaseModel):
    """What happened; worded by the template named after it, its fields are the variables.

    It is told privately to the requester, or to somebody else: ``to`` them. ``here``: the chat that
    the command was typed in has really changed, and it is told there.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    offers: tuple[Offer, ...] = ()
    to: Person | None = None
    here: bool = False

    @property
    def is_spare(self) -> bool:
        """Say whether nothing is lost where it cannot be told there: it is told elsewhere too."""
        return False


class Usage(Outcome):
    """Somebody asked how a command goes."""

    command: str


class CommandList(Outcome):
    """Somebody asked what the bot can do."""

    names: tuple[str, ...]


class Greeting(Outcome):
    """Somebody has opened the private talk with the bot for the first time."""


class HiddenHint(Outcome):
    """The customer may have seen the command."""


class AdministratorNeeded(Outcome):
    """A command failed for something that only an administrator can mend."""

    to: Person
    who: Person
    what: str


Told = Outcome | Refusal
Outcomes = Told | Sequence[Told]


def each(outcomes: Outcomes) -> Sequence[Told]:
    """Give what a handler came to one by one, also where that is one thing alone."""
    return outcomes if isinstance(outcomes, Sequence) else [outcomes]


def end_of(told: Sequence[Told]) -> End:
    """Say how a command ended that came to this."""
    refusals = [one for one in told if isinstance(one, Refusal)]
    if not refusals:
        return End(Ending.DONE)
    worst = next((one for one in refusals if one.ending is not Ending.REFUSED), refusals[0])
    is_partly = worst.ending is Ending.REFUSED and len(refusals) < len(told)
    return End(Ending.PARTLY if is_partly else worst.ending, snake(type(worst)))
