"""What the demo puts on paper."""

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.markup import decoded

WIDTH = 88
TOLD_ELSEWHERE = {"message", "cmd", "halt", "urlPreview", "botId", "commandId", "messageId"}

Row = dict[str, Any]


class Teller:
    """Tells what has happened, with the names of the people."""

    def __init__(self, operator: int, customer: int) -> None:
        self.names: dict[int, str] = {0: "Bitrix24"}
        self._operator = operator
        self._customer = customer

    def tell(self, calls: Iterable[Row], said: Sequence[Row], private: Sequence[Row]) -> None:
        """Tell what the bot called, and what each side saw of it."""
        say("\nThe bot calls the portal:")
        for call in calls:
            self._tell_call(call)
        say("\nThe staff see in the chat:")
        self._tell_messages(said)
        if private:
            say(f"\n{self.name(self._operator)} alone sees, from the bot:")
            self._tell_messages(private)
        say("\nThe customer sees of all this:")
        self._tell_messages([one for one in said if self._reached_customer(one)])
        say("")

    def _tell_call(self, call: Row) -> None:
        inner = "  " if call["batch"] else ""
        owner = {"user": "", "bot": "", "app": "installer "}[call["auth"]]
        token = f"token of {owner}{self.name(call['user_id'])}"
        say(f"    {inner + call['method']:<36} {token}")
        if details := "  ".join(f"{name}={value}" for name, value in _scalars(call["params"])):
            say(paint("2", filled(details, f"    {inner}    ")))
        if call["error"]:
            say(paint("31", f"    {inner}    → {call['error']}"))

    def _tell_messages(self, messages: Iterable[Row]) -> None:
        lines = [filled(": ".join(self._words(one)), "    ") for one in messages]
        say("\n".join(lines) or paint("2", "    nothing"))

    def _words(self, message: Row) -> tuple[str, str]:
        """Give who speaks and what they say; the portal names the bot in the first line."""
        named = re.match(r"\[USER=\d+\](.*?)\[/USER\]\n ", message["text"])
        if message["system"] and named:
            return named[1], as_shown(message["text"][named.end() :])
        return self.names[message["author_id"]], as_shown(message["text"])

    def name(self, user_id: int) -> str:
        """Name a user, with their number."""
        return f"{self.names[user_id]} ({user_id})"

    def _reached_customer(self, message: Row) -> bool:
        return bool(message["to_customer"]) or message["author_id"] == self._customer


def _scalars(params: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Give those of a call's parameters that tell something here."""
    for name, value in params.items():
        if name in TOLD_ELSEWHERE:
            continue
        if name == "keyboard":
            yield f"{prefix}{name}", ", ".join(f"[{one['TEXT']}]" for one in value["BUTTONS"])
        elif isinstance(value, dict):
            yield from _scalars(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value).lower() if isinstance(value, bool) else str(value)


def as_shown(text: str) -> str:
    """Give a text as people see it: entities read, mentions by name, and no markup."""
    text = decoded(text)
    sign = "@" if text.startswith("/") else ""
    text = re.sub(r"(?i)\[USER=\d+(?: REPLACE)?\](.*?)\[/USER\]", rf"{sign}\1", text)
    return re.sub(r"\[/?(?:[a-z]+|CHAT(?:=\d+)?)\]", "", text)


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def paint(code: str, text: str) -> str:
    """Colour a text where the terminal shows colours and nobody has said NO_COLOR."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def filled(text: str, indent: str) -> str:
    """Break the lines of a text, each indented; those after the first hang."""
    lines = text.splitlines()
    hanging = indent + "  "
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent=hanging if number else indent,
                      subsequent_indent=hanging, break_on_hyphens=False)
        for number, line in enumerate(lines)
    )  # fmt: skip


def joined(words: Iterable[str]) -> list[str]:
    """Put words into lines."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > WIDTH - 6:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


CHECK, CROSS = paint("32", "✓"), paint("31", "✗")
