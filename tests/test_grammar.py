"""The grammar of what follows a command, without a portal."""

import json
import sys
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Role
from bot.commands import grammar, vocabulary
from bot.commands.grammar import Problem, Unclear, parse, plain, split_command
from bot.commands.vocabulary import normalise
from handlers.escalate import Escalate

IVAN = Person(id=12, name="Иван Петров")
DEAL = CrmItem(type="deal", id=288)
GROUP = {"group", "people", "reason", "dry"}
ESCALATE = grammar.EVERYTHING | {"number"}
ALL = ESCALATE | {"group"}
LINK = "https://portal.example"
M = "[USER=12]Иван Петров[/USER]"


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
        ("deal 288 --wait 2m", {"item": DEAL, "wait": 120}),
        ("me @Анна --wait=90 minutes", {"people": (Me(), Named(name="Анна")), "wait": 5400}),
        ("me —ждать 2 минуты — срочно", {"people": (Me(),), "wait": 120, "reason": "срочно"}),
        ("me --цфше 1ч", {"people": (Me(),), "wait": 3600}),
        ("me —for 30 м — нужен юрист", {"people": (Me(),), "lasting": 1800,
                                        "reason": "нужен юрист"}),
        ("me -- a -- b --dry", {"people": (Me(),), "reason": "a -- b --dry"}),
        ("-- почему", {"reason": "почему"}),
        ("me --chat 5", {"people": (Me(),), "chat_id": 5}),
        ("\u200bid12\u00a0\t", {"people": (Person(id=12),)}),
        ("@Иван in deal 288", {"item": DEAL, "people": (Named(name="Иван"),)}),
        ("@Иван id12 и @Анна & me", {"people": (Named(name="Иван"), Person(id=12),
                                                Named(name="Анна"), Me())}),
        ("@Иван из сделки № 288", {"item": DEAL, "people": (Named(name="Иван"),)}),
        ("-- why not", {"reason": "why not"}),
        ("me — «цена», 50％ (№ 5)…", {"people": (Me(),), "reason": "«цена», 50% (№ 5)…"}),
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
        ("«Отдел \"Право\"» me", {"group": Group(name='Отдел "Право"'), "people": (Me(),)}),
        ("me 15", {"group": Group(id=15), "people": (Me(),)}),
        ("@Анна в группу 15", {"group": Group(id=15), "people": (Named(name="Анна"),)}),
        ("«Отдел «Право»» me", {"group": Group(name="Отдел «Право»"), "people": (Me(),)}),
        ('"Отдел "Право"" me', {"group": Group(name='Отдел "Право"'), "people": (Me(),)}),
        ('me, "15"', {"people": (Me(), Named(name="15"))}),
        ("--dry 15: me!", {"group": Group(id=15), "people": (Me(),), "dry": True}),
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
        ("15", "15", Problem.UNKNOWN),
        ("deal 288.5", "288.5", Problem.NOT_NUMBER),
        ("deal 288 contact 91", "contact 91", Problem.UNKNOWN),
        ("me --for 2h --for 3h", "--for 3h", Problem.UNKNOWN),
        ("me --dry=1", "=1", Problem.UNKNOWN),
        ("me --for 2h 30", "30", Problem.UNKNOWN),
        ("me --for ч", "ч", Problem.DURATION),
        ("me --wait 30", "30", Problem.WAIT),
        ("me --wait 4h", "4h", Problem.WAIT),
        ("me --for 2 попугая", "2 попугая", Problem.DURATION),
        ("me ??", "??", Problem.UNKNOWN),
        ("all", "all", Problem.EVERYONE),
        ("@всех срочно", "@всех", Problem.EVERYONE),
        (f"{M} A\u3164B", "A\u3164B", Problem.UNKNOWN),
        ("/crm/deal/details/0/", "/crm", Problem.UNKNOWN),
        ("/company/personal/user/12/tasks/task/view/9/", "/company", Problem.UNKNOWN),
        ("/online/?IM_MESSAGE=12", "/online", Problem.UNKNOWN),
        # The numbers of a dialog of a line, of a task: nobody's.
        ("/online/?IM_LINES=12", "/online", Problem.UNKNOWN),
        (f"{LINK}/online/?IM_TASK=12&IM_MESSAGE=5", LINK, Problem.UNKNOWN),
        (f"{LINK}/docs/", LINK, Problem.UNKNOWN),
        ("/crm/deal/details/9999999999/", "/crm", Problem.UNKNOWN),
        ("и/или", "и/или", Problem.UNKNOWN),
        ("https://portal.example@evil.example/crm/deal/details/288/", "https", Problem.FOREIGN),
        ("evil.example/crm/deal/details/288/", "evil", Problem.FOREIGN),
        ("//evil.example/online/?IM_DIALOG=chat5", "//evil", Problem.FOREIGN),
        ("https://portal.example:81/crm/deal/details/288/", "https", Problem.FOREIGN),
        ("[URL=https://evil.example/x]/crm/deal/details/288/[/URL]", "[URL", Problem.FOREIGN),
        (f"{LINK}/workgroups/group/15/", LINK, Problem.UNKNOWN),
        ("me " * 301, "me", Problem.UNKNOWN),
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
        (f"лид {LINK}/crm/deal/details/288/", "лид", Problem.UNKNOWN),
        (f"deal {LINK}/crm/lead/details/288/", "deal", Problem.UNKNOWN),
        (f"deal {LINK}/docs/", LINK, Problem.NOT_NUMBER),
        ("deal https://evil.example/crm/deal/details/288/", "https", Problem.FOREIGN),
        ("id12 in #288", "#288", Problem.WHICH_ITEM),
        ("id12 из № 288", "№ 288", Problem.WHICH_ITEM),
        ("в 288", "288", Problem.WHICH_ITEM),
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
        "вуфд 288": "deal 288",
        "deal 288 #12": "deal 288 id12",
        "me - срочно": "me -- срочно",
        "me на 2 часа": "me --на 2 часа",
        "for 1.5h @Анна": "--for 1.5h @Анна",
        "@Анна Орлова на 30мин. — юрист": "@Анна Орлова --на 30мин. — юрист",
    }.items():
        with pytest.raises(Unclear) as unclear:
            parse(text, ESCALATE if "#" in text else grammar.EVERYTHING)
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


@pytest.mark.parametrize("written", [
    "deal 288", "Deal: 288", "DEAL№288", "deal # 288", "deal No. 288", "deal-288", "deal id: 288",
    "сделка номер 288", "сделка ид 288",
    "для сделки 288", "about deal 288", "по сделке 288:", "for deal ２８８",
    "deal \u0662\u0668\u0668",
    "/crm/deal/details/288/", "/crm/deal/details/288", "crm/deal/details/288/",
    "/crm/deal/show/288/",
    "/crm/deal/edit/288/?x=1", "/crm/type/2/details/288/", "/site_ou/crm/deal/show/288/",
    f"{LINK}/crm/deal/details/288/?IFRAME=Y&IFRAME_TYPE=SIDE_SLIDER",
    f"{LINK}/CRM/Deal/details/288/",
    f"{LINK}/crm/deal/details/288/?a=1&amp;b=2#tab_main", f"{LINK}/crm/deal/details/288/#tab_main",
    f"{LINK}/crm/deal/details/288/.", f"{LINK}/crm/deal/details/288.",
    f"{LINK}:443/crm/deal/show/288/",
    "https://PORTAL.example./crm/deal/details/288/", "portal.example/crm/deal/details/288/",
    "//portal.example/crm/deal/details/288/", "http://portal.example/crm/deal/details/288/",
    f"[URL]{LINK}/crm/deal/details/288/[/URL]",
    f"[url={LINK}/crm/deal/details/288/]Сделка, 288[/url]",
    f"в {LINK}/crm/deal/details/288/", f"{LINK}/crm/deal/details/288/?a[]=1&amp;b[2]=3",
    f"сделка {LINK}/crm/deal/details/288/", f"по сделке: {LINK}/crm/deal/details/288/#tab_main",
    f"Deal [URL={LINK}/crm/deal/details/288/]№ 288[/URL]", f"<{LINK}/crm/deal/details/288/>",
    f'"{LINK}/crm/deal/details/288/"', f"«{LINK}/crm/deal/show/288/?a=1».",
    "“portal.example/crm/deal/details/288/”",
])  # fmt: skip
def test_reads_a_record_however_it_is_written(written: str) -> None:
    for text in (written, f"{written}, ", f"({written}".lstrip("(")):
        assert parse(text, host="portal.example") == {"item": DEAL}
    assert parse(f"{written} {M}", host="portal.example") == {"item": DEAL, "people": (IVAN,)}


def test_what_is_glued_to_a_link_is_not_lost() -> None:
    for further in (";id12", ",id12", ", id12", M, ",/company/personal/user/12/"):
        for query in ("", "?a=1"):
            parts = parse(f"/crm/deal/details/288/{query}{further}")
            assert (parts["item"], [one.id for one in parts["people"]]) == (DEAL, [12])
    assert parse("/company/personal/user/12/?a=1,deal 288")["item"] == DEAL


@pytest.mark.parametrize("written", [
    "15", "#15", "№15", "№ 15", "15:", "15.", "группа 15", "в группу № 15", "group 15", "No. 15",
    "/workgroups/group/15/", "/workgroups/group/15/tasks/?x=1", "/spaces/group/15/",
    "/spaces/group/15/discussions/", "/extranet/workgroups/group/15/", "/online/?IM_DIALOG=sg15",
    f"{LINK}/workgroups/group/15/general/#a", f"[URL]{LINK}/spaces/group/15/[/URL]",
    f"группа {LINK}/workgroups/group/15/", "в группу: /spaces/group/15/",
    f"в {LINK}/workgroups/group/15/", f'"{LINK}/workgroups/group/15/"',
])  # fmt: skip
def test_reads_a_group_however_it_is_written(written: str) -> None:
    assert parse(f"{written} {M}", GROUP, "portal.example") == {
        "group": Group(id=15), "people": (IVAN,)
    }  # fmt: skip


@pytest.mark.parametrize("written", [
    "chat 5", "chat5", "чат 5", "в чате № 5", "[CHAT=5]Клиент[/CHAT]", "[chat=5]Клиент[/chat]",
    "--chat 5", "--chat=5", "—chat chat5", "--чат 5", "--chat [CHAT=5]Клиент[/CHAT]",
    "/online/?IM_DIALOG=chat5", f"{LINK}/online/?IM_DIALOG=chat5&IM_MESSAGE=77",
    f"{LINK}/im/?IM_LINES=chat5", "/im/?DIALOG_ID=chat5",
    f"в чат {LINK}/online/?IM_DIALOG=chat5", f"--chat {LINK}/online/?IM_DIALOG=chat5",
])  # fmt: skip
def test_reads_a_chat_however_it_is_written(written: str) -> None:
    assert parse(written, host="portal.example") == {"chat_id": 5}


@pytest.mark.parametrize("written", [
    "[USER=12]Иван Петров[/USER]", "[user=12 replace]Иван[/user]", "[USER=12][/USER]", "id12",
    "ID 12",
    "id:12", "user 12", "User#12", "ид 12", "#12", "# 12", "№12", "@12", "@id12", "id１２",
    "/company/personal/user/12/", f"{LINK}/company/personal/user/12/?IFRAME=Y",
    f"{LINK}/contacts/personal/user/12", "/online/?IM_DIALOG=12",
    "/online/?IM_HISTORY=12", "/im/?DIALOG_ID=12&IM_MESSAGE=5",
    f"[URL={LINK}/company/personal/user/12/]Иван Петров[/URL]",
])  # fmt: skip
def test_reads_a_colleague_however_they_are_written(written: str) -> None:
    for text in (written, f"{written}.", f"{written}!", f"{written};"):
        people = parse(text, host="portal.example")["people"]
        assert [one.id for one in people] == [12]


@pytest.mark.parametrize("written", [
    "@Иван Петров", "@ Иван Петров", "＠Иван Петров", "@Иван Петров.", "@Иван\u00a0Петров!",
    *(f"{first}Иван Петров{last}" for first, last in
      ("''", "‘’", "‚‘", '""', "“”", "„“", "‟”", "«»", "‹›", "＂＂")),
    "@«Иван Петров»", '@"Иван Петров"', "« Иван Петров »", "@Ива\u200bн Петров", "ʼИван Петровʼ",
    "″Иван Петров″",
])  # fmt: skip
def test_reads_a_name_however_it_is_written(written: str) -> None:
    assert parse(written) == {"people": (Named(name="Иван Петров"),)}


@pytest.mark.parametrize("written", [
    "a.b@x.ru", "@a.b@x.ru", "A.B@X.RU", "mailto:a.b@x.ru", "a.b@x.ru.", "a.b@x.ru;",
    "[URL=mailto:a.b@x.ru]a.b@x.ru[/URL]", "<a.b@x.ru>", '"a.b@x.ru"', "(A.B@x.ru)", "«a.b@x.ru».",
])  # fmt: skip
def test_reads_an_address_however_it_is_written(written: str) -> None:
    assert parse(written) == {"people": (Email(address="a.b@x.ru"),)}


@pytest.mark.parametrize(("written", "minutes"), [
    ("2h", 120), ("2 h", 120), ("2 hours", 120), ("2hrs", 120), ("2 ч", 120), ("2ч.", 120),
    ("2 часа", 120), ("2 часа.", 120), ("час", 60), ("полчаса", 30), ("1h30m", 90), ("1 ч 30 мин",
    90),
    ("1 ч. 30 мин.", 90), ("1.5h", 90), ("1,5 часа", 90), ("30 минут", 30), ("30min", 30),
    ("1 day", 1440), ("сутки", 1440), ("7 дней", 10_080), ("week", 10_080), ("неделю", 10_080),
    ("1h and 30m", 90),
    ("２ ч", 120), ("1 час и 30 минут", 90), ("1 hour and 30 minutes", 90), ("300 сек", 5),
    ("600 seconds", 10), ("600s", 10), ("пять минут", 5), ("ten min", 10), ("полтора часа", 90),
    ("пол часа", 30), ("half an hour", 30), ("half hour", 30), ("an hour", 60), ("Два часа", 120),
    ("two hours 30 minutes", 150),
])  # fmt: skip
@pytest.mark.parametrize("option", [
    "--for ", "--for=", "--for = ", "--for: ", "—for ", "–for ", "-for ", "--FOR ", "--на ",
    "--ащк ",
    "−−for ", "‑‑for ",
])  # fmt: skip
def test_reads_a_duration_however_it_is_written(option: str, written: str, minutes: int) -> None:
    parts = {"lasting": 60 * minutes, "people": (IVAN,)}

    assert parse(f"{option}{written} {M}") == parse(f"{M} {option}{written}") == parts
    assert parse(f"{M}, {option}{written} — срочно") == parts | {"reason": "срочно"}


@pytest.mark.parametrize(("text", "word"), [
    ("--wait 4 часа", "4 часа"), ("--wait 3,5 ч", "3,5 ч"), ("--wait 59 сек", "59 сек"),
    ("--wait four hours", "four hours"), ("--wait 2", "2"), ("--wait часок", "часок"),
    ("--wait 1h30", "1h30"),
    ("--wait", ""), ("--wait -- срочно", ""), ("--wait — urgent", ""),
])  # fmt: skip
def test_a_duration_that_does_not_fit_is_told_as_it_was_written(text: str, word: str) -> None:
    with pytest.raises(grammar.Unclear) as caught:
        parse(text)

    assert (caught.value.problem, caught.value.word) == (Problem.WAIT, word)


@pytest.mark.parametrize(("text", "number", "people"), [
    ("#12", 12, ()), ("№ 12", 12, ()), ("12", 12, ()), ("# 12.", 12, ()), ("no. 12", 12, ()),
    ("#288 id12", 288, (Person(id=12),)), ("id12 #288", 288, (Person(id=12),)),
])  # fmt: skip
def test_a_number_alone_is_no_colleague_where_it_may_be_a_record(
    text: str, number: int, people: tuple[Person, ...]
) -> None:
    parts = parse(text, ESCALATE)

    assert parts.pop("number") == number
    assert parts == ({"people": people} if people else {})


@pytest.mark.parametrize(("typed", "parted"), [
    ("/invite M", (True, "invite", "M")), ("/invite@switchboard M", (True, "invite", "M")),
    ("/invite@Switchboard_bot M", (True, "invite", "M")), ("/INVITE", (True, "INVITE", "")),
    ("/invite@Иван", (True, "invite", "@Иван")), ("/invite[USER=12][/USER]",
                                                   (True, "invite", "[USER=12][/USER]")),
    ("/invite\u00a0M", (True, "invite", "M")), ("\u200b/invite\tM", (True, "invite", "M")),
    ("/ invite M", (True, "invite", "M")), ("/invite, M", (True, "invite", "M")),
    ("invite M", (False, "invite", "M")), (".штмшеу M", (False, "штмшеу", "M")),
    ("", (False, "", "")), ("/", (True, "", "")), ("12", (False, "", "12")),
])  # fmt: skip
def test_parts_a_command_from_what_follows(typed: str, parted: tuple[bool, str, str]) -> None:
    assert split_command(typed) == parted


@pytest.mark.parametrize(
    "text", ["help", "Help!", "--help", "?", "??", "помощь", "/справка", " HELP.", "рудз"]
)
def test_knows_who_asks_for_help(text: str) -> None:
    assert grammar.asks_for_help(text)
    assert not grammar.asks_for_help(f"{text} me")
    assert not grammar.asks_for_help("")


def test_knows_a_command_typed_on_the_other_keyboard() -> None:
    assert vocabulary.other_layout("штмшеу") == "invite"
    assert vocabulary.other_layout("уысфдфеу") == "escalate"
    assert vocabulary.other_layout("invite") == "штмшеу"


def test_normalising_twice_changes_nothing() -> None:
    assert normalise(normalise("e\u200b\u0301")) == normalise("e\u200b\u0301")


def test_drops_every_format_character() -> None:
    formats = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Cf"]

    assert len(formats) > 150
    for sign in formats:
        assert parse(f"{sign}[USER=12]Ив{sign}ан Петров{sign}[/USER]{sign}") == {"people": (IVAN,)}


def test_reads_every_digit_and_every_blank() -> None:
    for sign in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(sign) == "Nd":
            assert normalise(sign) == str(unicodedata.digit(sign))
        elif unicodedata.category(sign) == "Zs":
            assert parse(f"deal{sign}288") == {"item": DEAL}


def test_names_what_is_not_seen() -> None:
    assert vocabulary.invisible("a\u3164b") == "U+3164 HANGUL FILLER"
    assert vocabulary.invisible("\x07") == "U+0007"
    assert not vocabulary.invisible("Й ё 😀 №")


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
