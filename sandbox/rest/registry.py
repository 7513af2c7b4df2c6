"""How a REST method is declared, and what it is given when it is called."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sandbox.apps import App
from sandbox.model import User
from sandbox.rest.params import Params
from sandbox.state import State
from sandbox.tokens import Token

PAGE = 50


@dataclass(frozen=True)
class Call:
    """One call: the portal, who calls, with which parameters.

    `verdicts` lives as long as the HTTP request: what was found out about a line stands for all
    calls of a batch.
    """

    state: State
    user: User
    token: Token
    params: Params
    verdicts: dict[int, bool] = field(default_factory=dict)

    @property
    def app(self) -> App:
        """The app whose token it is."""
        return self.state.apps[self.token.client_id]


@dataclass(frozen=True)
class Page:
    """A page of a list; answered with `total` and, if there is more, `next`."""

    items: object
    total: int
    next: int | None = None


Answerer = Callable[[Call], object]


@dataclass(frozen=True)
class Method:
    """A declared method; one of the scopes suffices, none means that every app may call it."""

    name: str
    scopes: tuple[str, ...]
    exact: bool
    answer: Answerer
    dismissed: bool = False  # it answers those who have left the company as well
    since: int = 0  # the revision of the messenger's API that brought it


class Methods:
    """Methods by name, whatever its case."""

    def __init__(self, *parts: "Methods") -> None:
        self._methods: dict[str, Method] = {}
        for part in parts:
            self._methods.update(part._methods)

    def method(
        self,
        name: str,
        *scopes: str,
        exact: bool = False,
        dismissed: bool = False,
        since: int = 0,
    ) -> Callable[[Answerer], Answerer]:
        def declare(answer: Answerer) -> Answerer:
            self._methods[name.lower()] = Method(name, scopes, exact, answer, dismissed, since)
            return answer

        return declare

    def find(self, name: str, revision: int) -> Method | None:
        """The method of that name, if a portal of that revision has it."""
        method = self._methods.get(name.lower())
        return method if method is not None and method.since <= revision else None

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())


def paged(rows: list[object], start: int, size: int = PAGE) -> Page:
    """The page of a list method that begins at `start`."""
    start = max(start, 0)
    end = start + size
    return Page(rows[start:end], len(rows), end if end < len(rows) else None)
