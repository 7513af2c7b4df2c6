"""The words of the pages, in both languages."""

import re
from typing import Any

from bot.web.pages import DIRECTORY, Pages
from bot.wording.rendering import Wording
from sandbox.web.page import STATIC


async def test_both_languages_have_the_same_words() -> None:
    pages = Pages()
    russian, english = [await pages.words(language) for language in ("ru", "en")]

    assert pages.languages == ["en", "ru"]
    assert _shape(russian) == _shape(english)


def _shape(words: Any) -> Any:
    """The names of words, and what is below them."""
    if isinstance(words, str):
        return "words"
    if isinstance(words, dict):
        return {name: _shape(one) for name, one in words.items()}
    if isinstance(words, list | tuple):
        return len(words)
    if callable(words):
        return words.arguments
    named = {name: one for name, one in vars(words).items() if not name.startswith("_")}
    return {name: _shape(one) for name, one in named.items()}


async def test_what_is_told_when_the_bot_is_gone_names_what_the_page_has() -> None:
    for language in ("ru", "en"):
        words = await Pages().words(language)
        told = Wording().page("bot_lost.j2", language)

        assert words.app["views"]["state"] in told
        assert words.state["repair"] in told


def test_the_russian_is_natural() -> None:
    for path in (DIRECTORY / "ru" / "words.j2", STATIC / "words.js"):
        russian = path.read_text("utf-8").partition("const EN")[0]
        assert "–" not in russian, "a dash is long"
        for slip in ("на столе", "о ком", "темп", "язык строк", "разработчику бота"):
            assert not re.search(rf"\b{slip}\b", russian, re.IGNORECASE), slip


def test_the_english_is_natural() -> None:
    for path in (DIRECTORY / "en" / "words.j2", DIRECTORY / "terminal.j2", STATIC / "words.js"):
        english = path.read_text("utf-8").rpartition("const EN")[2]
        for slip in ("on the desk", '"the responsible"', "Refusals of", "Language of lines"):
            assert slip not in english
        assert "the line's" not in english
        assert not re.search(r"open[ -](lines|channel)", english), path.name
