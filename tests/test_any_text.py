"""Whatever stands in a line is read in time, and raises nothing but its own error."""

import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lines import ALL, DEAL, ESCALATE, GROUP, IVAN, LINK, M

from bot.bitrix24.entities import Named
from bot.commands import grammar, vocabulary
from bot.commands.grammar import parse, split_command
from bot.commands.line import Unclear
from bot.commands.patterns import plain
from bot.commands.vocabulary import normalise
from handlers.escalate import Escalate

# What changes nothing: how the same command is written by other people and other devices.
CHANGES = {
    "marks": lambda text: "\u200e".join(text),
    "bidi": lambda text: f"\u2067{text}\u2069",
    "capitals": str.upper,
    "small": str.lower,
    "wide": lambda text: "".join(chr(ord(c) + 0xFEE0) if c in "0123456789" else c for c in text),
    "blanks": lambda text: text.replace(" ", "\u2009\u00a0"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "around": lambda text: f"  {text}\t",
}
SEPARATORS = st.sampled_from(
    [" ", ", ", "; ", ",", ";", " , ", ".  ", "! ", " и ", " & ", "\u3000"]
)
PEOPLE = st.sampled_from(
    [M, "id12", "№12", "@12", "a@b.ru", "me", "@head", "«Анна Ёлкина»", "‘йод’", "@Анна Орлова",
     f"{LINK}/company/personal/user/41/?IFRAME=Y", "/company/personal/user/41/"]
)  # fmt: skip
FURTHER = st.sampled_from(
    ["deal 288", "сделка № 288", f"{LINK}/crm/deal/show/288/#tab", "--for 2 часа", "--for=2h",
     "--dry", "--yes", "--chat 5", "chat 5"]
)  # fmt: skip


@given(st.lists(PEOPLE | FURTHER, min_size=1, max_size=6, unique=True), SEPARATORS, st.data())
def test_the_same_is_read_alike_however_it_is_written(
    pieces: list[str], separator: str, data: st.DataObject
) -> None:
    plainly = outcome(" ".join(pieces), ESCALATE)[1]
    changes = data.draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3))
    text = separator.join(pieces)
    for name in changes:
        text = CHANGES[name](text)

    if plainly is not None:
        assert alike(parse(text, ESCALATE, "portal.example")) == alike(plainly)


@given(st.permutations([M, "@Анна", "deal 288", "--for 2h", "--dry", "chat 5"]))
def test_parts_come_in_any_order(pieces: list[str]) -> None:
    parts = parse(" ".join(pieces))

    assert parts | {"people": set(parts["people"])} == {
        "people": {IVAN, Named(name="Анна")}, "item": DEAL, "lasting": 7200, "dry": True,
        "chat_id": 5
    }  # fmt: skip


def alike(parts: dict[str, Any]) -> str:
    return json.dumps(Escalate.model_validate(parts).model_dump(), ensure_ascii=False).casefold()


PIECES = [
    "deal", "сделка", "сделке", "в ", "in ", "288", "#", "№", " ", ",", "id12", "@12", "me", "я",
    "@responsible", "@head", "@Иван", "Петров", "«", "»", '"', "[USER=12]", "[/USER]", "Иван",
    "[USER=all]", "[CHAT=5]", "[/CHAT]", "chat", "--", "—", "--dry", "--yes", "--for ", "2h", "30м",
    "a@b.ru", "https://portal/crm/deal/details/288/", "/workgroups/group/15/", "15", "\u200b",
    "online/?IM_DIALOG=", "[URL]", "[URL=", "[/URL]", "//", "]", "?", "‘", "’", "“", ";", "=",
    "\u3164",
    "при", "и", "no.", "&amp;", "\u2028", "\ud800", "１", "𝟙", "\U000e0101", "id", "user",
    "group ", "@",
    "\u00a0", "\u0301", "'", "-", ".", "0", "99999999999", "ſ", "\x1c", "İ",
]  # fmt: skip
LINES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)
WANTED = st.sampled_from([grammar.EVERYTHING, GROUP, frozenset({"word"}), frozenset(), ALL])


@example("a@b.ruİ", grammar.EVERYTHING)
@example("ſ\u0301", frozenset({"word"}))
@example("‘\u00a0‘", frozenset(GROUP))
@given(LINES | st.text(), WANTED)
def test_raises_nothing_but_its_own_error(text: str, wanted: set[str]) -> None:
    place, parts = outcome(text, wanted)

    assert 0 <= place <= len(normalise(text))
    assert parts is None or parts.keys() <= wanted
    split_command(text)
    grammar.asks_for_help(text)
    vocabulary.invisible(text)


@given(LINES)
def test_a_button_carries_what_was_read(text: str) -> None:
    parts = outcome(text, ESCALATE)[1]
    if parts is not None:
        args = Escalate.model_validate(parts)
        assert Escalate.model_validate_json(args.act("escalate").params) == args


def outcome(text: str, wanted: set[str]) -> tuple[int, dict[str, Any] | None]:
    try:
        return 0, parse(text, wanted, "portal.example")
    except Unclear as unclear:
        return unclear.place, None


HOSTILE = [
    "[USER=1]", "[USER=12]a[/USER]", "[", "@", "@a ", "@a.", "@a-", "a@", "a@b.", "-", "--", "— ",
    '"', "«", "'", "'a", "‹a", "deal ", "deal 1 ", "in ", "\u0301", "\u0301\u0316", "\u200b", " ",
    ",",
    ";", ".", "!", ". ", "#1", "id1 ", "1", "chat ", "chat 1 ", "https://", "/crm/deal/details/1/",
    "/", "//", "a.b/", "--for ", "--for 2h ", "--for 2h1m", "me,", "@a a a a,", "«a»", "[CHAT=1]",
    "[URL]a[/URL]", "[URL=a]", "#", "№ ", "no. ", "id: ", "and ", "в ", "？", "１", "\u3164",
    "&amp;", "/online/?&IM_DIALOG=&", "/online/?IM_DIALOG=chat1&",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("wanted", [ESCALATE, GROUP, {"word"}])
def test_takes_linear_time(piece: str, wanted: set[str]) -> None:
    # A message has 20,000 characters at most; this takes some milliseconds.
    assert min(seconds(piece * (20_000 // len(piece)), wanted) for _ in range(2)) < 0.1


def seconds(text: str, wanted: set[str]) -> float:
    began = time.process_time()
    try:
        parse(text, wanted)
    except Unclear as unclear:
        plain(unclear.text)
    return time.process_time() - began
