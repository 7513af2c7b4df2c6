"""What the pages show of a chat: a line that is typed, and what the bot answers to it.

A block fenced as ``text chat`` begins with what is typed, a command a line; the rest is the
answer, its buttons in brackets at the end. ``@`` and a name stand for one picked from the list.
"""

import re
from dataclasses import dataclass
from typing import Any

from pages import Page

# The stand-in portal's people and things, by the names that English pages give them.
NAMES = {
    "Ivan Petrov": "Иван Петров",
    "Anna Orlova": "Анна Орлова",
    "Roman Sokolov": "Роман Соколов",
    "Boris Volkov": "Борис Волков",
    "Pavel Lebedev": "Павел Лебедев",
    "Olga Smirnova": "Ольга Смирнова",
    "Administrator": "Администратор",
    "Delivery of equipment": "Поставка оборудования",
    "Lawyers": "Юристы",
}
NUMBERS = {"Иван Петров": 12, "Анна Орлова": 15, "Павел Лебедев": 33}

_MARKUP = re.compile(r"\[/?(?:b|i|user(?:=\d+)?|chat(?:=\d+)?)\]", re.IGNORECASE)


@dataclass(frozen=True)
class Dialogue:
    """What is typed, and what the bot answers."""

    typed: tuple[str, ...]
    answer: str


def dialogues(page: Page) -> list[Dialogue]:
    return [_dialogue(one.text) for one in page.blocks("text") if "chat" in one.words]


def _dialogue(text: str) -> Dialogue:
    lines = text.strip().splitlines()
    typed = [line for line in lines if line.startswith("/")]
    return Dialogue(tuple(typed), "\n".join(lines[len(typed) :]))


def as_sent(line: str) -> str:
    """Give a typed line as the portal sends it: with mentions of those picked from the list."""
    for english, name in NAMES.items():
        line = line.replace(f"@{english}", f"@{name}")
    for name, number in NUMBERS.items():
        line = line.replace(f"@{name}", f"[USER={number}]{name}[/USER]")
    return line


def as_seen(message: dict[str, Any], language: str) -> str:
    """Give a message as people see it, in the letters of the page."""
    text = message["text"].removeprefix("[b]Switchboard:[/b]\n")
    buttons = [f"[{one['TEXT']}]" for one in message["keyboard"] or [] if "TEXT" in one]
    text = " ".join([_MARKUP.sub("", text), *buttons])
    for english, name in NAMES.items():
        text = text.replace(name, english) if language == "en" else text
    return text
