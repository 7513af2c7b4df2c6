"""One thing is written in many ways, by people and by devices: all are read alike."""

import sys
import unicodedata

import pytest
from lines import DEAL, ESCALATE, GROUP, IVAN, LINK, M

from bot.bitrix24.entities import Email, Group, Named, Person
from bot.commands import vocabulary
from bot.commands.grammar import parse
from bot.commands.line import Problem, Unclear
from bot.commands.vocabulary import normalise


@pytest.mark.parametrize("written", [
    "deal 288", "Deal: 288", "DEAL№288", "deal # 288", "deal No. 288", "deal-288", "deal id: 288",
    "сделка номер 288", "сделка ид 288",
    "для сделки 288", "about deal 288",
    "into deal 288", "the deal 288", "in the deal 288", "по сделке 288:", "for deal ２８８",
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


@pytest.mark.parametrize("dash", ["— ", "-- ", "– ", "—— ", "—\u00a0"])
def test_a_reason_may_be_glued_to_what_stands_before_it(dash: str) -> None:
    for text, parts in {
        f"{M} --for 2 часа{dash}срочно": {"people": (IVAN,), "lasting": 7200},
        f"{M} сделка 288{dash}срочно": {"people": (IVAN,), "item": DEAL},
        f"id12{dash}срочно": {"people": (Person(id=12),)},
        f"@Иван Петров{dash}срочно": {"people": (Named(name="Иван Петров"),)},
        f"a.b@x.ru{dash}срочно": {"people": (Email(address="a.b@x.ru"),)},
        f"{M} --dry{dash}срочно": {"people": (IVAN,), "dry": True},
    }.items():
        assert parse(text) == parts | {"reason": "срочно"}


def test_what_is_glued_to_a_link_is_not_lost() -> None:
    for further in (";id12", ",id12", ", id12", M, ",/company/personal/user/12/"):
        for query in ("", "?a=1"):
            parts = parse(f"/crm/deal/details/288/{query}{further}")
            assert (parts["item"], [one.id for one in parts["people"]]) == (DEAL, [12])
    assert parse("/company/personal/user/12/?a=1,deal 288")["item"] == DEAL


@pytest.mark.parametrize("written", [
    "to the group 15", "группа15", "группа: 15", "15", "#15", "№15", "№ 15", "15:", "15.",
    "группа 15", "в группу № 15", "group 15", "No. 15",
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
    f'"{M}"', f"«{M}»", f"‘{M}’", f"`{M}`", f"({M})", f"<{M}>", f"“@{M}”",
    f"[b]{M}[/b]", f"[B][COLOR=#ff0000]{M}[/COLOR][/B]", f"[size=20]{M}", "[i]id12[/i]",
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
    "[URL=mailto:a.b@x.ru]a.b@x.ru[/URL]", "<a.b@x.ru>", "<mailto:a.b@x.ru>", '"a.b@x.ru"',
    "(A.B@x.ru)", "«a.b@x.ru».",
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
    ("two hours 30 minutes", 150), ("час и тридцать минут", 90), ("twenty five minutes", 25),
    ("forty-five minutes", 45), ("Двадцать пять минут", 25), ("пятьдесят одну минуту", 51),
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
    ("--wait 1h30", "1h30"), ("--wait 2 часика", "2 часика"), ("--wait 1 month", "1 month"),
    ("--wait", ""), ("--wait -- срочно", ""), ("--wait — urgent", ""),
])  # fmt: skip
def test_a_duration_that_does_not_fit_is_told_as_it_was_written(text: str, word: str) -> None:
    with pytest.raises(Unclear) as caught:
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
    assert vocabulary.invisible("a\ufe0f") == "U+FE0F VARIATION SELECTOR-16"
    assert not vocabulary.invisible("Й ё 😀 № ❤\ufe0f 1\ufe0f\u20e3")
