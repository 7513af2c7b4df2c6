"""A REST call, before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Address:
    """Where a portal takes REST calls; ``endpoint`` ends with ``/rest/``."""

    member_id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Call:
    """A method and its parameters.

    ``alone``: it must not be merged with others. ``line``: only a few of one line wait for
    the portal's pace at once, so that others pass the rest; ``None``: it is in no line.
    """

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    line: int | None = None

    @property
    def methods(self) -> list[str]:
        """The methods that run: the call's own, or those inside a batch."""
        if self.method != "batch":
            return [self.method]
        return [str(inner).partition("?")[0] for inner in self.params["cmd"].values()]
