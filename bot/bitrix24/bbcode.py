"""Text for Bitrix24's messages: BB code, and values that must not become any.

The platform has no escape: it turns entities back into brackets before it reads BB code. So an
invisible character stands behind whatever could begin a code or an entity.
"""

import re
import unicodedata

MAX_VALUE = 80
# Of what somebody wrote at length.
EXCERPT = 500

# WORD JOINER: nobody sees it, and no line is broken at it.
MARK = "\u2060"

# What begins a code, an entity, a new line (`#BR#`), another call's result in a `batch`.
_MEANT = re.compile(r"\[|&|#(?=BR#)|\$(?=result)", re.IGNORECASE)

# The markup of the bot's own texts: that of others has a mark behind every bracket.
_USER = re.compile(r"\[USER=(\d+)\](.*?)\[/USER\]")
_TAG = re.compile(r"\[/?(?:CHAT|URL|B|I|U|S)(?:=[^\]\[]*)?\]", re.IGNORECASE)

# What makes a line a command, a quotation, a rule around a quotation.
_BEGINNINGS = ("/", ">>", "------")


def neutralise(value: str, limit: int = MAX_VALUE) -> str:
    """Make a value plain text: no markup, no line of its own, at most ``limit`` visible characters.

    It may be used for the words of a button, too, in which the portal reads no BB code.
    """
    start = value[: 4 * limit]
    visible = start if start.isprintable() else "".join(map(_visible, start))
    words = " ".join(visible.split())
    cut = words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
    return _MEANT.sub(rf"\g<0>{MARK}", cut)


def mention(user_id: int, name: str) -> str:
    """Name a user so that the portal shows and links them; it fills in an empty name."""
    return f"[USER={user_id}]{neutralise(name)}[/USER]"


def plain(text: str) -> str:
    """Write what the bot says without markup, for where no BB code is read."""
    named = _USER.sub(lambda found: found[2] or f"id{found[1]}", text)
    return _TAG.sub("", named).replace(MARK, "")


def without_commands(text: str) -> str:
    """Keep every line from being more than text: a command that Bitrix24 runs, or a quotation."""
    return "\n".join(
        f"{MARK}{line}" if line.lstrip().startswith(_BEGINNINGS) else line
        for line in text.split("\n")
    )


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Cc" | "Zl" | "Zp" | "Cs" | "Zs":
            return " "
    return character
