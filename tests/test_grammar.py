"""What follows a command, read into its parts, without a portal."""

from typing import Any

import pytest
from lines import DEAL, ESCALATE, GROUP, IVAN, LINK, M

from bot.bitrix24.entities import CrmItem, Email, Group, Me, Named, Person, Role
from bot.commands import grammar
from bot.commands.grammar import parse, split_command
from bot.commands.line import Problem, Unclear


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
        (f"{M} через 2 минуты {M}", "через 2 минуты", Problem.DURATION),
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
        ("me до 18:00", "до 18:00", Problem.DURATION),
        ("@Анна Орлова until tomorrow", "until tomorrow", Problem.DURATION),
        ("@Анна --до завтра", "--до завтра", Problem.DURATION),
        ("@Ким До и до завтра", "до завтра", Problem.DURATION),
        ("me на ч", "на ч", Problem.UNKNOWN),
        ("me ??", "??", Problem.UNKNOWN),
        ("all", "all", Problem.EVERYONE),
        ("@всех срочно", "@всех", Problem.EVERYONE),
        (f"{M} A\u3164B", "A\u3164B", Problem.UNKNOWN),
        ("/crm/deal/details/0/", "/crm", Problem.UNKNOWN),
        (f"{LINK}/crm/type/128/details/5/", LINK, Problem.WHICH_ITEM),
        (f"{LINK}/page/buy/tender/type/128/details/5/?a=1", LINK, Problem.WHICH_ITEM),
        ("/crm/quote/show/5/", "/crm", Problem.WHICH_ITEM),
        (f"[URL={LINK}/crm/type/31/details/5/]№ 5[/URL]", "[URL", Problem.WHICH_ITEM),
        (f"{LINK}/crm/deal/", LINK, Problem.UNKNOWN),
        ("/company/personal/user/12/tasks/task/view/9/", "/company", Problem.UNKNOWN),
        ("/online/?IM_MESSAGE=12", "/online", Problem.UNKNOWN),
        # The numbers of a dialog of a line, of a task: nobody's.
        ("/online/?IM_LINES=12", "/online", Problem.UNKNOWN),
        (f"{LINK}/online/?IM_TASK=12&IM_MESSAGE=5", LINK, Problem.UNKNOWN),
        (f"{LINK}/docs/", LINK, Problem.UNKNOWN),
        ("/crm/deal/details/9999999999/", "/crm", Problem.UNKNOWN),
        ("и/или", "и/или", Problem.UNKNOWN),
        (f"[s]{M}[/s]", "[s]", Problem.UNKNOWN),
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
        ("chat x", "x", Problem.NOT_CHAT),
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
        "me на полчаса": "me --на полчаса",
        "me ждать пять минут": "me --ждать пять минут",
        "@Анна Орлова wait 5m -- юрист": "@Анна Орлова --wait 5m -- юрист",
        "@Анна на час": "@Анна --на час",
        "@Анна Орлова for an hour": "@Анна Орлова --for an hour",
        "me на два часа -- юрист": "me --на два часа -- юрист",
        "@Анна Орлова на 30мин. — юрист": "@Анна Орлова --на 30мин. — юрист",
    }.items():
        with pytest.raises(Unclear) as unclear:
            parse(text, ESCALATE if "#" in text else grammar.EVERYTHING)
        assert unclear.value.instead == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Анну Орлову", "@Анну Орлову"),
        ("анна", "@анна"),
        ("ответственного", "@ответственного"),
        ("Анна и Роман", "@Анна и @Роман"),
        ("Анна, Роман, Борис.", "@Анна, @Роман, @Борис."),
        ("@Анна и Роман -- юрист", "@Анна и @Роман -- юрист"),
        (f"Анна {M}", f"@Анна {M}"),
        ("Анну Орлову на 2 часа", "@Анну Орлову --на 2 часа"),
        ("сделка 288 Анну", "сделка 288 @Анну"),
        (f"{M} нужна помощь с договором", f"{M} -- нужна помощь с договором"),
        (f"{M}. Срочно нужна помощь", f"{M}. -- Срочно нужна помощь"),
        (f"{M} —нужна помощь", f"{M} -- нужна помощь"),
        (f"{M} --нужна помощь", f"{M} -- нужна помощь"),
        (f"- {M}", M),
        (f"-- {M}", M),
        ("— @Анна -- юрист", "@Анна -- юрист"),
        (f"юриста {M}", ""),
        (f"{M} плз", ""),
        (f"{M} --test", ""),
        (f"{M} —срочно", f"{M} -- срочно"),
        (f"{M} —скоро", ""),
        (f"{M} на пару часов", ""),
        ("А\u3164Б", ""),
        ("id0", ""),
    ],
)
def test_says_which_sign_is_missing(text: str, meant: str) -> None:
    with pytest.raises(Unclear) as unclear:
        parse(text, grammar.EVERYTHING)
    assert unclear.value.instead == meant


def test_in_an_escalation_small_letters_are_a_reason() -> None:
    for text, meant in {
        "клиент грозит уйти": "-- клиент грозит уйти",
        "Клиент грозит уйти!": "-- Клиент грозит уйти!",
        "сделка 288 клиент уходит": "сделка 288 -- клиент уходит",
        "Иванов и Петров": "@Иванов и @Петров",
        "- @Анна": "@Анна",
        "срочно": "-- срочно",
        "скоро": "",
        # Perhaps the item's number, as people part thousands.
        "сделка 1 288": "",
        f"сделка 288 — {M} — срочно": f"сделка 288 {M} — срочно",
        f"— {M}": M,
        "сделки 288 и 301": "",
    }.items():
        with pytest.raises(Unclear) as unclear:
            parse(text, ESCALATE)
        assert unclear.value.instead == meant
    for reason in ("@Анна поможет", f"{M} занят", f"{M} и юрист"):
        told = reason.replace(M, "@Иван Петров")
        assert parse(f"-- {reason}", ESCALATE) == {"reason": told}


def test_what_a_command_does_not_take_is_not_understood() -> None:
    for text, wanted in {
        "id12": {"word"}, "deal 288": {"people"}, "me --dry": {"people"}, "me -- a": {"people"},
        "15": set(),
    }.items():  # fmt: skip
        if wanted != {"word"}:
            with pytest.raises(Unclear):
                parse(text, wanted)
    assert parse("RU", {"word"}) == {"word": "ru"}


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
