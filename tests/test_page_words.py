"""The words of the pages, in both languages."""

from typing import Any

from bot.web.pages import Pages


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
