"""How the messenger finds slash commands in a message (`im`, `Command::onCommandAdd`)."""

import re

# Only 0x20 and the line's end part a name from its parameters, and exactly one space is eaten:
# a tab or a no-break space becomes a part of the name, which is then not found.
_COMMAND = re.compile(r"^/([^ \n]*) ?(.*)$", re.MULTILINE)
_BLANK = " \t\n\r\0\v"  # what PHP trims: a no-break space is not among it
_BREAK = re.compile(r"\[BR\]|#BR#", re.IGNORECASE)


def commands_in(text: str) -> list[tuple[str, str]]:
    """Every line that begins with a slash, as name and raw parameters."""
    lines = _BREAK.sub("\n", text).strip(_BLANK)
    return [(_name(name), params) for name, params in _COMMAND.findall(lines)]


def _name(typed: str) -> str:
    # `//invite` is `/invite`.
    return typed.removeprefix("/")
