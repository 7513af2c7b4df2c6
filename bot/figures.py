"""What the bot counts of itself. No portal and no person is a label, nor what they typed."""

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from itertools import accumulate

from prometheus_client.utils import floatToGoString

OTHER = "other"
FINE, NO_CODE, UNKNOWN = "ok", "no_code", "unknown"
REFUSED, UNREACHABLE, UNANSWERED = "refused", "unreachable", "unanswered"

# 300 ms is what Bitrix24 is to wait for its 200, three seconds what a requester waits untold.
# The table of figures adds up by bound: other bounds need a migration that empties it.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 0.5, 1.0, 3.0, 5.0, 10.0, 30.0, 60.0)

# How long people take: somebody has five minutes, unless the portal has decided otherwise.
TAKING = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 14400.0, 86400.0)


class Received(StrEnum):
    """What became of an event."""

    STORED = "stored"
    KNOWN = "known"  # the same one came before
    EXTERNAL = "external"  # of a customer, an extranet user or a bot
    OTHER = "other"  # nothing to do with it
    LIFECYCLE = "lifecycle"  # the app was updated or removed
    REFUSED = "refused"


class Ending(StrEnum):
    """How a command's run ended."""

    DONE = "done"  # carried out, or told what was asked
    PARTLY = "partly"  # some of it was refused
    REFUSED = "refused"  # something to be mended, and it was said
    WAITS = "waits"  # for its requester's permission
    FAILED = "failed"  # the bot's own fault
    NO_ANSWER = "no_answer"  # the portal did not answer: nobody knows what came of it
    UNANSWERED = "unanswered"  # the requester could not be told
    TOLD = "told"  # an answer that stood already was sent
    ASKED = "asked"  # whether it is meant: nothing had proven whose command it is
    DROPPED = "dropped"  # nobody is to be told: not the requester's words, or the portal has left
    EXPIRED = "expired"  # the permission did not come in time


class Reason(StrEnum):
    """Why an event was not taken. Bitrix24 sends none of them again."""

    STOPPING = "stopping"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"  # by strangers
    UNKNOWN_PORTAL = "unknown_portal"  # or a wrong application token
    FULL = "full"  # too much waits, or arrives
    NO_DATABASE = "no_database"


class Proven(StrEnum):
    """What a proof came to."""

    GENUINE = "genuine"  # the bot's token is the portal's bot's
    FORGED = "forged"  # it is not
    ANOTHERS = "anothers"  # a token said to be the requester's is another person's
    NOTHING = "nothing"  # nothing proves the command: its requester is asked


class Change(StrEnum):
    """What became of a portal."""

    LEFT = "left"  # the app was removed
    KEPT = "kept"  # it was said to be removed, and is not
    UPDATED = "updated"
    BOT_LOST = "bot_lost"  # somebody has deleted the bot


# A sample's name and its labels.
Sample = tuple[str, tuple[tuple[str, str], ...]]


class Tally:
    """A counter whose labels take the values named here; any other value counts as ``other``.

    With one label all of its values are shown from the beginning.
    """

    type = "counter"

    def __init__(self, name: str, words: str, **labels: Collection[str]) -> None:
        self.name, self.words = f"switchboard_{name}", words
        self._labels = tuple(labels)
        self._allowed = [frozenset(values) for values in labels.values()]
        self._counted: dict[tuple[str, ...], int] = {}
        if len(labels) == 1:
            for value in next(iter(labels.values())):
                self.show(value)

    def add(self, *values: str) -> None:
        """Count one."""
        # What others made up is not remembered: there is no end to it.
        key = values if values in self._counted else self._bounded(values)
        self._counted[key] = self._counted.get(key, 0) + 1

    def show(self, *values: str) -> None:
        """Begin to show a counter at 0: Prometheus takes the first number it sees for the start."""
        self._counted.setdefault(self._bounded(values), 0)

    def samples(self) -> dict[Sample, float]:
        """Give what was counted."""
        name = f"{self.name}_total"
        return {
            (name, tuple(sorted(zip(self._labels, values, strict=True)))): count
            for values, count in self._counted.items()
        }

    def _bounded(self, values: tuple[str, ...]) -> tuple[str, ...]:
        pairs = zip(values, self._allowed, strict=True)
        return tuple(str(value) if value in allowed else OTHER for value, allowed in pairs)


class Seconds:
    """How long something took, and how often it took no longer than each of the bounds."""

    type = "histogram"

    def __init__(self, name: str, words: str, bounds: Sequence[float] = BUCKETS) -> None:
        self.name, self.words = f"switchboard_{name}_seconds", words
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one that took so long."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def samples(self) -> dict[Sample, float]:
        """Give what was counted."""
        bounds = map(floatToGoString, (*self._bounds, math.inf))
        counts = zip(bounds, accumulate(self._counts), strict=True)
        return {
            **{(f"{self.name}_bucket", (("le", bound),)): count for bound, count in counts},
            (f"{self.name}_count", ()): sum(self._counts),
            (f"{self.name}_sum", ()): self._sum,
        }


class Figures:
    """What one process counts, in plain numbers."""

    def __init__(
        self,
        commands: Collection[str],
        refusals: Iterable[str],
        methods: Collection[str],
        codes: Collection[str],
        escalation_ends: Collection[str],
    ) -> None:
        self.events = Tally(
            "events", "Events that Bitrix24 posted, by what became of them.", result=list(Received)
        )
        self.refused = Tally(
            "events_refused", "Events that were not taken, by reason.", reason=list(Reason)
        )
        self.to_200 = Seconds("event_to_200", "From an event's arrival to the 200.")
        self.to_action = Seconds(
            "event_to_action", "From an event's arrival to a changing call's answer."
        )
        self.to_reply = Seconds("event_to_reply", "From an event's arrival to the reply.")
        self.commands = Tally(
            "commands",
            "Commands that ended, by name, outcome and the refusal's name.",
            command=commands,
            outcome=list(Ending),
            code=["", *refusals],
        )
        self.bucket = Seconds("bucket_wait", "How long a request waited for its portal's bucket.")
        self.rest = Seconds("rest_call", "How long a portal took for one HTTP request.")
        self.calls = Tally(
            "rest_calls",
            "REST calls, those inside a batch too, by method and result.",
            method=methods,
            result=[FINE, NO_CODE, UNKNOWN, UNREACHABLE, UNANSWERED, *codes],
        )
        self.unknown_codes = Tally(
            "unknown_error_codes", "Error codes that no page names, by method.", method=methods
        )
        self.refreshes = Tally(
            "token_refreshes",
            "Token pairs to be renewed, by what came of it.",
            result=[FINE, REFUSED, UNREACHABLE],
        )
        self.proofs = Tally(
            "proofs", "Proofs of events, by what they came to.", result=list(Proven)
        )
        self.changes = Tally(
            "portal_changes", "What became of portals, as they confirmed it.", change=list(Change)
        )
        self.escalations = Tally(
            "escalations", "Escalations that are over, by how they ended.", end=escalation_ends
        )
        self.to_taken = Seconds(
            "escalation_to_taken", "From an escalation's command until somebody took it.", TAKING
        )
        for name in commands:
            self.commands.show(name, Ending.FAILED, "failure")
            self.commands.show(name, Ending.FAILED, "wrong_request")
            self.commands.show(name, Ending.UNANSWERED, "")

    def escalated(self, how: str, seconds: float | None) -> None:
        """Count an escalation that is over, and after how long it was taken, if it was."""
        self.escalations.add(how)
        if seconds is not None:
            self.to_taken.observe(seconds)

    @property
    def all(self) -> list[Tally | Seconds]:
        """Everything that is counted."""
        return [one for one in vars(self).values() if isinstance(one, Tally | Seconds)]

    def samples(self) -> dict[Sample, float]:
        """Give everything counted so far."""
        return {sample: value for one in self.all for sample, value in one.samples().items()}
