"""What every text of the bot keeps to: one voice, the portal's names, good Russian."""

import re
from pathlib import Path

import pytest

from bot.wording.rendering import TEMPLATES

ENGLISH = sorted((TEMPLATES / "en").rglob("*.j2"))
RUSSIAN = sorted((TEMPLATES / "ru").rglob("*.j2"))
# What a button says its presser says, and the title of a command whoever types it.
_PRESSED = re.compile(r"{% set (?!short|where|named|reasons)\w+ %}.*?{% endset %}", re.DOTALL)
_SET = re.compile(r"{% set .*?{% endset %}", re.DOTALL)
_CODE = re.compile(r"`[^`]*`|\[b\].*?\[/b\]|{%.*?%}|{{.*?}}", re.DOTALL)
CALQUES = (
    "Портал на столе", "о ком", "затронут", "Темп", "Язык строк", "этот человек не добавлен",
    "Не приглашены", "разработчику бота",
)  # fmt: skip
SLIPS = (
    "Perhaps their head", "the responsible,", "Refusals of Bitrix24", "touched",
    "Language of lines",
)  # fmt: skip


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def read(path: Path) -> str:
    """What stands in a template, in the lines that it is sent in."""
    # The newline after a block or a comment is not sent.
    return re.sub(r"(?<=[%#]})\n", "", path.read_text("utf-8"))


def said(path: Path) -> str:
    """The words of a template that are the bot's own: neither buttons nor what is typed."""
    return _CODE.sub("", _PRESSED.sub("", read(path)))


@each(ENGLISH)
def test_the_bot_never_says_i(path: Path) -> None:
    assert not re.search(r"\b(I|me|my|mine)\b(?!,)", said(path))


@each(RUSSIAN)
def test_the_bot_never_says_i_in_russian(path: Path) -> None:
    first_person = r"\b(я|мне|меня|мой|мою|помню|уберу|проверю|повторю|выполню)\b"

    assert not re.search(first_person, said(path), re.IGNORECASE)


@each(ENGLISH)
def test_open_channels_are_called_as_the_portal_calls_them(path: Path) -> None:
    words = read(path)

    assert not re.search(r"open[ -]line(?!\w)", words, re.IGNORECASE)
    assert not re.search(r"[Oo]pen-channel|open channel|Open channel", words)
    assert not [slip for slip in SLIPS if slip in words]


@each(RUSSIAN)
def test_russian_has_its_own_dash_and_no_calques(path: Path) -> None:
    words = read(path)

    assert " – " not in words
    assert not [calque for calque in CALQUES if re.search(rf"\b{calque}\b", words)]


@each(RUSSIAN)
def test_russian_examples_are_typed_in_russian(path: Path) -> None:
    typed = re.findall(r"\[b\](/.*?)\[/b\]", read(path))

    words = r"\b(deal|lead|contact|company)\b|--(for|dry|chat)\b|@(head|owner|line)\b| help\b"
    assert not [one for one in typed if re.search(words, re.sub(r"{[{%].*?[%}]}", "", one))]


@each([*ENGLISH, *RUSSIAN])
def test_no_line_begins_with_a_small_letter(path: Path) -> None:
    if path.stem in ("words", "manual"):
        return
    text = _CODE.sub("", _SET.sub("", read(path)))
    lines = [line for line in text.splitlines() if line.strip()]

    assert not [line for line in lines if re.match(r"[a-zа-яё]", line)]
