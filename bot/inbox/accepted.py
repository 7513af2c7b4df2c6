"""A command that was accepted: what it is answered with, how it ends, whom it waits for."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bot.bitrix24.events import CommandEvent
from bot.bitrix24.token_pair import TokenPair
from bot.figures import Ending

# A portal drops an event that it could not deliver for a day.
OLDEST = 24 * 3600.0

# The hidden command that every button of the bot carries.
PRESS = "press"

# The suspicion of ending processes with which a command is not run any more: one has ended while
# it ran among others, and one while it was watched; or as many as this among others.
POISON = 5


class Place(StrEnum):
    """Where a reply is read."""

    CHAT = "chat"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class End:
    """How a command's run ended; ``code`` is the refusal's name, empty where there was none."""

    outcome: Ending
    code: str = ""

    @property
    def is_answer(self) -> bool:
        """Say whether the requester has been told something."""
        return self.outcome not in (Ending.UNANSWERED, Ending.DROPPED, Ending.EXPIRED)


class Button(BaseModel):
    """A worded button: a link, or the parameters of the bot's hidden command."""

    model_config = ConfigDict(frozen=True)

    text: str
    link: str = ""
    payload: str = ""


class Reply(BaseModel):
    """A worded answer, in BB code, and what may be pressed under it.

    ``parks``: the command has not been carried out, it waits for its requester's permission.
    ``asks``: it has not been carried out, its requester is asked whether they mean it.
    ``user_id``: who is told privately, if not the requester. ``spare``: where it cannot be said
    in its place it is left out, for it is said elsewhere too.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    place: Place
    buttons: tuple[Button, ...] = ()
    parks: bool = False
    asks: bool = False
    user_id: int = 0
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    """The token pairs that came with an event. Whose they are nobody has proven.

    ``own`` is said to be the requester's: by the event where it ``is_named`` so, else by nobody.
    ``bot`` is said to be the bot's own.
    """

    own: TokenPair | None = None
    is_named: bool = False
    bot: TokenPair | None = None


NOTHING = Brought()


@dataclass(frozen=True, slots=True)
class Press:
    """What a command is that came of a press: at the place of the one that the button belongs to.

    ``original`` is the command under whose answer the button stood, ``origin`` its id;
    ``answerable`` is the event that can be answered in the chat, and ``since`` when it happened.
    """

    original: CommandEvent
    origin: int
    answerable: CommandEvent
    since: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored command.

    ``replies`` is what it came to, ``None`` while nobody knows; ``attempts`` counts how often
    those were set out to be sent; ``repeated`` tells that an earlier process may have begun it;
    ``since`` when it came, or, where it had been set aside, was taken up; ``suspicion`` is how
    much speaks for it that to run it ends the process (see ``inbox/runs``). ``brought`` came
    with the event. ``proven``: it is certain that its requester means it; ``internal``: it is an
    act of the bot's own. ``is_second``: another delivery of the same command came before.
    ``is_refusal``: it was refused when it came, and is only to be told so. ``press``: it is carried
    out in the place of a press.
    """

    id: int
    event: CommandEvent
    received_at: float
    since: float
    replies: list[Reply] | None = None
    attempts: int = 0
    repeated: bool = False
    suspicion: int = 0
    brought: Brought = NOTHING
    proven: bool = False
    internal: bool = False
    is_second: bool = False
    is_refusal: bool = False
    press: Press | None = None

    @property
    def is_poison(self) -> bool:
        """Say whether to run it may end one more process: it is only answered."""
        return self.replies is None and self.suspicion >= POISON

    @property
    def asked_at(self) -> float:
        """When it was typed or pressed: as the portal says, if that can be true."""
        ts, came = self.event.ts, self.received_at
        return ts if ts is not None and came - OLDEST < ts < came else came

    @property
    def answerable(self) -> tuple[CommandEvent, float]:
        """Give the event by which it is answered in its chat, and when that happened."""
        press = self.press
        return (press.answerable, press.since) if press else (self.event, self.asked_at)

    @property
    def lane(self) -> str:
        """Whom the command waits for: those of its chat; a mere refusal only its likes."""
        return self.event.lane if self.replies is None else refusals_of(self.event)

    @property
    def order(self) -> tuple[int, int, int]:
        """Where the command stands among those of its chat."""
        return (self.event.message.id, self.event.line, self.id)

    @property
    def reference(self) -> str:
        """What the requester can quote, and the log can be searched for."""
        return reference_of(self.id)


def reference_of(command_id: int) -> str:
    """Write a command's number as its requester reads it."""
    return f"{command_id:04X}"


def refusals_of(event: CommandEvent) -> str:
    """Name the lane of what is only refused: it overtakes the commands of its chat."""
    return f"{event.lane}/refused"


def portal_of(lane: str) -> str:
    """Name the portal of a lane."""
    return lane.partition("/")[0]
