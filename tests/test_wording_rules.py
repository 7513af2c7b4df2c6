"""What every text of the bot keeps to: one voice, the portal's names, good Russian."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

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


def slips(paths: list[Path], found: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """Give every template that breaks a rule, with what is found there."""
    told = {str(path.relative_to(TEMPLATES)): list(found(path)) for path in paths}
    return {name: wrong for name, wrong in told.items() if wrong}


def read(path: Path) -> str:
    """What stands in a template, in the lines that it is sent in."""
    # The newline after a block or a comment is not sent.
    return re.sub(r"(?<=[%#]})\n", "", path.read_text("utf-8"))


def said(path: Path) -> str:
    """The words of a template that are the bot's own: neither buttons nor what is typed."""
    return _CODE.sub("", _PRESSED.sub("", read(path)))


def test_the_bot_never_says_i() -> None:
    first_person = r"\b(I|me|my|mine)\b(?!,)"

    assert slips(ENGLISH, lambda path: re.findall(first_person, said(path))) == {}


def test_the_bot_never_says_i_in_russian() -> None:
    first_person = r"\b(я|мне|меня|мой|мою|помню|уберу|проверю|повторю|выполню)\b"

    assert slips(RUSSIAN, lambda path: re.findall(first_person, said(path), re.IGNORECASE)) == {}


def test_open_channels_are_called_as_the_portal_calls_them() -> None:
    wrong = r"(?i:open[ -]line(?!\w))|[Oo]pen-channel|open channel|Open channel"

    assert slips(ENGLISH, lambda path: re.findall(wrong, read(path))) == {}
    assert slips(ENGLISH, lambda path: [one for one in SLIPS if one in read(path)]) == {}


def test_russian_has_its_own_dash_and_no_calques() -> None:
    calques = rf"\b(?:{'|'.join(CALQUES)})\b"

    assert slips(RUSSIAN, lambda path: re.findall(f" – |{calques}", read(path))) == {}


def test_russian_examples_are_typed_in_russian() -> None:
    words = r"\b(deal|lead|contact|company)\b|--(for|dry|chat)\b|@(head|owner|line)\b| help\b"

    def in_english(path: Path) -> list[str]:
        typed = re.findall(r"\[b\](/.*?)\[/b\]", read(path))
        return [one for one in typed if re.search(words, re.sub(r"{[{%].*?[%}]}", "", one))]

    assert slips(RUSSIAN, in_english) == {}


def test_no_line_begins_with_a_small_letter() -> None:
    def begun_small(path: Path) -> list[str]:
        text = _CODE.sub("", _SET.sub("", read(path)))
        lines = [line for line in text.splitlines() if line.strip()]
        return [line for line in lines if re.match(r"[a-zа-яё]", line)]

    sentences = [path for path in (*ENGLISH, *RUSSIAN) if path.stem not in ("words", "manual")]
    assert slips(sentences, begun_small) == {}
