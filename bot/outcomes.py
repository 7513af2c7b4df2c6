"""What a handler comes to."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from bot.bitrix24.entities import Offer
from bot.errors import Refusal
from bot.store.inbox import Place


class Outcome(BaseModel):
    """What happened; worded by the template named after it, its fields are the variables.

    It is told privately, unless the chat has really changed.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    place: ClassVar[Place] = Place.PRIVATE

    offers: tuple[Offer, ...] = ()


class Usage(Outcome):
    """Somebody asked how a command goes."""

    command: str


Told = Outcome | Refusal
Outcomes = Told | Sequence[Told]
