"""Outcome or refusal to words, by the template named after it; and in which language for whom."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from gettext import c2py
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.messages.plurals import get_plural
from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from bot.bitrix24 import bbcode
from bot.bitrix24.entities import Offer, Person
from bot.bitrix24.events import Chat
from bot.commands.outcomes import Told
from bot.commands.patterns import plain
from bot.errors import Refusal, snake
from bot.portals.preferences import Preferences
from bot.portals.settings import PortalSettingsStore

TEMPLATES = Path(__file__).parents[2] / "templates"
DEFAULT_LANGUAGE = "en"


def code_of(language: str) -> str:
    """Write a language by its code alone: ``ru_RU``, ``RU`` and ``ru-RU`` are ``ru``."""
    return language.strip().lower().replace("_", "-").partition("-")[0]


@dataclass(frozen=True, slots=True)
class CommandWords:
    """How a command is offered in the portal's list, and how it is explained."""

    title: str
    hint: str
    usage: str


class Wording:
    """The templates of all languages."""

    def __init__(self, directory: Path = TEMPLATES) -> None:
        self._environments = {
            folder.name: self._environment(folder)
            for folder in sorted(directory.iterdir())
            if (folder / "commands").is_dir()
        }

    @property
    def languages(self) -> list[str]:
        """The languages that there are words in, by code."""
        return list(self._environments)

    def known(self, language: str) -> str:
        """Give this language if the bot speaks it, else English."""
        code = code_of(language)
        return code if code in self._environments else DEFAULT_LANGUAGE

    def word(
        self, told: Told, language: str, typed_in: Chat | None = None
    ) -> tuple[str, list[str]]:
        """Say an outcome or a refusal, and what it offers to press.

        ``typed_in`` is the chat of the command, where this is read in another one.
        """
        template = self._template(template_name(type(told)), language)
        module = template.make_module(variables(told, typed_in))
        buttons = [_button(offer, module) for offer in told.offers]
        return bbcode.without_commands(str(module).strip()), buttons

    def short(self, refusal: Refusal, language: str) -> Markup:
        """Say a refusal in a word or two: the template's ``short``."""
        template = self._template(template_name(type(refusal)), language)
        return Markup(getattr(template.make_module(variables(refusal)), "short", ""))

    def command(self, name: str, language: str) -> CommandWords:
        """Say what a command is for."""
        module = self._template(f"commands/{name}.j2", language).module
        words = {part: str(getattr(module, part)) for part in ("title", "hint")}
        return CommandWords(**words, usage=str(module).strip())

    def page(self, name: str, language: str, **values: Any) -> str:
        """Render a text that is neither an outcome nor a refusal."""
        return self._template(name, language).render(values).strip()

    def _template(self, name: str, language: str) -> Template:
        known = self._environments.get(language) or self._environments[self.known(language)]
        return known.get_template(name)

    def _environment(self, folder: Path) -> SandboxedEnvironment:
        # Escaping is on so that macros and filters hand over what is safe as such; what makes
        # a value safe here is `finalize`, HTML has no part in it.
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=True,
            finalize=_neutral,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["mention"] = _mention
        environment.filters["chat"] = _chat_link
        environment.filters["excerpt"] = _excerpt
        environment.filters["typed"] = _typed
        environment.filters["command"] = partial(self._command, language=folder.name)
        environment.filters["short"] = partial(self.short, language=folder.name)
        environment.filters["plural"] = partial(plural, folder.name)
        environment.filters["day"] = partial(day, folder.name)
        return environment

    def _command(self, name: str, language: str) -> Mapping[str, Markup]:
        words = self.command(name, language)
        return {
            "name": Markup(name),
            "title": Markup(words.title),
            "hint": Markup(words.hint),
            "usage": Markup(words.usage),
        }


@dataclass(eq=False, slots=True)
class Languages:
    """Knows the languages of people and portals, as far as they have told them."""

    _wording: Wording
    _preferences: Preferences
    _settings: PortalSettingsStore

    async def of(self, member_id: str, user_id: int, told: str = "") -> str:
        """Give a person's own: chosen by /language, else that of their last page.

        Without one it is the portal's. ``told`` is the language that an event names: that of
        the portal, whoever has caused it.
        """
        own = await self._preferences.language(member_id, user_id)
        return self._wording.known(own) if own else await self.of_portal(member_id, told)

    async def of_portal(self, member_id: str, told: str = "") -> str:
        """Give the language that an administrator has chosen for the portal, else its default."""
        settings = await self._settings.of(member_id)
        return self._wording.known(settings.default_language or told)


def _button(offer: Offer, module: TemplateModule) -> str:
    """Give the words of a button: what it does, its label, or both."""
    does = str(getattr(module, offer.name)).strip() if offer.name else ""
    label = bbcode.neutralise(offer.label, bbcode.EXCERPT)
    return ": ".join(filter(None, (does, label)))


def template_name(type_: type[Any]) -> str:
    """Name the template of an outcome or a refusal: ``Invited`` is ``invited.j2``."""
    name = snake(type_)
    return f"refusals/{name}.j2" if issubclass(type_, Refusal) else f"{name}.j2"


def variables(told: Told, typed_in: Chat | None = None) -> dict[str, Any]:
    """Give an outcome's or a refusal's fields, and the chat that its text has to name."""
    fields = {name: value for name, value in vars(told).items() if name != "offers"}
    return {**fields, "typed_in": typed_in}


def _neutral(value: object) -> object:
    return Markup(bbcode.neutralise(value)) if type(value) is str else value


def _excerpt(text: str) -> Markup:
    """Give what somebody wrote at length, as plain text."""
    return Markup(bbcode.neutralise(text, bbcode.EXCERPT))


def _typed(params: str) -> Markup:
    """Give what somebody typed, or might type, as they see it: with names for mentions."""
    return Markup(bbcode.neutralise(plain(params), bbcode.EXCERPT))


def _chat_link(number: int, text: str) -> Markup:
    return Markup(f"[CHAT={number}]{bbcode.neutralise(str(text))}[/CHAT]")


def _mention(person: Person) -> Markup:
    return Markup(bbcode.mention(person.id, person.name))


@cache
def _form_of(language: str) -> Callable[[int], int]:
    # By the short rule of translators: babel's locale holds eight megabytes of other data.
    return c2py(get_plural(language).plural_expr)


def plural(language: str, count: int, *forms: str) -> str:
    """Choose the form that goes with a number: one, few, many (Russian); one, other (English)."""
    return forms[min(_form_of(language)(count), len(forms) - 1)]


def day(language: str, told: str) -> str:
    """Write a date of the portal's, ``2026-12-01``, as people do; what is none stays as it is."""
    try:
        return format_date(date.fromisoformat(told), "d MMMM y", language)
    except ValueError:
        return told
