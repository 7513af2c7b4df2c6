"""The wording: every language has every text, every text has its values."""

import inspect
import re
from html import unescape
from pathlib import Path

import pytest
from jinja2 import meta
from pydantic import BaseModel

import handlers
from bot.bitrix24.entities import Act, CrmItem, Group, Offer, Person
from bot.bitrix24.events import Chat
from bot.commands.errors import TooManyPeople
from bot.commands.missed import Missed
from bot.commands.outcomes import Outcome
from bot.commands.policy import Called
from bot.errors import PersonDismissed, Refusal
from bot.inbox.escalations import Skipped
from bot.wording.rendering import TEMPLATES, Wording, template_name
from handlers.check import Queue
from handlers.help import CommandList
from handlers.invite import Invited

LANGUAGES = ("ru", "en")
WORDING = Wording()
# Texts that belong to no outcome, and what each is given.
OTHERS = {
    "bot.j2": set(),
    "tab.j2": set(),
    "bot_lost.j2": set(),
    "more.j2": {"count"},
    "taking_longer.j2": set(),
    "access_request.j2": {"person", "item"},
    "manual.j2": {"names"},
    "trail.j2": {"requester", "called", "taken_by", "how", "seconds", "reason"},
}
MACROS = {"words.j2"}
# A line a command, a line a person.
LISTS = {CommandList, Invited}


def outcomes() -> list[type[Outcome]]:
    return sorted(_below(Outcome), key=lambda type_: type_.__name__)


def refusals() -> list[type[Refusal]]:
    return sorted(_below(Refusal), key=lambda type_: type_.__name__)


def _below(base: type) -> set[type]:
    found = set(base.__subclasses__())
    return found | {deeper for one in found for deeper in _below(one)}


def fields(type_: type) -> set[str]:
    own = type_.model_fields if issubclass(type_, BaseModel) else type_.__annotations__
    return set(own) - {"offers"}


def expected() -> dict[str, set[str]]:
    told = {template_name(type_): fields(type_) for type_ in [*outcomes(), *refusals()]}
    commands = {f"commands/{name}.j2": set() for name in handlers.router.commands}
    return {**told, **commands, **OTHERS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_file_for_every_text_and_no_other(language: str) -> None:
    folder = TEMPLATES / language
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.j2")}

    assert files - MACROS == expected().keys()


def test_a_text_uses_only_values_it_is_given_and_the_same_in_both_languages() -> None:
    for name, given in expected().items():
        russian, english = (used(name, language) for language in LANGUAGES)

        assert russian == english, name
        assert russian <= {*given, "typed_in"}, name


def used(name: str, language: str) -> set[str]:
    source = (TEMPLATES / language / name).read_text()
    return meta.find_undeclared_variables(WORDING._environments[language].parse(source))


EVIL = "[url=https://evil.example] &#91;send=/remove id12] &amp;#91;put=x] #BR#/remove $result[a]"
WORST = f"Иван «{EVIL}» /invite\n/remove " + "ё" * 300
WORST_PERSON = Person(id=12, name=WORST)
SKIPPED = Skipped(person=WORST_PERSON, role="head", why="absent", until="2026-12-01")
SAMPLES = {
    **dict.fromkeys(("person", "who", "to", "whom", "owner", "requester", "head"), WORST_PERSON),
    **dict.fromkeys(
        ("invited", "again", "kept", "members", "others", "out", "removed", "returned"),
        (WORST_PERSON,),
    ),
    **dict.fromkeys(("observers", "queue"), (WORST_PERSON,)),
    "lines": (Queue(WORST, (WORST_PERSON,)),),
    "reach": "queue",
    "missed": (Missed(WORST_PERSON, PersonDismissed(WORST_PERSON)),) * 7,
    "by_chat": (WORST_PERSON,),
    "called": (Called(WORST_PERSON, "head"), Called(WORST_PERSON, "")),
    "skipped": (SKIPPED,) * 3,
    "group": Group(id=15, name=WORST),
    "groups": (Group(id=15, name=WORST),) * 2,
    "bound": CrmItem(type="lead", id=5, title=WORST),
    "near": (WORST, WORST),
    # What somebody wrote at length may be long.
    **dict.fromkeys(("reason", "params"), f"{EVIL}\n/remove [b]"),
    "role": "head",
    **dict.fromkeys(("scopes", "missing_scopes"), ("crm", "im")),
    "failing": ("commands",),
    "revision": 36,
    **dict.fromkeys(("chat_id", "elsewhere"), 8773),
    "minutes": 10,
    "more": 11,
    "lasting": 7200,
    **dict.fromkeys(("wait", "seconds"), 100),
    **dict.fromkeys(("declined", "escalated", "left", "unanswered"), True),
    "unasked": (WORST_PERSON,),
    **dict.fromkeys(("here", "inside", "remains", "seen", "supports_lines", "with_customer"), True),
    **dict.fromkeys(("sees_dialog", "is_active"), False),
    "people": (Person(id=12, name=WORST), Person(id=15)),
    "joined": (Person(id=12, name=WORST),),
    "present": (),
    "item": CrmItem(type="deal", id=288, title=WORST),
    "responsible": Person(id=21, name=WORST),
    "names": ("invite",),
    "count": 21,
    "limit": 20,
}


def sample(type_: type) -> Outcome | Refusal:
    values = {name: SAMPLES.get(name, WORST) for name in fields(type_)}
    if "command" in values:
        values["command"] = "invite"
    if takes_offers(type_):
        values["offers"] = (Offer(label=WORST, act=Act()),)
    return type_(**values)


def takes_offers(type_: type) -> bool:
    return not issubclass(type_, BaseModel) and "offers" in type_.__annotations__


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_survives_the_worst_values(language: str) -> None:
    for type_ in [*outcomes(), *refusals()]:
        assert_survives(type_, language)


def assert_survives(type_: type, language: str) -> None:
    chat = Chat(id=8773, dialog_id="chat8773", name=WORST, entity_type="LINES")
    said, buttons = WORDING.word(sample(type_), language, chat)

    assert said
    for shown in (said, *buttons):
        assert not re.search(r"\[(url|send|put)|#br#|\$result", unescape(unescape(shown)).lower())
        assert unescape(shown) == shown
    assert "ё" * 81 not in said
    assert not any(line.lstrip().startswith("/") for line in said.split("\n"))
    assert len(said.split("\n")) <= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_can_be_missed_in_an_invitation_has_a_short_reason(language: str) -> None:
    named = [type_ for type_ in refusals() if {"person", "by_chat"} & fields(type_)]
    assert len(named) >= 8
    for type_ in named:
        refusal = sample(type_)
        assert WORDING.short(refusal, language), type_
        missed = Missed(Person(id=33), refusal)
        invited = Invited(
            joined=(Person(id=12),),
            present=(),
            missed=(missed,),
            item=CrmItem(type="deal", id=288),
            chat_id=8773,
            here=True,
            lasting=0,
        )
        said, _ = WORDING.word(invited, language)
        assert WORDING.short(refusal, language) in said


def test_both_languages_say_the_same_numbers() -> None:
    for count, words in ((21, "21 человек за раз"), (22, "22 человека"), (25, "25 человек ")):
        assert WORDING.word(TooManyPeople(count, 20), "ru")[0].startswith(words)


@pytest.mark.parametrize(
    ("seconds", "russian", "english"),
    [
        (300, "5 минут", "5 minutes"),
        (3600, "1 час", "1 hour"),
        (7200, "2 часа", "2 hours"),
        (5 * 3600, "5 часов", "5 hours"),
        (86_400, "1 день", "1 day"),
        (3 * 86_400, "3 дня", "3 days"),
        (21 * 60, "21 минуту", "21 minutes"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: int, russian: str, english: str) -> None:
    invited = Invited(
        joined=(Person(id=12),),
        present=(),
        missed=(),
        item=CrmItem(type="deal", id=288),
        chat_id=8773,
        here=True,
        lasting=seconds,
    )

    assert f" на {russian}. Потом" in WORDING.word(invited, "ru")[0]
    assert f" for {english}. The bot will" in WORDING.word(invited, "en")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_at_most_four_lines_long(language: str) -> None:
    texts = [type_ for type_ in (*outcomes(), *refusals()) if type_ not in LISTS]
    said = {type_: WORDING.word(sample(type_), language)[0] for type_ in texts}

    assert {type_: words for type_, words in said.items() if len(words.split("\n")) > 4} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_offered_has_words(language: str) -> None:
    for type_ in [*outcomes(), *refusals()]:
        assert_offers_have_words(type_, language)


def assert_offers_have_words(type_: type, language: str) -> None:
    told = sample(type_)
    if not takes_offers(type_):
        named = {
            name
            for folder in LANGUAGES
            for name in re.findall(
                r"{% set (\w+) %}[^{]*{% endset %}",
                (TEMPLATES / folder / template_name(type_)).read_text(),
            )
        } - {"short"}
        assert {offer.name for offer in told.offers} <= named
        assert all(WORDING.word(told, language)[1])


def test_every_word_of_a_name_is_one_of_its_file() -> None:
    for name, file in {"OneAtATime": "one_at_a_time", "NoAnswer": "no_answer"}.items():
        assert template_name(type(name, (), {})) == f"{file}.j2"


def test_words_live_only_in_templates() -> None:
    for folder in ("bot", "handlers"):
        for path in (TEMPLATES.parent / folder).rglob("*.py"):
            if path.name == "vocabulary.py":  # the words of the grammar
                continue
            russian = [c for c in path.read_text() if "а" <= c.lower() <= "я"]
            assert not russian, f"{path}: {''.join(russian)[:60]}"


def test_every_refusal_is_an_exception_with_a_promise() -> None:
    for type_ in refusals():
        assert inspect.getdoc(type_)
        path = Path(inspect.getfile(type_))
        assert path.name == "errors.py" or path.parent.name == "handlers"


def test_no_line_of_a_template_is_long() -> None:
    long = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in TEMPLATES.rglob("*.j2")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 160
    ]

    assert long == []
