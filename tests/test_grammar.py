"""The grammar of what follows a command, without a portal."""

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Role
from bot.commands import grammar, vocabulary
from bot.commands.grammar import parse
from bot.commands.line import Problem, Unclear, normalise
from bot.commands.someone import plain
from bot.commands.writing import write

IVAN = Person(id=12, name="Иван Петров")
DEAL = CrmItem(type="deal", id=288)
GROUP = {"group", "people", "reason", "dry"}
ALL = grammar.EVERYTHING | {"group"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", {}),
        ("[USER=12]Иван Петров[/USER]", {"people": (IVAN,)}),
        ("[user=12 replace]Иван Петров[/user]", {"people": (IVAN,)}),
        ("id12 user:15 #3 @41", {"people": tuple(Person(id=n) for n in (12, 15, 3, 41))}),
        ("ivan@example.test", {"people": (Email(address="ivan@example.test"),)}),
        ("me", {"people": (Me(),)}),
        ("я, @me", {"people": (Me(),)}),
        ("@responsible @Руководитель", {"people": (Role.RESPONSIBLE, Role.HEAD)}),
        ("@Иван Петров @Анна", {"people": (Named(name="Иван Петров"), Named(name="Анна"))}),
        ("@Anna-Maria O'Neil", {"people": (Named(name="Anna-Maria O'Neil"),)}),
        ("«Иван Петров»", {"people": (Named(name="Иван Петров"),)}),
        ("“Иван Петров”", {"people": (Named(name="Иван Петров"),)}),
        ("id12 id12, id12", {"people": (Person(id=12),)}),
        ("deal 288", {"item": DEAL}),
        ("Deal#288", {"item": DEAL}),
        ("сделка №288", {"item": DEAL}),
        ("в сделке 288 id12", {"item": DEAL, "people": (Person(id=12),)}),
        ("in contact 91 me", {"item": CrmItem(type="contact", id=91), "people": (Me(),)}),
        ("/crm/deal/details/288/", {"item": DEAL}),
        ("https://Portal.Example/crm/deal/details/288", {"item": DEAL}),
        ("deal 288 chat 5 me", {"item": DEAL, "chat_id": 5, "people": (Me(),)}),
        ("[CHAT=5]Клиент[/CHAT] me", {"chat_id": 5, "people": (Me(),)}),
        ("me --dry --yes", {"people": (Me(),), "dry": True, "yes": True}),
        ("me --for 2h", {"people": (Me(),), "lasting": 7200}),
        ("me —for 30 м — нужен юрист", {"people": (Me(),), "lasting": 1800,
                                        "reason": "нужен юрист"}),
        ("me -- a -- b --dry", {"people": (Me(),), "reason": "a -- b --dry"}),
        ("-- почему", {"reason": "почему"}),
        ("me --chat 5", {"people": (Me(),), "chat_id": 5}),
        ("\u200bid12\u00a0\t", {"people": (Person(id=12),)}),
    ],
)  # fmt: skip
def test_reads(text: str, parts: dict[str, Any]) -> None:
    assert parse(text, host="portal.example") == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("15 id12", {"group": Group(id=15), "people": (Person(id=12),)}),
        ("#15 me", {"group": Group(id=15), "people": (Me(),)}),
        ("/workgroups/group/15/ me", {"group": Group(id=15), "people": (Me(),)}),
        ('"Отдел права" @Анна, @Иван', {"group": Group(name="Отдел права"),
                                        "people": (Named(name="Анна"), Named(name="Иван"))}),
        ("@Анна", {"people": (Named(name="Анна"),)}),
        ("15", {"group": Group(id=15)}),
    ],
)  # fmt: skip
def test_reads_a_group_first(text: str, parts: dict[str, Any]) -> None:
    assert parse(text, GROUP) == parts


@pytest.mark.parametrize(
    ("text", "rest", "problem"),
    [
        ("Иван Петров", "Иван Петров", Problem.UNKNOWN),
        ("[USER=12]Иван[/USER] срочно", "срочно", Problem.UNKNOWN),
        ("id0", "id0", Problem.UNKNOWN),
        ("id9999999999", "id9999999999", Problem.UNKNOWN),
        ("[USER=all]Все[/USER]", "[USER=all]Все[/USER]", Problem.EVERYONE),
        ("id12 @all", "@all", Problem.EVERYONE),
        ("@все", "@все", Problem.EVERYONE),
        ("deal abc", "abc", Problem.NOT_NUMBER),
        ("deal", "", Problem.NOT_NUMBER),
        ("deal 9999999999", "9999999999", Problem.NOT_NUMBER),
        ("invoice 5", "invoice 5", Problem.WHICH_ITEM),
        ("del 288", "del 288", Problem.WHICH_ITEM),
        ("@Иван in deal 288", "in deal 288", Problem.UNKNOWN),
        ("https://evil.example/crm/deal/details/288/", "https://", Problem.FOREIGN),
        ("me --for 2", "2", Problem.DURATION),
        ("me --for 4m", "4m", Problem.DURATION),
        ("me --for 8d", "8d", Problem.DURATION),
        ("me --for", "", Problem.DURATION),
        ("me --dri", "--dri", Problem.UNKNOWN),
        ("me --", "--", Problem.UNKNOWN),
        ("me -- " + "ы" * 501, "ы", Problem.TOO_LONG),
        ("@Один Два Три Четыре Пять", "Пять", Problem.UNKNOWN),
        ("@responsible Иван", "Иван", Problem.UNKNOWN),
        ("in", "in", Problem.UNKNOWN),
        ("chat x", "x", Problem.NOT_NUMBER),
    ],
)
def test_points_at_what_it_does_not_understand(text: str, rest: str, problem: Problem) -> None:
    with pytest.raises(Unclear) as unclear:
        parse(text, host="portal.example")

    error = unclear.value
    assert error.text[error.place :].startswith(rest)
    assert error.problem is problem


def test_says_what_may_have_been_meant() -> None:
    for text, meant in {
        "del 288 me": "deal 288 me",
        "зделка 288": "сделка 288",
        "me --dri": "me --dry",
    }.items():
        with pytest.raises(Unclear) as unclear:
            parse(text)
        assert unclear.value.instead == meant


def test_what_a_command_does_not_take_is_not_understood() -> None:
    for text, wanted in {
        "id12": {"word"}, "deal 288": {"people"}, "me --dry": {"people"}, "me -- a": {"people"},
        "15": set(),
    }.items():  # fmt: skip
        if wanted != {"word"}:
            with pytest.raises(Unclear):
                parse(text, wanted)
    assert parse("RU", {"word"}) == {"word": "ru"}


def test_knows_a_command_typed_on_the_other_keyboard() -> None:
    assert vocabulary.other_layout("штмшеу") == "invite"
    assert vocabulary.other_layout("уысфдфеу") == "escalate"


def test_normalising_twice_changes_nothing() -> None:
    assert normalise(normalise("e\u200b\u0301")) == normalise("e\u200b\u0301")


PIECES = [
    "deal", "сделка", "сделке", "в ", "in ", "288", "#", "№", " ", ",", "id12", "@12", "me", "я",
    "@responsible", "@head", "@Иван", "Петров", "«", "»", '"', "[USER=12]", "[/USER]", "Иван",
    "[USER=all]", "[CHAT=5]", "[/CHAT]", "chat", "--", "—", "--dry", "--yes", "--for ", "2h", "30м",
    "a@b.ru", "https://portal/crm/deal/details/288/", "/workgroups/group/15/", "15", "\u200b",
    "\u00a0", "\u0301", "'", "-", ".", "0", "99999999999", "ſ", "\x1c", "İ",
]  # fmt: skip
LINES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)
WANTED = st.sampled_from([grammar.EVERYTHING, GROUP, frozenset({"word"}), frozenset(), ALL])


@example("a@b.ruİ", grammar.EVERYTHING)
@example("ſ\u0301", frozenset({"word"}))
@settings(max_examples=1500, deadline=None)
@given(LINES | st.text(), WANTED)
def test_raises_nothing_but_its_own_error_and_round_trips(text: str, wanted: set[str]) -> None:
    place, parts = outcome(text, wanted)

    assert 0 <= place <= len(normalise(text))
    if parts is not None:
        assert parse(write(dict.fromkeys(wanted) | parts), wanted, "portal") == parts


def outcome(text: str, wanted: set[str]) -> tuple[int, dict[str, Any] | None]:
    try:
        return 0, parse(text, wanted, "portal")
    except Unclear as unclear:
        return unclear.place, None


HOSTILE = [
    "[USER=1]", "[USER=12]a[/USER]", "[", "@", "@a ", "@a.", "@a-", "a@", "a@b.", "-", "--", "— ",
    '"', "«", "deal ", "deal 1 ", "in ", "\u0301", "\u200b", " ", ",", "#1", "id1 ", "1", "chat ",
    "https://", "/crm/deal/details/1/", "--for ", "me,", "@a a a a,", "«a»", "[CHAT=1]",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("wanted", [grammar.EVERYTHING, GROUP])
def test_takes_linear_time(piece: str, wanted: set[str]) -> None:
    assert seconds(piece * (40_000 // len(piece)), wanted) < 1.0


def seconds(text: str, wanted: set[str]) -> float:
    began = time.process_time()
    try:
        parse(text, wanted)
    except Unclear as unclear:
        plain(unclear.text)
    return time.process_time() - began
