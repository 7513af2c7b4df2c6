"""What the pages show of a chat: a line that is typed, and what the bot answers to it.

A block fenced as ``text chat`` begins with what is typed, a command a line; the rest is the
answer, its buttons in brackets at the end. ``@`` and a name stand for one picked from the list.
Further words of the fence name the circumstances that it takes.
"""

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from pages import Block, Page

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
    "Customer - Support": "Клиент - Поддержка",
    "Guest - Support": "Гость - Поддержка",
    "Lawyers": "Юристы",
    "Lawyer, Law": "Юрист, Право",
    "Driver, Logistics": "Водитель, Логистика",
}
NUMBERS = {"Иван Петров": 12, "Анна Орлова": 15, "Павел Лебедев": 33}

_MARKUP = re.compile(r"\[/?(?:b|i|user(?:=\d+)?|chat(?:=\d+)?)\]", re.IGNORECASE)


@dataclass(frozen=True)
class Dialogue:
    """What is typed, in which circumstances, and what the bot answers."""

    circumstances: tuple[str, ...]
    typed: tuple[str, ...]
    answer: str


def dialogues(page: Page) -> list[Dialogue]:
    return [_dialogue(one) for one in page.blocks("text") if "chat" in one.words]


def _dialogue(block: Block) -> Dialogue:
    lines = block.text.strip().splitlines()
    typed = list(takewhile(lambda line: line.startswith("/"), lines))
    return Dialogue(block.words[1:], tuple(typed), "\n".join(lines[len(typed) :]))


def as_sent(line: str) -> str:
    """Give a typed line as the portal sends it: with mentions of those picked from the list."""
    for english, name in NAMES.items():
        line = line.replace(english, name)
    for name, number in NUMBERS.items():
        line = line.replace(f"@{name}", f"[USER={number}]{name}[/USER]")
    return line


def as_seen(message: dict[str, Any], language: str) -> str:
    """Give a message as people see it, in the letters of the page."""
    text = message["text"].removeprefix("[USER=456]Switchboard[/USER]\n ")
    buttons = [f"[{one['TEXT']}]" for one in message["keyboard"] or [] if "TEXT" in one]
    text = " ".join([_MARKUP.sub("", text).replace("\u2060", ""), *buttons])
    for english, name in NAMES.items():
        text = text.replace(name, english) if language == "en" else text
    return text
