"""Text for Bitrix24's messages: BB code, and values that must not become any.

Page: message-formatting.md. It names no escape, so brackets are written as entities.
"""

import unicodedata

MAX_VALUE = 80

_ENTITIES = str.maketrans({"[": "&#91;", "]": "&#93;"})


def neutralise(value: str, limit: int = MAX_VALUE) -> str:
    """Make a value plain text: no markup, no line of its own, at most ``limit`` characters."""
    visible = "".join(
        " "
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Zs")
        else character
        for character in value[: 4 * limit]
    )
    words = " ".join(visible.split())
    cut = words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
    return cut.translate(_ENTITIES)


def mention(user_id: int, name: str) -> str:
    """Name a user so that the portal shows and links him; it fills in an empty name."""
    return f"[USER={user_id}]{neutralise(name)}[/USER]"


def without_commands(text: str) -> str:
    """Keep every line from starting with a slash: Bitrix24 would run it as a command."""
    return "\n".join(
        f"\u2060{line}" if line.lstrip().startswith("/") else line for line in text.split("\n")
    )
