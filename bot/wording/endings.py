"""How what a command came to is counted, logged and kept: an outcome and a refusal's name."""

import re
from collections.abc import Iterable, Sequence

from bot.commands.outcomes import Told
from bot.errors import (
    ConsentNeeded,
    EndsProcesses,
    EscalationWaits,
    Failure,
    ForwardedCommand,
    NoAnswer,
    OutcomeUnclear,
    PermissionNeeded,
    Refusal,
    WrongRequest,
)
from bot.figures import Ending
from bot.inbox.accepted import End

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

# The rest of the refusals is what somebody can mend.
_KINDS: dict[type[Refusal], Ending] = {
    PermissionNeeded: Ending.WAITS,
    EscalationWaits: Ending.WAITS,
    ConsentNeeded: Ending.ASKED,
    ForwardedCommand: Ending.DROPPED,
    NoAnswer: Ending.NO_ANSWER,
    OutcomeUnclear: Ending.NO_ANSWER,
    Failure: Ending.FAILED,
    EndsProcesses: Ending.FAILED,
    WrongRequest: Ending.FAILED,
}


def snake(type_: type) -> str:
    """Write a class's name as templates and figures do: ``NoAnswer`` is ``no_answer``."""
    return _CAPITAL.sub("_", type_.__name__).lower()


def end_of(told: Sequence[Told]) -> End:
    """Say how a command ended that came to this."""
    refusals = [one for one in told if isinstance(one, Refusal)]
    if not refusals:
        return End(Ending.DONE)
    worst = next((one for one in refusals if type(one) in _KINDS), refusals[0])
    outcome = _KINDS.get(type(worst), Ending.REFUSED)
    if outcome is Ending.REFUSED and len(refusals) < len(told):
        outcome = Ending.PARTLY
    return End(outcome, snake(type(worst)))


def refusal_names(kind: type[Refusal] = Refusal) -> Iterable[str]:
    """Give the name of every refusal there is."""
    for one in kind.__subclasses__():
        yield snake(one)
        yield from refusal_names(one)
