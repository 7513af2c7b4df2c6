"""The wording: every language has every text, every text has its values."""

import inspect
from pathlib import Path

import pytest
from jinja2 import meta
from pydantic import BaseModel

import bot.errors
import handlers
from bot.bitrix24.entities import CrmItem, Person
from bot.errors import Refusal
from bot.outcomes import Outcome
from bot.rendering import TEMPLATES, Wording, template_name

LANGUAGES = ("ru", "en")
# Texts that belong to no outcome, and what each is given.
OTHERS = {"bot.j2": set(), "more.j2": {"count"}, "taking_longer.j2": set()}
MACROS = {"words.j2"}


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


@pytest.mark.parametrize("name", expected())
def test_a_text_uses_only_values_it_is_given_and_the_same_in_both_languages(name: str) -> None:
    russian, english = (used(name, language) for language in LANGUAGES)

    assert russian == english
    assert russian <= expected()[name]


def used(name: str, language: str) -> set[str]:
    source = (TEMPLATES / language / name).read_text()
    return meta.find_undeclared_variables(Wording()._environments[language].parse(source))


WORST = "Иван «[url=https://evil.example]» /invite\n/remove " + "ё" * 300
SAMPLES = {
    "person": Person(id=12, name=WORST),
    "people": (Person(id=12, name=WORST), Person(id=15)),
    "joined": (Person(id=12, name=WORST),),
    "present": (),
    "missed": (),
    "item": CrmItem(type="deal", id=288, title=WORST),
    "responsible": Person(id=21, name=WORST),
    "names": ("invite",),
    "count": 21,
    "limit": 20,
}


def sample(type_: type) -> Outcome | Refusal:
    values = {name: SAMPLES.get(name, WORST) for name in fields(type_)}
    if "command" in values and issubclass(type_, Outcome):
        values["command"] = "invite"
    return type_(**values)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_", [*outcomes(), *refusals()])
def test_a_text_survives_the_worst_values(language: str, type_: type) -> None:
    said = Wording().word(sample(type_), language)

    assert said
    assert "[url" not in said.lower()
    assert "ё" * 81 not in said
    assert not any(line.lstrip().startswith("/") for line in said.split("\n"))
    assert len(said.split("\n")) <= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_can_be_missed_in_an_invitation_has_a_short_reason(language: str) -> None:
    from handlers.invite import Invited, Missed

    named = [type_ for type_ in refusals() if "person" in fields(type_)]
    assert len(named) >= 8
    for type_ in named:
        refusal = sample(type_)
        assert Wording().short(refusal, language), type_
        missed = Missed(Person(id=33), refusal)
        said = Wording().word(
            Invited(joined=(Person(id=12),), present=(), missed=(missed,)), language
        )
        assert Wording().short(refusal, language) in said


def test_both_languages_say_the_same_numbers() -> None:
    refusal = bot.errors.TooManyPeople(count=21, limit=20)

    assert Wording().word(refusal, "ru").startswith("21 человек за раз")
    assert Wording().word(bot.errors.TooManyPeople(22, 20), "ru").startswith("22 человека")
    assert Wording().word(bot.errors.TooManyPeople(25, 20), "ru").startswith("25 человек ")


def test_words_live_only_in_templates() -> None:
    for folder in ("bot", "handlers"):
        for path in (TEMPLATES.parent / folder).rglob("*.py"):
            if path.name in {"grammar.py"}:
                continue
            russian = [c for c in path.read_text() if "а" <= c.lower() <= "я"]
            assert not russian, f"{path}: {''.join(russian)[:60]}"


def test_every_refusal_is_an_exception_with_a_promise() -> None:
    for type_ in refusals():
        assert inspect.getdoc(type_)
        assert Path(inspect.getfile(type_)).name == "errors.py"
