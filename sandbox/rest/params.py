"""Parameters of a REST call: lenient as the portal is, and no further."""

from sandbox.errors import RestRefused

_YES = {"Y", "YES", "TRUE", "1"}
_NO = {"N", "NO", "FALSE", "0", ""}
_MOST_DIGITS = 18
_MOST_DEPTH = 64


def integer(value: object) -> int | None:
    """A number, or a string of digits; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) <= _MOST_DIGITS:
        text = value.strip()
        if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit():
            return int(text)
    return None


def flag(value: object) -> bool | None:
    """Y/N, 1/0, true/false; None for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        text = str(value).upper()
        return True if text in _YES else False if text in _NO else None
    return None


def truthy(value: object) -> bool:
    """Whether PHP takes the value for true: any text but "" and "0" is, "N" as well."""
    return value not in (None, "", "0", 0, [], {})


def within_depth(value: object, most: int = _MOST_DEPTH) -> bool:
    """Whether nothing in the value lies deeper than a sane request goes."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return True
    return False


class Params:
    """The parameters by name; older modules do not mind the case of a name, `imbot.v2` does."""

    def __init__(self, values: dict[str, object], *, exact: bool = False) -> None:
        self._exact = exact
        self._values = values if exact else {key.upper(): value for key, value in values.items()}

    def raw(self, name: str) -> object:
        return self._values.get(name if self._exact else name.upper())

    def has(self, name: str) -> bool:
        return (name if self._exact else name.upper()) in self._values

    def items(self) -> dict[str, object]:
        return dict(self._values)

    def text(self, name: str) -> str:
        """The text, "" when absent; a number counts as its digits."""
        value = self.raw(name)
        if isinstance(value, str):
            return value
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""

    def number(self, name: str) -> int:
        """The number as PHP's `intval` reads it: 0 when it is none."""
        return integer(self.raw(name)) or 0

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The flag; the default when absent or not a flag."""
        value = flag(self.raw(name)) if self.has(name) else None
        return default if value is None else value

    def ids(self, name: str) -> list[int]:
        """Numbers from a list, a map or a single value; what is no number is left out."""
        value = self.raw(name)
        if isinstance(value, dict):
            value = list(value.values())
        found = [integer(item) for item in (value if isinstance(value, list) else [value])]
        return [item for item in found if item is not None]

    def mapping(self, name: str) -> dict[str, object]:
        """The map; {} when absent. An empty list is PHP's empty map."""
        value = self.raw(name)
        return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}

    def required_mapping(self, name: str) -> dict[str, object]:
        """A map that a controller's method cannot do without."""
        if not isinstance(self._required(name), dict):
            raise _invalid(name, "array")
        return self.mapping(name)

    def required_integer(self, name: str) -> int:
        """A number that a controller's method cannot do without."""
        value = integer(self._required(name))
        if value is None:
            raise _invalid(name, "int")
        return value

    def required_text(self, name: str) -> str:
        self._required(name)
        value = self.text(name)
        if not value:
            raise _invalid(name, "string")
        return value

    def strict_flag(self, name: str, *, default: bool) -> bool:
        """A flag; another kind of value is refused."""
        if not self.has(name) or self.raw(name) is None:
            return default
        value = flag(self.raw(name))
        if value is None:
            raise _invalid(name, "bool")
        return value

    def _required(self, name: str) -> object:
        value = self.raw(name)
        if value is None:
            text = f"Could not find value for parameter {{{name}}}"
            raise RestRefused("100", text)
        return value


def _invalid(name: str, kind: str) -> RestRefused:
    text = f"Invalid value to match with parameter {{{name}}}. Should be value of type {kind}."
    return RestRefused("100", text)
