"""Bodies of control requests: read, bounded, and refused with a reason."""

import json

from aiohttp import web

from sandbox.apps import App
from sandbox.errors import ControlRefused
from sandbox.model import Chat, User
from sandbox.rest.params import integer
from sandbox.state import State

MOST_TEXT = 100_000


class Body:
    """A JSON object, with its members by type."""

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        return self._values.get(name)

    def values(self) -> dict[str, object]:
        return dict(self._values)

    def names(self) -> set[str]:
        return set(self._values)

    def number(self, name: str) -> int:
        value = integer(self._values.get(name))
        if value is None:
            raise ControlRefused(f"{name}: a number is needed")
        return value

    def amount(self, name: str, least: float, most: float) -> float:
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ControlRefused(f"{name}: a number is needed")
        if not least <= value <= most:
            raise ControlRefused(f"{name}: must be from {least} to {most}")
        return float(value)

    def text(self, name: str, *, least: int = 0) -> str:
        value = self._values.get(name, "")
        if not isinstance(value, str) or not least <= len(value) <= MOST_TEXT:
            raise ControlRefused(f"{name}: a text of {least} to {MOST_TEXT} characters is needed")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise ControlRefused(f"{name}: true or false is needed")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise ControlRefused(f"{name}: a list of texts is needed")
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) != len(value):
            raise ControlRefused(f"{name}: a list of texts is needed")
        return texts

    def numbers(self, name: str) -> list[int]:
        value = self._values.get(name, [])
        numbers = [integer(item) for item in value] if isinstance(value, list) else [None]
        found = [number for number in numbers if number is not None]
        if len(found) != len(numbers):
            raise ControlRefused(f"{name}: a list of numbers is needed")
        return found

    def part(self, name: str) -> "Body":
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise ControlRefused(f"{name}: an object is needed")
        return Body(value)

    def one_of(self, name: str, *values: str) -> str:
        value = self._values.get(name)
        if value not in values:
            raise ControlRefused(f"{name}: one of {', '.join(values)} is needed")
        return str(value)


async def read(request: web.Request) -> Body:
    """The body of the request; nothing at all is an empty object."""
    try:
        text = await request.text()
        value = json.loads(text) if text.strip() else {}
    except (ValueError, LookupError, RecursionError):
        raise ControlRefused("the body is not JSON") from None
    if not isinstance(value, dict):
        raise ControlRefused("the body must be a JSON object")
    return Body(value)


def app(state: State, asked: Body) -> App:
    """The app of the `client_id` that is asked for, or the first one."""
    if not asked.has("client_id"):
        return state.app
    found = state.apps.get(asked.text("client_id"))
    if found is None:
        raise ControlRefused("there is no such app", 404)
    return found


def person(state: State, number: int) -> User:
    """The user of that id."""
    found = state.users.get(number)
    if found is None:
        raise ControlRefused(f"there is no user {number}", 404)
    return found


def chat(state: State, number: int) -> Chat:
    """The chat of that id."""
    found = state.chats.get(number)
    if found is None:
        raise ControlRefused(f"there is no chat {number}", 404)
    return found
